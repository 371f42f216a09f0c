/** Lets timers, messages and input be handled before long work goes on. A browser takes about 4 ms for it. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
