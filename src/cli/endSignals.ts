/** Ctrl-C, SIGTERM and SIGHUP: the first one asks the work to stop, the next one, or a few seconds, end the process. */
import { EXIT } from './io.ts';

const STATUS = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated, SIGHUP: EXIT.hangup } as const;
/** Work that has not stopped by then is not waited for: a thread may be in a call that never returns. */
const GRACE_MS = 5000;
/** Ctrl-C reaches all programs of a terminal, and npm and sudo hand it on: one key press may come twice. */
const SAME_PRESS_MS = 200;

type SignalName = keyof typeof STATUS;
const NAMES: readonly SignalName[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

export interface EndSignals {
  readonly signal: AbortSignal;
  /** The exit status that belongs to the signal that came; undefined before one came. */
  status(): number | undefined;
  /** Another time than the usual for the work to stop. */
  readonly allowGrace: (ms: number) => void;
}

export function listenForEndSignals(): EndSignals {
  const controller = new AbortController();
  let status: number | undefined;
  let at = 0;
  let graceMs = GRACE_MS;
  for (const name of NAMES) {
    process.on(name, () => {
      const now = performance.now();
      if (status === undefined) {
        [status, at] = [STATUS[name], now];
        setTimeout(() => endNow(name), graceMs).unref();
        controller.abort();
      } else if (now - at > SAME_PRESS_MS) endNow(name);
    });
  }
  const allowGrace = (ms: number): void => {
    graceMs = ms;
  };
  return { signal: controller.signal, status: () => status, allowGrace };
}

/**
 * Ends the process as the signal does that nobody listens to: its status is 128 and the number here too. `process.exit` waits
 * for all threads, and one may be in a call of the system that never returns, such as opening a pipe nobody writes to.
 */
function endNow(name: SignalName): void {
  // What is to be cleaned up at the end: temporary files.
  process.emit('exit', STATUS[name]);
  process.removeAllListeners(name);
  process.kill(process.pid, name);
}
