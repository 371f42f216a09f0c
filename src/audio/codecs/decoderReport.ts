/** Collects the errors of a decoder into one warning; nothing decoded at all is an error. */
import { AudioError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';

interface Decoded {
  readonly samplesDecoded: number;
  readonly errors: readonly { readonly message: string }[];
}

export class DecoderReport {
  readonly #kind: string;
  #nErrors = 0;
  #firstMessage = '';
  #nSamples = 0;

  /** @param kind of the recording, for the messages: `Opus` */
  constructor(kind: string) {
    this.#kind = kind;
  }

  /** Samples of a channel so far. */
  get nSamples(): number {
    return this.#nSamples;
  }

  /**
   * Runs a step of the decoder and counts its samples and errors.
   * @throws {AudioError} `malformed` when the decoder throws, as it does for some damaged files
   */
  async run<T extends Decoded>(decode: () => T | Promise<T>): Promise<T> {
    let decoded: T;
    try {
      decoded = await decode();
    } catch (cause) {
      throw new AudioError('malformed', `The ${this.#kind} file cannot be decoded.`, { cause });
    }
    this.add(decoded.samplesDecoded, ...decoded.errors.map(({ message }) => message));
    return decoded;
  }

  /** Counts samples of a channel, and errors by their messages. */
  add(nSamples: number, ...errors: readonly string[]): void {
    this.#nSamples += nSamples;
    if (this.#nErrors === 0) this.#firstMessage = errors[0] ?? '';
    this.#nErrors += errors.length;
  }

  /** @throws {AudioError} `malformed` if there was no sample at all */
  end(onWarning: CallOptions['onWarning']): void {
    const where = this.#nErrors > 0 ? ` It is damaged in ${this.#nErrors} places (${this.#firstMessage}).` : '';
    if (this.#nSamples === 0) throw new AudioError('malformed', `The ${this.#kind} file has no samples.${where}`);
    if (this.#nErrors > 0)
      onWarning?.({ code: 'audioDamaged', message: `Parts of the ${this.#kind} file could not be decoded.${where}` });
  }
}
