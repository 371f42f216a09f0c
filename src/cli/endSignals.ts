/** Ctrl-C, SIGTERM and SIGHUP: the first one asks the work to stop, the next one, or a few seconds, end the process. */
import { EXIT } from './io.ts';

const STATUS = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated, SIGHUP: EXIT.hangup } as const;
/** Work that has not stopped by then is not waited for: a thread may be in a call that never returns. */
const GRACE_MS = 5000;
/** Ctrl-C reaches all programs of a terminal, and npm and sudo hand it on: one key press may come twice. */
const SAME_PRESS_MS = 200;

export interface EndSignals {
  readonly signal: AbortSignal;
  /** The exit status that belongs to the signal that came; undefined before one came. */
  status(): number | undefined;
}

export function listenForEndSignals(): EndSignals {
  const controller = new AbortController();
  let status: number | undefined;
  let at = 0;
  for (const [name, code] of Object.entries(STATUS)) {
    process.on(name, () => {
      const now = performance.now();
      if (status === undefined) {
        [status, at] = [code, now];
        setTimeout(() => process.exit(status), GRACE_MS).unref();
        controller.abort();
      } else if (now - at > SAME_PRESS_MS) process.exit(status);
    });
  }
  return { signal: controller.signal, status: () => status };
}
