/** Collects what a decoder could not decode into one warning; nothing decoded at all is an error. */
import { AudioError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';

export class DecoderReport {
  readonly #kind: string;
  #nDamaged = 0;
  #firstDamage = '';
  #nSamples = 0;

  /** @param kind of the recording, for the messages: `Opus` */
  constructor(kind: string) {
    this.#kind = kind;
  }

  /** Counts samples of a channel. */
  count(nSamples: number): void {
    this.#nSamples += nSamples;
  }

  /** @param what is wrong, for the message if it is the first damage */
  damage(what: string): void {
    if (this.#nDamaged++ === 0) this.#firstDamage = what;
  }

  /** @throws {AudioError} `malformed` if there was no sample at all */
  end(onWarning: CallOptions['onWarning']): void {
    const where = this.#nDamaged > 0 ? ` It is damaged in ${this.#nDamaged} places (${this.#firstDamage}).` : '';
    if (this.#nSamples === 0) throw new AudioError('malformed', `The ${this.#kind} file has no samples.${where}`);
    if (this.#nDamaged > 0)
      onWarning?.({ code: 'audioDamaged', message: `Parts of the ${this.#kind} file could not be decoded.${where}` });
  }
}
