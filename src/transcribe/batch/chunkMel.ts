/**
 * The log-mel of one chunk. It is read once and kept while the chunk is decoded, so that a batch, whose lanes need one
 * window or several, reads every recording in order.
 */
import { N_FRAMES } from '../../audio/constants.ts';
import type { LogMel } from '../../audio/features/logMel.ts';
import type { Clip } from '../recording/clips.ts';

export class ChunkMel {
  readonly #mel: LogMel;
  readonly #chunk: Clip;
  /** [nMels, 3000] */
  #whole: Promise<Float32Array> | undefined;

  /** @param chunk at most 30 s */
  constructor(mel: LogMel, chunk: Clip) {
    this.#mel = mel;
    this.#chunk = chunk;
  }

  /** Frames of the whole recording. */
  get nFrames(): number {
    return this.#mel.nFrames;
  }

  /** As that of the recording, for frames that are in the chunk. */
  async window(seek: number, size: number): Promise<Float32Array> {
    const { start, end } = this.#chunk;
    this.#whole ??= this.#mel.window(start, end - start);
    const whole = await this.#whole;
    if (seek === start && size === end - start) return whole;
    const window = new Float32Array(whole.length);
    for (let row = 0; row < whole.length; row += N_FRAMES)
      window.set(whole.subarray(row + seek - start, row + seek - start + size), row);
    return window;
  }

  /** Releases the frames. */
  close(): void {
    this.#whole = undefined;
  }
}
