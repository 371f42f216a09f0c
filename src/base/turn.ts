import type { Mutex } from './mutex.ts';

/**
 * A call's turns on something that one call at a time may use. It can give the turn up while it waits for others, who may
 * need it themselves, and take it again.
 */
export class Turn {
  readonly #mutex: Mutex;
  readonly #signal: AbortSignal;
  #unlock: (() => void) | undefined;

  constructor(mutex: Mutex, signal: AbortSignal) {
    this.#mutex = mutex;
    this.#signal = signal;
  }

  /** Waits until the others who asked before have ended theirs. @throws the signal's reason */
  async begin(): Promise<void> {
    this.#unlock ??= await this.#mutex.lock(this.#signal);
  }

  end(): void {
    this.#unlock?.();
    this.#unlock = undefined;
  }

  /**
   * Does something for which the turn is not needed.
   *
   * @param undo releases what came of `work`, if the turn does not come any more
   */
  async without<T>(work: () => Promise<T>, undo: (result: T) => Promise<void>): Promise<T> {
    this.end();
    let result: T;
    try {
      result = await work();
    } catch (error) {
      await this.begin();
      throw error;
    }
    try {
      await this.begin();
    } catch (error) {
      await undo(result);
      throw error;
    }
    return result;
  }
}
