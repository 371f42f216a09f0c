/** Tells how far a recording has been transcribed: window after window, and within each. */
import type { CallOptions } from '../../base/progress.ts';
import type { SpeechModel } from '../speechModel.ts';
import { WindowWork } from './windowWork.ts';

/** Of the first window, where the language is looked for in it before. */
const DETECTION_SHARE = 1 / 3;

export class WindowProgress {
  /** The model, watched if somebody wants to know. */
  readonly model: SpeechModel;
  readonly #onProgress: CallOptions['onProgress'];
  readonly #work: WindowWork;
  readonly #total: number;
  /** Seconds whose text is there; what is being worked on begins there. */
  #done = 0;
  /** Where the window ends. */
  #end = 0;
  /** The range of the window's share that the round of work fills. */
  #range = { from: 0, to: 1 };
  #reached = 0;

  /** @param total seconds of the recording */
  constructor(model: SpeechModel, total: number, onProgress: CallOptions['onProgress']) {
    this.#onProgress = onProgress;
    this.#total = total;
    this.#work = new WindowWork(model.inference, (share) => this.#tellShare(share));
    this.model = onProgress ? { ...model, inference: this.#work.inference } : model;
  }

  /** Before the windows that the language may be looked for in. @param end seconds of the first */
  beginDetection(windows: number, end: number): void {
    this.#end = end;
    this.#range = { from: 0, to: DETECTION_SHARE };
    this.#work.begin({ windows, isEncodedOnly: true });
    this.#tell();
  }

  /**
   * @param start seconds
   * @param end   seconds
   * @param ticks its length without what was cut out
   */
  beginWindow(start: number, end: number, ticks: number): void {
    const isDetected = this.#done === start && this.#reached > start;
    this.#range = { from: isDetected ? DETECTION_SHARE : 0, to: 1 };
    this.#done = start;
    this.#end = end;
    this.#work.begin({ windows: 1, ticks });
    this.#tell();
  }

  end(): void {
    this.#done = this.#total;
    this.#tell();
  }

  #tellShare(share: number): void {
    const { from, to } = this.#range;
    const reached = this.#done + (this.#end - this.#done) * (from + (to - from) * share);
    this.#reached = Math.max(this.#reached, Math.min(reached, this.#total));
    this.#tell();
  }

  #tell(): void {
    this.#reached = Math.max(this.#reached, this.#done);
    const { total, done, reached } = { total: this.#total, done: this.#done, reached: this.#reached };
    this.#onProgress?.({ stage: 'transcribe', done, total, unit: 'seconds', reached });
  }
}
