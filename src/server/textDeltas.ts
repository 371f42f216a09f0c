/**
 * The text of a transcription while its segments come, in pieces that joined are the whole text: without white space at its
 * ends, and cut only between whole characters, which may reach from one segment into the next.
 */
import { strip } from '../base/python.ts';
import type { TokenDecoder } from '../text/tokenizer.ts';
import type { Segment } from '../transcribe/transcript.ts';

export class TextDeltas {
  readonly #decoder: Pick<TokenDecoder, 'push'>;
  readonly #isText: (token: number) => boolean;
  /** White space at the end so far: part of the text if more comes. */
  #held = '';
  #sent = '';

  /** @param eot the first token that is no text */
  constructor(decoder: Pick<TokenDecoder, 'push'>, eot: number) {
    this.#decoder = decoder;
    this.#isText = (token) => token < eot;
  }

  /** What the segment adds; may be empty. */
  push({ tokens }: Pick<Segment, 'tokens'>): string {
    let text = this.#held;
    for (const token of tokens) if (this.#isText(token)) text += this.#decoder.push(token);
    if (this.#sent === '') text = text.replace(/^\s+/u, '');
    const visible = text.replace(/\s+$/u, '');
    this.#held = text.slice(visible.length);
    this.#sent += visible;
    return visible;
  }

  /**
   * @param text of the whole transcript
   * @returns what is left to send, and the whole
   */
  end(text: string): { readonly delta: string; readonly text: string } {
    const whole = strip(text);
    const delta = whole.startsWith(this.#sent) ? whole.slice(this.#sent.length) : '';
    return { delta, text: this.#sent + delta };
  }
}
