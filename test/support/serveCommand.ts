/** `sotto serve` in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { testCache } from './command.ts';
import { commandFile, repoRoot } from './paths.ts';

export interface ServeProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** Of stderr so far. */
  log(): string;
  /** Tells it to end. @returns its exit status, or the signal's name */
  stop(signal?: NodeJS.Signals): Promise<number | string>;
}

/** Resolves when it serves; rejects with what it says if it ends before. */
export async function serveCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ServeProcess> {
  const child = spawn(process.execPath, [commandFile, 'serve', '--port', '0', ...args], {
    cwd: repoRoot,
    env: { ...process.env, SOTTO_CACHE: testCache, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  const ended = new Promise<number | string>((resolve) => {
    child.on('close', (status, signal) => resolve(status ?? signal ?? 'unknown'));
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      const found = /^sotto serves .* at (\S+)\/v1$/m.exec(stderr)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then((status) => reject(new Error(`sotto serve ended with ${status}:\n${stderr}`)));
  });
  return {
    url,
    child,
    log: () => stderr,
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}
