/** Mutual exclusion for asynchronous work: one holder at a time, the others wait in the order they came. */
import { untilAborted } from './signals.ts';

export class Mutex {
  /** Settles when everybody who asked so far has released. */
  #last: Promise<void> = Promise.resolve();

  /**
   * Waits until all earlier holders have released.
   *
   * @returns releases the lock; to be called once
   * @throws the signal's reason when it aborts while waiting; the order of the others stays
   */
  async lock(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    const before = this.#last;
    let release: () => void = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#last = before.then(() => released);
    try {
      await untilAborted(before, signal);
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }
}
