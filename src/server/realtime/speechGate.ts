/**
 * Where somebody speaks in sound that is still coming, by its level alone: speech begins when 60 ms stand out of the quietest
 * level of the last seconds, and ends after a pause.
 */

export interface GateOptions {
  /** Hz. */
  readonly sampleRate: number;
  /** Between 0 and 1: how far speech must stand out, 0.5 being 9 dB. */
  readonly threshold: number;
  readonly silenceMs: number;
}

export type GateEvent = 'start' | 'stop';

const FRAME_MS = 20;
const BEGIN_FRAMES = 3;
/** dB in full scale below which everything is silence. */
const SILENCE = -55;
/** dB by which the noise is taken to rise in a frame: 6 dB a second. */
const RISE = 0.12;
const RANGE = 18;

export class SpeechGate {
  /** Samples in a frame. */
  readonly frame: number;
  readonly #margin: number;
  readonly #silentFrames: number;
  #noise: number | undefined;
  #loud = 0;
  #quiet = 0;
  #isOpen = false;

  constructor({ sampleRate, threshold, silenceMs }: GateOptions) {
    this.frame = Math.round((sampleRate * FRAME_MS) / 1000);
    this.#margin = RANGE * threshold;
    this.#silentFrames = Math.max(1, Math.round(silenceMs / FRAME_MS));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @param samples one frame, 16 bits */
  push(samples: Int16Array): GateEvent | undefined {
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    const level = 10 * Math.log10(Math.max(1, sum / samples.length) / 32768 ** 2);
    this.#noise = Math.min(level, (this.#noise ?? level) + RISE);
    const isLoud = level > SILENCE && level > Math.max(this.#noise, SILENCE) + this.#margin;
    this.#loud = isLoud ? this.#loud + 1 : 0;
    this.#quiet = isLoud ? 0 : this.#quiet + 1;
    if (!this.#isOpen && this.#loud >= BEGIN_FRAMES) {
      this.#isOpen = true;
      return 'start';
    }
    if (this.#isOpen && this.#quiet >= this.#silentFrames) {
      this.#isOpen = false;
      return 'stop';
    }
    return undefined;
  }

  /** What comes next is another piece of sound. */
  reset(): void {
    this.#isOpen = false;
    this.#loud = 0;
  }
}
