/**
 * A text that comes piece by piece, in deltas that joined are the whole of it: without white space at its ends, and cut only
 * between whole characters.
 */
import { strip } from '../base/python.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { Segment } from '../transcribe/transcript.ts';

export class TextDeltas {
  /** White space at the end so far: part of the text if more comes. */
  #held = '';
  #sent = '';

  /** What the next piece adds; may be empty. */
  push(piece: string): string {
    const text = this.#sent === '' ? (this.#held + piece).replace(/^\s+/u, '') : this.#held + piece;
    const visible = text.replace(/\s+$/u, '');
    this.#held = text.slice(visible.length);
    this.#sent += visible;
    return visible;
  }

  /**
   * @param text all of it; what was pushed when absent
   * @returns what is left to send, and the whole
   */
  end(text = this.#sent): { readonly delta: string; readonly text: string } {
    const whole = strip(text);
    const delta = whole.startsWith(this.#sent) ? whole.slice(this.#sent.length) : '';
    return { delta, text: this.#sent + delta };
  }
}

/** @returns the text of one segment after the other; a character may reach from one into the next */
export function segmentTexts(tokenizer: Pick<Tokenizer, 'eot' | 'streamDecoder'>): (segment: Segment) => string {
  const decoder = tokenizer.streamDecoder();
  return ({ tokens }) =>
    tokens
      .filter((token) => token < tokenizer.eot)
      .map((token) => decoder.push(token))
      .join('');
}
