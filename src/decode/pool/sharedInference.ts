/**
 * The engine of a model for all recordings that are decoded with it. A single one has the engine itself; from the second on
 * they meet in a pool (pool.ts), which a page that has one recording at a time does not load.
 */
import { Semaphore } from '../../base/semaphore.ts';
import { untilAborted } from '../../base/signals.ts';
import type { AudioFeatures, Decoding, GreedyResult, Inference } from '../inference.ts';
import type { InferencePool } from './pool.ts';

export class SharedInference implements Inference {
  readonly nVocab: number;
  readonly nTextCtx: number;
  readonly nMels: number;
  readonly align?: NonNullable<Inference['align']>;
  readonly beams?: NonNullable<Inference['beams']>;
  /** Who works here: a place for each recording, all places for who uses the engine itself. */
  readonly admission: Semaphore;
  readonly #engine: Inference;
  #pool: InferencePool | undefined;
  /** Windows of who is alone. */
  #open = 0;
  #waiting: (() => void)[] = [];

  /** @param most recordings that work at once */
  constructor(engine: Inference, most: number) {
    this.#engine = engine;
    this.admission = new Semaphore(most);
    this.nVocab = engine.nVocab;
    this.nTextCtx = engine.nTextCtx;
    this.nMels = engine.nMels;
    const align = engine.align?.bind(engine);
    const beams = engine.beams?.bind(engine);
    if (beams) this.beams = (...request) => (this.#pool ? this.#pool.beams(...request) : beams(...request));
    if (align) this.align = (...request) => (this.#pool?.align ?? align)(...request);
  }

  async encode(mel: Float32Array, signal?: AbortSignal, onPart?: (share: number) => void): Promise<AudioFeatures> {
    if (!this.#pool && this.admission.held > 1) await untilAborted(this.#meet(), signal);
    const pool = this.#pool;
    if (pool) return whenClosed(await pool.encode(mel, signal, onPart), () => pool.closed());
    this.#open++;
    const closed = (): void => {
      this.#open--;
      for (const go of this.#waiting.splice(0)) go();
    };
    try {
      return whenClosed(await this.#engine.encode(mel, signal, onPart), closed);
    } catch (error) {
      closed();
      throw error;
    }
  }

  greedy(...request: Parameters<Inference['greedy']>): Promise<GreedyResult> {
    return (this.#pool ?? this.#engine).greedy(...request);
  }

  start(...request: Parameters<Inference['start']>): Promise<Decoding> {
    return (this.#pool ?? this.#engine).start(...request);
  }

  /** From now on there is a pool: once the window of who was alone is through. */
  async #meet(): Promise<void> {
    const { InferencePool } = await import('./pool.ts');
    while (this.#open > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#pool ??= new InferencePool(this.#engine, this.admission, new Semaphore(1));
  }
}

/** The same window, which also says when it is closed. It is not wrapped: an engine knows its own. */
function whenClosed(features: AudioFeatures, told: () => void): AudioFeatures {
  const close = features.close.bind(features);
  let isClosed = false;
  features.close = () => {
    close();
    if (!isClosed) told();
    isClosed = true;
  };
  return features;
}
