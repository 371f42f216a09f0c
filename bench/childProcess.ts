/** Starts what is timed in a process of its own: its peak memory is its own then, and so is its runtime. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { repoRoot } from '../test/support/paths.ts';

export interface ChildOptions {
  /** The Node to run in; this one when absent. */
  readonly node?: string | undefined;
  /** Words before it, for example `chrt -r 1`, which gives it the machine for as long as it runs. */
  readonly prefix?: string | undefined;
}

/** A process that answers each message with one. */
export class Child {
  readonly #process: ChildProcess;
  readonly #answers: { resolve(value: unknown): void; reject(error: Error): void }[] = [];
  readonly #early: unknown[] = [];
  #ended: Error | undefined;

  /** @param script compiled file beside this one */
  constructor(script: string, args: readonly string[], { node = process.execPath, prefix = '' }: ChildOptions = {}) {
    const file = fileURLToPath(new URL(script, import.meta.url));
    const [command = node, ...rest] = [...prefix.split(/\s+/).filter(Boolean), node, file, ...args];
    this.#process = spawn(command, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#process.on('message', (message) => {
      const waiting = this.#answers.shift();
      if (waiting) waiting.resolve(message);
      else this.#early.push(message);
    });
    const end = (error: Error): void => {
      this.#ended ??= error;
      for (const { reject } of this.#answers.splice(0)) reject(error);
    };
    this.#process.on('error', end);
    this.#process.on('exit', (code, signal) => end(new Error(`${script} ended with ${code ?? signal}`)));
  }

  /** The next message. @throws if the process ends before it */
  receive(): Promise<unknown> {
    if (this.#early.length > 0) return Promise.resolve(this.#early.shift());
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => this.#answers.push({ resolve, reject }));
  }

  ask(message: string): Promise<unknown> {
    this.#process.send(message);
    return this.receive();
  }

  stop(): void {
    if (this.#process.connected) this.#process.disconnect();
  }
}

/** Node 24 as the runtime tests install it (`npm ci --prefix test/runtimes --ignore-scripts`), if they have. */
export function node24(): string | undefined {
  const binary = join(repoRoot, 'test/runtimes/node_modules', `node-linux-${process.arch}`, 'bin/node');
  return existsSync(binary) ? binary : undefined;
}

/** `20,24` or paths to Nodes with commas between. */
export function nodesOf(list: string): readonly string[] {
  return list.split(',').map((item) => {
    const own = process.versions.node.split('.')[0];
    if (item === own) return process.execPath;
    const found = item === '24' ? node24() : item;
    if (!found || !existsSync(found)) throw new Error(`Node ${item} is not here`);
    return found;
  });
}
