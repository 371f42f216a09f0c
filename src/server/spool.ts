/**
 * The server's own folder for what is here for a while: uploads, and the recordings made of them. All of it goes at the end;
 * what a process left that was killed goes when the next one starts.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { isAlive } from '../files/isAlive.ts';
import { temporaryFolder } from '../runtime/nodeTemporary.ts';

export interface Spool {
  readonly folder: string;
  /** A folder for one request. */
  enter(): Promise<SpoolFolder>;
  close(): void;
}

export interface SpoolFolder {
  readonly path: string;
  /** With all that is in it; may be called again. */
  remove(): Promise<void>;
}

/** Of one machine: where containers share a folder, the processes of another cannot be asked for. */
const PREFIX = `sotto-serve-${hostname().replace(/[^\w.]/g, '')}-`;

/** @param parent where it is made: the folder for temporary files when absent */
export function openSpool(parent: string = temporaryFolder()): Spool {
  mkdirSync(parent, { recursive: true });
  removeStale(parent);
  const folder = join(parent, `${PREFIX}${process.pid}-${Date.now().toString(36)}`);
  mkdirSync(folder, { mode: 0o700 });
  const close = (): void => {
    process.off('exit', close);
    rmSync(folder, { recursive: true, force: true });
  };
  process.on('exit', close);
  return {
    folder,
    async enter() {
      const path = await mkdtemp(join(folder, 'request-'));
      return { path, remove: () => rm(path, { recursive: true, force: true }) };
    },
    close,
  };
}

function removeStale(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(PREFIX)) continue;
    const pid = Number.parseInt(name.slice(PREFIX.length), 10);
    if (isAlive(pid)) continue;
    try {
      rmSync(join(parent, name), { recursive: true, force: true });
    } catch {
      // Another user's: not ours to remove.
    }
  }
}
