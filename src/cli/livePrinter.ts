/**
 * Prints a stream: stable words on stdout, one line per sentence; partial text on a line of stderr that is redrawn, if
 * that is a terminal. If both are terminals, a line is printed to stdout when it is complete, and is part of the redrawn
 * line until then.
 */
import { strip } from '../base/python.ts';
import type { StreamUpdate } from '../transcribe/stream/stream.ts';
import type { ProgressStream } from './progress.ts';
import { fitting, textWidth } from './textWidth.ts';

/** A pause that ends a line as well, in seconds. */
const LONG_PAUSE = 2;
const SENTENCE_END = /[.!?…。！？][)\]"'”’»」』]*$/u;
const DIM = '\x1b[2m';
const PLAIN = '\x1b[0m';

export class LivePrinter {
  readonly #stdout: ProgressStream;
  readonly #stderr: ProgressStream;
  /** Print lines only when they are complete. */
  readonly #isBuffered: boolean;
  #line = '';
  #lastEnd = 0;
  #drawn = false;

  constructor(stdout: ProgressStream, stderr: ProgressStream) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#isBuffered = !!stdout.isTTY && !!stderr.isTTY;
  }

  show({ words, partial }: Pick<StreamUpdate, 'words' | 'partial'>): void {
    this.#clear();
    for (const { word, start, end } of words) {
      if (this.#line && (SENTENCE_END.test(this.#line) || start - this.#lastEnd > LONG_PAUSE)) this.#endLine();
      this.#lastEnd = end;
      const text = this.#line ? word : strip(word);
      this.#line += text;
      if (!this.#isBuffered) this.#stdout.write(text);
    }
    if (this.#stderr.isTTY) this.#draw(this.#isBuffered ? this.#line : '', partial);
  }

  /** Ends the current line. */
  end(): void {
    this.#clear();
    if (this.#line) this.#endLine();
  }

  #endLine(): void {
    this.#stdout.write(this.#isBuffered ? `${this.#line}\n` : '\n');
    this.#line = '';
  }

  /** Draws the end of both, as much as fits in a line. */
  #draw(stable: string, partial: string): void {
    let room = Math.max(10, (this.#stderr.columns || 80) - 1);
    const fit = (text: string): string => {
      const shown = fitting([...text].reverse(), room)
        .reverse()
        .join('');
      room -= textWidth(shown);
      return shown;
    };
    const partialShown = fit(stable ? partial : strip(partial));
    const stableShown = fit(stable);
    if (!partialShown && !stableShown) return;
    this.#stderr.write(`${stableShown}${DIM}${partialShown}${PLAIN}`);
    this.#drawn = true;
  }

  #clear(): void {
    if (this.#drawn) this.#stderr.write('\r\x1b[K');
    this.#drawn = false;
  }
}
