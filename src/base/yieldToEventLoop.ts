/** Lets timers, messages and input be handled before long work goes on. A browser takes about 4 ms for it. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** How long the event loop may be blocked. */
const PAUSE_EVERY_MS = 40;

/** @returns called between parts of long work, yields to the event loop as often as that is needed */
export function pauses(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < PAUSE_EVERY_MS) return;
    await yieldToEventLoop();
    last = performance.now();
  };
}
