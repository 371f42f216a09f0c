/** Lets one piece of work at a time use a model; others wait in the order they came. */

export class Turns {
  #last: Promise<void> = Promise.resolve();

  /**
   * Waits until all who came before are done.
   *
   * @returns to be called once, when the work is done
   * @throws the signal's reason when it aborts while waiting; the others' order is not changed by it
   */
  async take(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    const before = this.#last;
    let done: () => void = () => {};
    const mine = new Promise<void>((resolve) => {
      done = resolve;
    });
    this.#last = before.then(() => mine);
    try {
      await untilAborted(before, signal);
    } catch (error) {
      done();
      throw error;
    }
    return done;
  }
}

/** `promise`, or the signal's reason as soon as it aborts. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
