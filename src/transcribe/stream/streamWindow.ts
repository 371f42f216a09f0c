/** The window of a stream while it grows: takes sound, is decoded as often as there is enough more of it, moves on. */
import { FRAMES_PER_SECOND, HOP_LENGTH, N_FRAMES } from '../../audio/constants.ts';
import type { RunningLogMel } from '../../audio/features/runningLogMel.ts';
import { framesToSeconds } from '../time.ts';
import type { WindowPlace } from '../window/segments.ts';
import type { SampleFeed } from './sampleFeed.ts';

/** The log-mel of sound that is still arriving. */
export type RunningMel = Pick<RunningLogMel, 'nFrames' | 'push' | 'end' | 'window' | 'forget'>;

/** The window as it is at the time of a decode. */
export interface Snapshot {
  readonly place: WindowPlace;
  /** Log-mel of the window; [nMels, 3000]. */
  readonly mel: Float32Array;
  /** It will not grow any more: it is full, or the sound has ended. */
  readonly isLast: boolean;
}

/** Frames after a full window that are read too: its last frame depends on their samples. */
const LOOKAHEAD_FRAMES = 2;

export class StreamWindow {
  readonly #mel: RunningMel;
  readonly #minFrames: number;
  /** Its first frame. */
  #seek = 0;
  /** Frames of the stream in the last snapshot. */
  #nDecoded = 0;
  #isEnded = false;

  /** @param minChunk seconds of new sound from one decode to the next */
  constructor(mel: RunningMel, minChunk: number) {
    this.#mel = mel;
    this.#minFrames = Math.round(minChunk * FRAMES_PER_SECOND);
  }

  get seek(): number {
    return this.#seek;
  }

  /** Seconds of sound that have been decoded. */
  get decodedSeconds(): number {
    return framesToSeconds(this.#nDecoded);
  }

  /** Takes sound until there is enough for another decode. @returns false when all has been decoded */
  async fill(feed: SampleFeed): Promise<boolean> {
    const full = this.#seek + N_FRAMES;
    const wanted = Math.min(this.#nDecoded + this.#minFrames, full);
    const room = (): number => (full + LOOKAHEAD_FRAMES - this.#mel.nFrames) * HOP_LENGTH;
    while (!this.#isEnded && this.#mel.nFrames < wanted) this.#push(await feed.take(room()), feed);
    // What has arrived in the meantime is decoded too; the sound may end with it.
    if (!this.#isEnded) this.#push(feed.takeNow(room()), feed);
    return this.#mel.nFrames > this.#seek;
  }

  snapshot(): Snapshot {
    const size = Math.min(N_FRAMES, this.#mel.nFrames - this.#seek);
    this.#nDecoded = this.#seek + size;
    return {
      place: { seek: this.#seek, size },
      mel: this.#mel.window(this.#seek, size),
      isLast: this.#isEnded || size === N_FRAMES,
    };
  }

  /** Begins the next window `nFrames` after the start of this one; the sound before it is released. */
  advance(nFrames: number): void {
    this.#seek += nFrames;
    this.#mel.forget(this.#seek);
  }

  #push(samples: Float32Array, feed: SampleFeed): void {
    this.#mel.push(samples);
    if (!feed.isEnded) return;
    this.#isEnded = true;
    this.#mel.end();
  }
}
