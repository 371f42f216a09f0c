/**
 * Frames of a long recording that is read again for them, as far as they are asked for; the last ones are kept. For where
 * there is no temporary file: browsers, a full disk.
 */
import { AudioError } from '../../base/errors.ts';
import { Semaphore } from '../../base/semaphore.ts';
import { pauses } from '../../base/yieldToEventLoop.ts';
import { N_FRAMES, SAMPLE_RATE } from '../constants.ts';
import type { Sound } from '../sound.ts';
import { MelFrames } from './melFrames.ts';

export class FrameReader {
  readonly #sound: Sound;
  readonly #nMels: number;
  readonly #nKept: number;
  readonly #signal: AbortSignal | undefined;
  readonly #mutex = new Semaphore(1);
  #reading: { readonly frames: MelFrames; readonly pieces: AsyncIterator<Float32Array> } | undefined;

  constructor(sound: Sound, nMels: number, nKept: number, signal: AbortSignal | undefined) {
    this.#sound = sound;
    this.#nMels = nMels;
    this.#nKept = Math.max(nKept, N_FRAMES);
    this.#signal = signal;
  }

  /** Hands frames from `begin` up to `end` to `use`, by index. */
  async use(begin: number, end: number, use: (frame: (index: number) => Float32Array) => void): Promise<void> {
    const unlock = await this.#mutex.lock(this.#signal);
    try {
      const frames = await this.#read(begin, end);
      use((index) => frames.frame(index));
    } catch (error) {
      await this.#stop();
      throw error;
    } finally {
      unlock();
    }
  }

  async close(): Promise<void> {
    const unlock = await this.#mutex.lock();
    try {
      await this.#stop();
    } finally {
      unlock();
    }
  }

  async #read(begin: number, end: number): Promise<MelFrames> {
    if (this.#reading && begin < this.#reading.frames.first) await this.#stop();
    const signal = this.#signal;
    this.#reading ??= {
      frames: new MelFrames(this.#nMels),
      pieces: this.#sound.read({ signal })[Symbol.asyncIterator](),
    };
    const { frames, pieces } = this.#reading;
    const pause = pauses();
    while (frames.end < end) {
      const { done, value } = await pieces.next();
      if (done) frames.finish();
      else frames.push(value);
      if (done && frames.end < end) {
        const seconds = (frames.nSamples / SAMPLE_RATE).toFixed(3);
        throw new AudioError('changed', `The recording has changed: read again, it ends after ${seconds} s.`, {
          hint: 'Begin anew when nothing writes to it any more.',
        });
      }
      // What comes before `begin` is kept as long as there is room.
      frames.forget(Math.min(begin, frames.end - this.#nKept));
      await pause();
      signal?.throwIfAborted();
    }
    return frames;
  }

  async #stop(): Promise<void> {
    const reading = this.#reading;
    this.#reading = undefined;
    await reading?.pieces.return?.();
  }
}
