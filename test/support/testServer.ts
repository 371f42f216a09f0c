/** A server of a test's own: on a port that is free, in a folder of its own, with what the test puts in place of the real parts. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { optionReader } from '../../src/cli/requestOptions.ts';
import { openSound } from '../../src/runtime/nodeAudio.ts';
import { authOf } from '../../src/server/auth.ts';
import { Models, type ServedModel } from '../../src/server/models.ts';
import { Queue, type QueueLimits } from '../../src/server/queue.ts';
import { type ServerOptions, startServer } from '../../src/server/server.ts';
import { openSpool } from '../../src/server/spool.ts';
import { fakeModel } from './fakeModel.ts';
import { repoRoot } from './paths.ts';

export interface ServerUnderTest {
  readonly url: string;
  readonly queue: Queue;
  readonly models: Models;
  /** Lines of the log. */
  readonly lines: readonly string[];
  /** Files in the server's folder. */
  files(): readonly string[];
  readonly isStopped: boolean;
  stop(graceMs?: number): Promise<void>;
}

export interface TestServerOptions extends Partial<Omit<ServerOptions, 'queue' | 'models' | 'auth' | 'limits'>> {
  readonly model?: ServedModel;
  readonly names?: readonly [string, ...string[]];
  readonly keys?: readonly string[];
  readonly queue?: Partial<QueueLimits>;
  readonly limits?: Partial<ServerOptions['limits']>;
  /** Of the command line. */
  readonly defaults?: ReadonlyMap<string, string>;
}

/** @param folder of the server's own, that is removed with it */
export async function startTestServer(
  folder: string,
  { model = fakeModel(), names = ['tiny'], keys = [], queue: most, limits, defaults, ...rest }: TestServerOptions,
): Promise<ServerUnderTest> {
  const lines: string[] = [];
  const spool = openSpool(folder);
  const queue = new Queue({ parallel: 1, requests: 100, bytes: 1e9, seconds: 1e6, ...most });
  const models = new Models({ names, load: async () => model, idleMs: Number.POSITIVE_INFINITY });
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    auth: authOf(keys),
    ...{ queue, models, spool, openSound },
    reader: optionReader(defaults ?? new Map()),
    limits: { maxBytes: 1e8, maxSeconds: 3600, uploadIdleMs: 10_000, maxSessions: 2, ...limits },
    cors: undefined,
    log: (line) => lines.push(line),
    ...rest,
  });
  await server.prepare();
  let stopped: Promise<void> | undefined;
  return {
    url: server.url,
    ...{ queue, models, lines },
    files: () => readdirSync(spool.folder, { recursive: true, encoding: 'utf8' }),
    get isStopped() {
      return stopped !== undefined;
    },
    stop(graceMs = 0) {
      stopped ??= server.stop(graceMs);
      return stopped;
    },
  };
}

/** Hands a running server to `work` and stops it. No file may be left when all requests are answered. */
export async function withServer(
  folder: string,
  options: TestServerOptions,
  work: (server: ServerUnderTest) => Promise<void>,
): Promise<void> {
  const parent = join(folder, 'spool');
  const server = await startTestServer(parent, options);
  try {
    await work(server);
    await server.queue.emptied();
    if (!server.isStopped) await until(() => server.files().length === 0, 'files of requests are removed');
  } finally {
    await server.stop();
    assert.equal(readdirSync(parent), [], 'the folder of the server');
  }
}

/** Waits for what comes soon. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string, ms = 10_000): Promise<void> {
  for (const end = performance.now() + ms; !(await isSo()); await sleep(5)) {
    assert.ok(performance.now() < end, `not within ${ms} ms: ${what}`);
  }
}

export const jfkPath: string = join(repoRoot, 'assets/jfk.wav');
