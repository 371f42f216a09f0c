/** How far several channels of one recording have been transcribed, as one bar. */
import type { CallOptions, Progress } from '../../base/progress.ts';

export class CommonProgress {
  readonly #onProgress: CallOptions['onProgress'];
  readonly #duration: number;
  readonly #channels: { readonly weight: number; done: number; reached: number }[];

  /**
   * @param weights  how much there is to transcribe of each channel
   * @param duration seconds of the recording
   */
  constructor(weights: readonly number[], duration: number, onProgress: CallOptions['onProgress']) {
    this.#channels = weights.map((weight) => ({ weight, done: 0, reached: 0 }));
    this.#duration = duration;
    this.#onProgress = onProgress;
  }

  /** What the channel of that number tells; undefined if nobody wants to know. */
  of(channel: number): CallOptions['onProgress'] {
    const own = this.#channels[channel];
    if (!this.#onProgress || !own) return undefined;
    return ({ done, total, reached = done }) => {
      own.done = total > 0 ? done / total : 1;
      own.reached = total > 0 ? reached / total : 1;
      this.#tell(this.#seconds('done'), this.#seconds('reached'));
    };
  }

  end(): void {
    this.#tell(this.#duration, this.#duration);
  }

  #seconds(which: 'done' | 'reached'): number {
    const whole = this.#channels.reduce((sum, { weight }) => sum + weight, 0);
    const part = this.#channels.reduce((sum, channel) => sum + channel.weight * channel[which], 0);
    return whole > 0 ? (this.#duration * part) / whole : 0;
  }

  #tell(done: number, reached: number): void {
    const progress: Progress = { stage: 'transcribe', done, total: this.#duration, unit: 'seconds', reached };
    this.#onProgress?.(progress);
  }
}
