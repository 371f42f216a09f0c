/** Shares a number of places among asynchronous work: who finds too few free waits, and all get theirs in the order they came. */
import { onAbort } from './signals.ts';

interface Waiting {
  readonly places: number;
  enter(): void;
}

export class Semaphore {
  readonly size: number;
  #held = 0;
  #waiting: Waiting[] = [];

  /** @param size places; with 1 it is mutual exclusion */
  constructor(size: number) {
    this.size = size;
  }

  /** Places that are taken. */
  get held(): number {
    return this.#held;
  }

  /**
   * Waits until all who came before have got their places, and so many are free.
   *
   * @param places at most `size`
   * @returns gives the places back; to be called once
   * @throws the signal's reason when it aborts while waiting; the order of the others stays
   */
  async lock(signal?: AbortSignal, places = 1): Promise<() => void> {
    signal?.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const release = onAbort(signal, () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        reject(signal?.reason);
        // Who comes next may want fewer.
        this.#admit();
      });
      const waiting: Waiting = {
        places,
        enter() {
          release();
          resolve();
        },
      };
      this.#waiting.push(waiting);
      this.#admit();
    });
    return () => {
      this.#held -= places;
      this.#admit();
    };
  }

  #admit(): void {
    for (let next = this.#waiting[0]; next && this.#held + next.places <= this.size; next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#held += next.places;
      next.enter();
    }
  }
}
