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
  const sources = given
    .filter((signal) => signal !== undefined)
    .map((signal) => ({ signal, abort: () => controller.abort(signal.reason) }));
  for (const { signal, abort } of sources) {
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  }
  return {
    signal: controller.signal,
    release() {
      for (const { signal, abort } of sources) signal.removeEventListener('abort', abort);
    },
  };
}

/** What a promise gives, or the signal's reason if that comes first. What the promise stands for goes on unseen. */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
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
