/** Decoded sound where its timestamps say: what was encoded before the start is cut off, gaps are silent. */

/** As much of mediabunny's `AudioSample` as is used. */
export interface DecodedSamples {
  /** Seconds; negative before the start of the recording. */
  readonly timestamp: number;
  /** Hz. */
  readonly sampleRate: number;
  readonly numberOfChannels: number;
  readonly numberOfFrames: number;
  /** Frames `frameOffset` to `frameOffset + frameCount`, interleaved. */
  copyTo(room: Float32Array, part: { planeIndex: 0; format: 'f32'; frameOffset: number; frameCount: number }): void;
  close(): void;
}

export interface PlacedPcm {
  /** Hz. */
  readonly sampleRate: number;
  readonly nChannels: number;
  /** Interleaved; shape [nFrames, nChannels]. */
  readonly samples: Float32Array<ArrayBuffer>;
}

/** Seconds by which timestamps may be off: WebM's are whole milliseconds, and recorders' clocks drift. */
const JITTER = 0.1;
/** Seconds of a gap that is believed; a longer one is a damaged timestamp. */
const LONGEST_GAP = 600;

/**
 * @param decoded  closed one by one
 * @param onSecond told the seconds that have come, about once in each
 * @yields pieces of a second, and a shorter one at the end and before a change of rate or channels
 */
export async function* placeSamples(
  decoded: AsyncIterable<DecodedSamples>,
  onSecond: (done: number) => void,
): AsyncGenerator<PlacedPcm, void, undefined> {
  let piece: Piece | undefined;
  /** Seconds until which there is sound. */
  let end = 0;
  for await (const samples of decoded) {
    try {
      const { sampleRate, numberOfChannels: nChannels, numberOfFrames } = samples;
      if (!piece?.takes(sampleRate, nChannels)) {
        if (piece && !piece.isEmpty) yield piece.take();
        piece = new Piece(sampleRate, nChannels);
      }
      const gap = samples.timestamp - end;
      // Only at the start is a place meant to the sample.
      const isOff = end === 0 ? gap !== 0 : Math.abs(gap) > JITTER;
      const shift = isOff && gap < LONGEST_GAP ? Math.round(gap * sampleRate) : 0;
      for (let left = Math.max(0, shift); left > 0; ) {
        left -= piece.silence(left);
        if (piece.isFull) yield piece.take();
      }
      const first = Math.min(numberOfFrames, Math.max(0, -shift));
      for (let at = first; at < numberOfFrames; ) {
        at += piece.copy(samples, at);
        if (!piece.isFull) continue;
        onSecond(samples.timestamp + at / sampleRate);
        yield piece.take();
      }
      end += (Math.max(0, shift) + numberOfFrames - first) / sampleRate;
    } finally {
      samples.close();
    }
  }
  if (piece && !piece.isEmpty) yield piece.take();
}

/** A second of sound that is being filled. */
class Piece {
  readonly #sampleRate: number;
  readonly #nChannels: number;
  readonly #nFrames: number;
  #room: Float32Array<ArrayBuffer>;
  #filled = 0;

  constructor(sampleRate: number, nChannels: number) {
    this.#sampleRate = sampleRate;
    this.#nChannels = nChannels;
    this.#nFrames = Math.ceil(sampleRate);
    this.#room = new Float32Array(this.#nFrames * nChannels);
  }

  takes(sampleRate: number, nChannels: number): boolean {
    return sampleRate === this.#sampleRate && nChannels === this.#nChannels;
  }

  get isEmpty(): boolean {
    return this.#filled === 0;
  }

  get isFull(): boolean {
    return this.#filled === this.#nFrames;
  }

  /** @returns frames for which there was room, at most `wanted` */
  silence(wanted: number): number {
    const count = Math.min(wanted, this.#nFrames - this.#filled);
    this.#filled += count; // the room is new, so it is silent
    return count;
  }

  /** @returns frames that were copied, from `frameOffset` on */
  copy(samples: DecodedSamples, frameOffset: number): number {
    const frameCount = Math.min(samples.numberOfFrames - frameOffset, this.#nFrames - this.#filled);
    const [begin, end] = [this.#filled, this.#filled + frameCount].map((frame) => frame * this.#nChannels);
    samples.copyTo(this.#room.subarray(begin, end), { planeIndex: 0, format: 'f32', frameOffset, frameCount });
    this.#filled += frameCount;
    return frameCount;
  }

  take(): PlacedPcm {
    const samples = this.#room.subarray(0, this.#filled * this.#nChannels);
    this.#room = new Float32Array(this.#nFrames * this.#nChannels);
    this.#filled = 0;
    return { sampleRate: this.#sampleRate, nChannels: this.#nChannels, samples };
  }
}
