/**
 * A signal that aborts when one of several does. AbortSignal.any does the same, but holds on to what it made as long as
 * the given signals live in some runtimes (Node 20 and 22), and ours live as long as a model.
 */
export interface EitherSignal {
  readonly signal: AbortSignal;
  /** Lets go of the given signals. */
  release(): void;
}

export function eitherSignal(...given: readonly (AbortSignal | undefined)[]): EitherSignal {
  const controller = new AbortController();
  const signals = given.filter((signal) => signal !== undefined);
  const listeners = signals.map((signal) => () => controller.abort(signal.reason));
  signals.forEach((signal, i) => {
    if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', listeners[i]!, { once: true });
  });
  return {
    signal: controller.signal,
    release() {
      signals.forEach((signal, i) => {
        signal.removeEventListener('abort', listeners[i]!);
      });
    },
  };
}
