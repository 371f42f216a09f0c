/** Work that waits for its turn. */
import { onAbort } from '../../base/signals.ts';

interface Request {
  /** Does it; errors are told to who asked. */
  run(): Promise<void>;
  fail(error: unknown): void;
}

/** Work of one kind, in the order it came. Who asked can go at any time. */
export class RequestQueue<T> {
  #requests: Request[] = [];

  get size(): number {
    return this.#requests.length;
  }

  /**
   * @param wake   called when there is something to do: work, or less of it
   * @param unused gives back what came of work that nobody waits for any more
   * @returns what `work` gives; the signal's reason as soon as it aborts, whether the work has begun or not
   */
  add(
    work: () => Promise<T>,
    signal: AbortSignal | undefined,
    wake: () => void,
    unused?: (result: T) => void,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let isWanted = true;
      const settle = (): void => {
        isWanted = false;
        release();
      };
      const request: Request = {
        async run() {
          try {
            const result = await work();
            if (isWanted) resolve(result);
            else unused?.(result);
          } catch (error) {
            reject(error);
          }
          settle();
        },
        fail(error) {
          settle();
          reject(error);
        },
      };
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const release = onAbort(signal, () => {
        this.#requests = this.#requests.filter((other) => other !== request);
        request.fail(signal?.reason);
        wake();
      });
      this.#requests.push(request);
      wake();
    });
  }

  take(): Request | undefined {
    return this.#requests.shift();
  }

  /** All that waits. */
  fail(error: unknown): void {
    for (const request of this.#requests.splice(0)) request.fail(error);
  }
}
