/** Runs the real command in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { commandFile, repoRoot } from './paths.ts';

/** Where tests keep converted models, so that each of them is converted once. */
export const testCache: string = join(repoRoot, '.cache/test-models');

export interface CommandResult {
  readonly status: number | null;
  /** That it was ended by. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Called with all of stderr so far, whenever there is more. */
  readonly onStderr?: (text: string, child: ChildProcess) => void;
  /** The same for stdout. */
  readonly onStdout?: (text: string, child: ChildProcess) => void;
  /** What comes on standard input, for as long as the command reads; nothing, and no pipe, when absent. */
  readonly input?: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
  /** The repository when absent. */
  readonly cwd?: string;
}

/** `sotto` with these arguments. */
export function sotto(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return program(commandFile, args, options);
}

/** A built program of this repository. */
export function program(
  file: string,
  args: readonly string[] = [],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, SOTTO_CACHE: testCache, ...options.env };
    const { input, cwd = repoRoot } = options;
    const stdin = input ? 'pipe' : 'ignore';
    const child = spawn(process.execPath, [file, ...args], { env, cwd, stdio: [stdin, 'pipe', 'pipe'] });
    // A command that has read enough closes it.
    if (child.stdin && input) pipeline(Readable.from(input), child.stdin).catch(() => {});
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      options.onStdout?.(stdout, child);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      options.onStderr?.(stderr, child);
    });
    child.on('error', reject);
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}
