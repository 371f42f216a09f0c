/** Programs that tests start in other runtimes: their output, how they ended, and what uvu counted. */
import { spawn } from 'node:child_process';
import * as assert from 'uvu/assert';
import { repoRoot } from '../support/paths.ts';

export interface Ended {
  /** Of both streams. */
  readonly output: string;
  /** Exit code, or the signal's name. */
  readonly status: number | string;
}

/** A program that takes longer hangs, and is killed. */
const LIMIT_MINUTES = 6;

/** Runs a program in the root of the repository, to its end. `undefined` in `env` removes a variable. */
export function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
  limitMinutes = LIMIT_MINUTES,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      cwd: repoRoot,
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const parts: Buffer[] = [];
    child.stdout.on('data', (data: Buffer) => parts.push(data));
    child.stderr.on('data', (data: Buffer) => parts.push(data));
    const timer = setTimeout(() => {
      parts.push(Buffer.from(`\nit hangs: killed after ${limitMinutes} minutes\n`));
      child.kill('SIGKILL');
    }, limitMinutes * 60_000);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ output: Buffer.concat(parts).toString(), status: code ?? signal ?? 'unknown' });
    });
  });
}

/** A test file's process: it must end with 0, have run tests, and none may have failed or been skipped. */
export function assertPassed({ output, status }: Ended): void {
  const count = (label: string): number =>
    [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].reduce(
      (sum, match) => sum + Number(match[1]),
      0,
    );
  const total = count('Total');
  const skipped = output.split('\n').filter((line) => /^\s*skipped\b/.test(line));
  assert.ok(
    status === 0 && total > 0 && count('Passed') === total && skipped.length === 0,
    `ended with ${status}, ${count('Passed')} of ${total} passed:\n${output.trim()}`,
  );
}
