import { isSameFormat, type PcmFormat, type PcmPiece } from '../pcm.ts';
import { PlanarBuffer } from './planarBuffer.ts';

type Format = PcmFormat<'s16' | 's32' | 'f32'>;

/** Joins neighbouring frames of one format to a piece, in memory that is kept. */
export class FrameJoiner {
  readonly #buffers = {
    s16: new PlanarBuffer<'s16'>((length) => new Int16Array(length)),
    s32: new PlanarBuffer<'s32'>((length) => new Int32Array(length)),
    f32: new PlanarBuffer<'f32'>((length) => new Float32Array(length)),
  };
  #format: Format | undefined;

  /** What was joined, and is to be taken before a frame of this format can be added. */
  *before(format: Format): Generator<PcmPiece> {
    if (this.#format && !isSameFormat(this.#format, format)) yield* this.take();
  }

  /** @param channels copied; shape [nChannels][nSamples] */
  add(format: Format, channels: readonly ArrayLike<number>[]): void {
    const buffer = this.#buffers[format.sampleFormat];
    if (!this.#format) buffer.clear(format.nChannels);
    this.#format = format;
    buffer.append(channels);
  }

  /** What was joined, if there is something: a piece that is used before the next frame is added. */
  *take(): Generator<PcmPiece> {
    if (!this.#format) return;
    const { sampleFormat, ...format } = this.#format;
    this.#format = undefined;
    if (this.#buffers[sampleFormat].length === 0) return;
    if (sampleFormat === 's16') yield { ...format, sampleFormat, channels: this.#buffers.s16.channels() };
    else if (sampleFormat === 's32') yield { ...format, sampleFormat, channels: this.#buffers.s32.channels() };
    else yield { ...format, sampleFormat, channels: this.#buffers.f32.channels() };
  }
}
