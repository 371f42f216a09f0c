/**
 * A signal that aborts when one of several does. AbortSignal.any does the same, but in some runtimes (Node 20 and 22)
 * what it returns stays referenced as long as the given signals live, and ours live as long as a model.
 */
export interface AnySignal {
  readonly signal: AbortSignal;
  /** Stops listening to the given signals. */
  release(): void;
}

export function anySignal(...given: readonly (AbortSignal | undefined)[]): AnySignal {
  const controller = new AbortController();
  const releases = given.map((signal) => onAbort(signal, () => controller.abort(signal?.reason)));
  return {
    signal: controller.signal,
    release() {
      for (const release of releases) release();
    },
  };
}

/** What is to be called when a signal aborts. */
const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once when the signal aborts, at once if it has. However many ask, the signal has one listener: at more than ten
 * Node warns of a leak, and a signal is shared by all that it is to stop.
 *
 * @returns ends that
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (!signal) return () => {};
  if (signal.aborted) {
    callback();
    return () => {};
  }
  const known = callbacks.get(signal);
  const all = known ?? new Set();
  const callAll = (): void => {
    for (const each of all) each();
  };
  if (!known) {
    callbacks.set(signal, all);
    signal.addEventListener('abort', callAll, { once: true });
  }
  // The same function may be given twice.
  const own = (): void => callback();
  all.add(own);
  return () => void all.delete(own);
}

/** What a promise gives, or the signal's reason if that comes first. What the promise stands for goes on unseen. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const release = onAbort(signal, () => reject(signal.reason));
    void promise.then(resolve, reject).finally(release);
  });
}

/** What a stream gives. At an abort one that is stuck in `next` is left: it ends when its owner ends it. */
export async function* piecesUntilAborted<T>(
  stream: AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void, undefined> {
  const pieces = stream[Symbol.asyncIterator]();
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await untilAborted(pieces.next(), signal);
      if (done) return;
      yield value;
    }
  } finally {
    void (async () => pieces.return?.())().catch(() => {});
  }
}
