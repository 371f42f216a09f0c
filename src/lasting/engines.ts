/**
 * The engine that works, and another one once its GPU is lost: a driver is reset, a laptop sleeps, a browser's GPU process crashes.
 * Whoever works with it says what to do as a function of the engine, which is called again with the next one.
 */
import { DeviceError } from '../base/errors.ts';
import { untilAborted } from '../base/signals.ts';
import type { Device } from '../engine/device.ts';
import type { ModelInference } from '../model/inference.ts';

/** A device, and the model on it. */
export interface Engine {
  readonly device: Device;
  readonly inference: ModelInference;
}

/**
 * Opens another engine in place of one that was lost.
 *
 * @param losses how many the same work has lost, this one included
 * @throws if there is none to go on with
 */
export type Reopen = (losses: number, lost: unknown, signal: AbortSignal) => Promise<Engine>;

export class Engines {
  readonly #reopen: Reopen;
  readonly #closing = new AbortController();
  #engine: Engine;
  readonly #lost = new WeakSet<Engine>();
  #replacing: Promise<void> | undefined;
  /** Windows that it holds. */
  #windows = 1;

  constructor(first: Engine, reopen: Reopen) {
    this.#engine = first;
    this.#reopen = reopen;
    this.#watch(first);
  }

  get current(): Engine {
    return this.#engine;
  }

  /**
   * @param work called again, from its beginning, when the engine is lost meanwhile
   * @throws what the work throws; {DeviceError} `lost` if there is no engine to go on with; the signal's reason
   */
  async run<T>(signal: AbortSignal | undefined, work: (engine: ModelInference) => Promise<T>): Promise<T> {
    for (let losses = 1; ; losses++) {
      const engine = this.#engine;
      try {
        return await work(engine.inference);
      } catch (error) {
        const isOver = signal?.aborted || this.#closing.signal.aborted;
        if (isOver || !this.#isLost(engine, error)) throw error;
        await untilAborted(this.#replace(engine, losses, error), signal);
      }
    }
  }

  /** As `Inference.reserveAudio`, for the engines that follow too. */
  async reserveAudio(count: number, signal?: AbortSignal): Promise<void> {
    await this.run(signal, (engine) => engine.reserveAudio(count, signal));
    this.#windows = Math.max(this.#windows, count);
  }

  async close(): Promise<void> {
    this.#closing.abort(new DeviceError('lost', 'The device was closed.'));
    await this.#replacing?.catch(() => {});
    await this.#engine.device.close();
  }

  /** A GPU alone is replaced: what stops the CPU would stop it again. */
  #isLost(engine: Engine, error: unknown): boolean {
    if (engine.device.kind !== 'webgpu') return false;
    return this.#lost.has(engine) || (error instanceof DeviceError && error.code === 'lost');
  }

  #watch(engine: Engine): void {
    // Work in flight may fail with an error of another kind, which is a consequence.
    void engine.device.lost.then(() => this.#lost.add(engine));
  }

  /** Once for all whose work is lost. */
  #replace(lost: Engine, losses: number, error: unknown): Promise<void> {
    if (lost !== this.#engine) return Promise.resolve();
    this.#replacing ??= this.#open(lost, losses, error).finally(() => {
      this.#replacing = undefined;
    });
    return this.#replacing;
  }

  async #open(lost: Engine, losses: number, error: unknown): Promise<void> {
    await lost.device.close();
    const next = await this.#reopen(losses, error, this.#closing.signal);
    try {
      if (this.#windows > 1) await next.inference.reserveAudio(this.#windows, this.#closing.signal);
      this.#closing.signal.throwIfAborted();
    } catch (failure) {
      await next.device.close();
      throw failure;
    }
    this.#engine = next;
    this.#watch(next);
  }
}
