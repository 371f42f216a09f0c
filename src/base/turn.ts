import type { Semaphore } from './semaphore.ts';

/**
 * A call's turns on something that some calls at a time may use. It can give the turn up while it waits for others, who may
 * need it themselves, and take it again.
 */
export class Turn {
  readonly #semaphore: Semaphore;
  readonly #signal: AbortSignal;
  readonly #places: number;
  #unlock: (() => void) | undefined;

  /** @param places that a turn takes of the semaphore's */
  constructor(semaphore: Semaphore, signal: AbortSignal, places: number) {
    this.#semaphore = semaphore;
    this.#signal = signal;
    this.#places = places;
  }

  /** Waits until the others who asked before have ended theirs. @throws the signal's reason */
  async begin(): Promise<void> {
    this.#unlock ??= await this.#semaphore.lock(this.#signal, this.#places);
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
