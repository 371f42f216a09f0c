/**
 * An edited kernel runs in a process of its own: WGSL that never ends cannot be stopped, and the process that waits for it can
 * neither close its device nor end as it should. This one can end that one.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { DeviceError } from '../base/errors.ts';

/** First argument of a process that `superviseKernel` has made. */
export const AS_KERNEL = '--as-kernel-process';

interface Supervision {
  readonly patienceSeconds: number;
  /** Ends the process when it aborts. */
  readonly signal: AbortSignal;
  /** Called with what the process prints; it prints by itself when absent. */
  readonly onOutput?: ((text: string) => void) | undefined;
}

/**
 * @param argv arguments of `sotto kernel`
 * @returns the exit status
 * @throws {DeviceError} `lost` when it says nothing for too long: it is gone then; the signal's reason
 */
export async function superviseKernel(
  argv: readonly string[],
  { patienceSeconds, signal, onOutput }: Supervision,
): Promise<number> {
  signal.throwIfAborted();
  const child = fork(process.argv[1]!, ['kernel', AS_KERNEL, ...argv], {
    stdio: ['ignore', onOutput ? 'pipe' : 'inherit', 'inherit', 'ipc'],
  });
  child.stdout?.setEncoding('utf8').on('data', (text: string) => onOutput?.(text));
  let [heardAt, doing, isSilent] = [performance.now(), 'opening the GPU', false];
  child.on('message', (message) => {
    [heardAt, doing] = [performance.now(), String(message)];
  });
  const stop = (): boolean => child.kill('SIGKILL');
  const watch = setInterval(() => {
    if (performance.now() - heardAt < 1000 * patienceSeconds) return;
    isSilent = true;
    stop();
  }, 100);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const [status] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    if (isSilent)
      throw new DeviceError('lost', `The GPU did not come back within ${patienceSeconds} s from ${doing}.`, {
        hint: 'Does a loop never end? --patience N waits for N seconds.',
      });
    if (status === null) throw new DeviceError('lost', `The process that ran the kernel crashed, at ${doing}.`);
    return status;
  } finally {
    clearInterval(watch);
    signal.removeEventListener('abort', stop);
  }
}

/** Tells the process that waits what is being done; it counts the time from there. */
export function sayDoing(what: string): void {
  process.send?.(what);
}

/** Calls `run` now and after each change of the file, until the signal aborts; a run that a change overtakes is aborted. */
export async function atEverySave(
  path: string,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    const saved = stamp(path);
    const overtaken = new AbortController();
    const changed = untilChanged(path, saved, signal).finally(() => overtaken.abort());
    const until = AbortSignal.any([signal, overtaken.signal]);
    await run(until).catch((error: unknown) => {
      if (!until.aborted) throw error;
    });
    await changed;
  }
}

/** Asked for, since what watches files differs between systems, and editors write a new file in place of the old. */
async function untilChanged(path: string, saved: string, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (stamp(path) === saved || stamp(path) === '')) {
    await pause(150, undefined, { signal }).catch(() => {});
  }
}

/** Empty while there is no such file. */
function stamp(path: string): string {
  const { mtimeMs, size, ino } = statSync(path, { throwIfNoEntry: false }) ?? {};
  return mtimeMs === undefined ? '' : `${mtimeMs} ${size} ${ino}`;
}
