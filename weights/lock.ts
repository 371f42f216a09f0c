/**
 * A lock between processes: a file that is created exclusively and touched regularly while its owner runs. Others wait. A
 * lock whose process has ended, or that has not been touched for a while (another machine on a shared disk), is taken over.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { machine } from './environment.ts';
import { makeFolder } from './folders.ts';

const TOUCH_MS = 2_000;
const STALE_MS = 30_000;
const POLL_MS = 100;

/**
 * Runs `action` while holding the lock.
 *
 * @param onWait called once if another process has it
 * @throws what `action` throws; the signal's reason when aborted while waiting; the system's error where no file can be
 */
export async function withLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  action: () => Promise<T>,
  onWait?: () => void,
): Promise<T> {
  await makeFolder(dirname(path));
  const mine = JSON.stringify({ pid: process.pid, host: machine(), id: randomUUID() });
  for (let isWaiting = false; !(await take(path, mine)); ) {
    signal?.throwIfAborted();
    const held = await readFile(path, 'utf8').catch(() => '');
    if (await isStale(path, held)) {
      await removeStale(path, held);
      continue;
    }
    if (!isWaiting) onWait?.();
    isWaiting = true;
    await sleep(POLL_MS);
  }
  const touch = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {}); // gone or not writable: others will consider it stale, but the action can still succeed
  }, TOUCH_MS);
  touch.unref();
  try {
    return await action();
  } finally {
    clearInterval(touch);
    // Unless another process has taken it over.
    if ((await readFile(path, 'utf8').catch(() => '')) === mine) await rm(path, { force: true });
  }
}

/** Is some process holding it? */
export async function isHeld(path: string): Promise<boolean> {
  const held = await readFile(path, 'utf8').catch(() => undefined);
  return held !== undefined && !(await isStale(path, held));
}

async function take(path: string, text: string): Promise<boolean> {
  try {
    await writeFile(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false; // writeFile throws system errors
    throw error;
  }
}

async function isStale(path: string, held: string): Promise<boolean> {
  const info = await stat(path).catch(() => undefined);
  if (!info) return false; // free again: `take` will show
  if (Date.now() - info.mtimeMs > STALE_MS) return true;
  try {
    const { pid, host } = JSON.parse(held);
    if (host === machine()) process.kill(pid, 0); // signal 0 only checks that it exists
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'; // not completely written, or of another user: not stale yet
  }
}

/** By a rename, which only one of several waiting processes can do; a lock that has been renewed is put back. */
async function removeStale(path: string, held: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside).catch(() => {});
  if ((await readFile(aside, 'utf8').catch(() => held)) === held) await rm(aside, { force: true });
  else await rename(aside, path);
}
