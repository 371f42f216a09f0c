/**
 * Prints a stream: stable words on stdout, a line a sentence; what may still change on a line of stderr that is drawn
 * again, if that is a terminal. Where both are terminals, a line goes to stdout when it is complete, and stands on the
 * drawn line until then.
 */
import { strip } from '../base/python.ts';
import type { StreamUpdate } from '../transcribe/stream/stream.ts';
import type { ProgressStream } from './progress.ts';

/** A pause that ends a line too, in seconds. */
const LONG_PAUSE = 2;
const SENTENCE_END = /[.!?…。！？][)\]"'”’»」』]*$/u;
const DIM = '\x1b[2m';
const PLAIN = '\x1b[0m';

export class LivePrinter {
  readonly #stdout: ProgressStream;
  readonly #stderr: ProgressStream;
  /** Lines are printed when they are complete. */
  readonly #holds: boolean;
  #line = '';
  #lastEnd = 0;
  #drawn = false;

  constructor(stdout: ProgressStream, stderr: ProgressStream) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.#holds = !!stdout.isTTY && !!stderr.isTTY;
  }

  show({ words, partial }: Pick<StreamUpdate, 'words' | 'partial'>): void {
    this.#clear();
    for (const { word, start, end } of words) {
      if (this.#line && (SENTENCE_END.test(this.#line) || start - this.#lastEnd > LONG_PAUSE)) this.#endLine();
      this.#lastEnd = end;
      const text = this.#line ? word : strip(word);
      this.#line += text;
      if (!this.#holds) this.#stdout.write(text);
    }
    if (this.#stderr.isTTY) this.#draw(this.#holds ? this.#line : '', partial);
  }

  /** Ends the line that is open. */
  end(): void {
    this.#clear();
    if (this.#line) this.#endLine();
  }

  #endLine(): void {
    this.#stdout.write(this.#holds ? `${this.#line}\n` : '\n');
    this.#line = '';
  }

  /** The end of the two, as much as fits. */
  #draw(stable: string, partial: string): void {
    let room = Math.max(10, (this.#stderr.columns || 80) - 1);
    const fit = (text: string): string => {
      const characters = [...text];
      let from = characters.length;
      while (from > 0 && room >= width(characters[from - 1]!)) room -= width(characters[--from]!);
      return characters.slice(from).join('');
    };
    const loose = fit(stable ? partial : strip(partial));
    const firm = fit(stable);
    if (!loose && !firm) return;
    this.#stderr.write(`${firm}${DIM}${loose}${PLAIN}`);
    this.#drawn = true;
  }

  #clear(): void {
    if (this.#drawn) this.#stderr.write('\r\x1b[K');
    this.#drawn = false;
  }
}

/** Columns of a character, about: those of East Asian scripts and pictures take two. */
function width(character: string): number {
  return character.codePointAt(0)! >= 0x1100 ? 2 : 1;
}
