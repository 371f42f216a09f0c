import type { ChannelSamples, SampleFormat } from '../pcm.ts';

/**
 * The samples of several channels, put together part by part and then emptied, in memory that is kept: a new array for each
 * part would be 30 MB of them before the garbage collector looks.
 */
export class PlanarBuffer<F extends SampleFormat> {
  readonly #allocate: (length: number) => ChannelSamples[F];
  readonly #channels: ChannelSamples[F][] = [];
  #nChannels = 0;
  #length = 0;

  constructor(allocate: (length: number) => ChannelSamples[F]) {
    this.#allocate = allocate;
  }

  /** Samples of a channel. */
  get length(): number {
    return this.#length;
  }

  /** @param nChannels of what comes next */
  clear(nChannels: number): void {
    this.#nChannels = nChannels;
    this.#length = 0;
  }

  /** @param part of as many channels; shape [nChannels][nSamples] */
  append(part: readonly ArrayLike<number>[]): void {
    const nSamples = part[0]?.length ?? 0;
    for (let c = 0; c < this.#nChannels; c++) this.#room(c, nSamples).set(part[c]!, this.#length);
    this.#length += nSamples;
  }

  /** What was appended, from sample `from` to `to`: valid until the next call of another method. */
  channels(from = 0, to = this.#length): ChannelSamples[F][] {
    // `subarray` gives the type that it is called on.
    return this.#channels.slice(0, this.#nChannels).map((channel) => channel.subarray(from, to) as ChannelSamples[F]);
  }

  /** A channel with room for more. */
  #room(c: number, nSamples: number): ChannelSamples[F] {
    const length = this.#length + nSamples;
    const channel = this.#channels[c];
    if (channel && channel.length >= length) return channel;
    const grown = this.#allocate(Math.max(length, 2 * (channel?.length ?? 0)));
    if (channel) grown.set(channel.subarray(0, this.#length));
    this.#channels[c] = grown;
    return grown;
  }
}
