/** The server as a whole: a port, the routes behind it, and an end that lets running requests finish. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { OptionsError } from '../base/errors.ts';
import { isSystemError, systemReason } from '../base/systemErrors.ts';
import { createApp, shuttingDown } from './app.ts';
import { drainUpload } from './drainUpload.ts';
import { Jobs, type JobsOptions } from './jobs.ts';
import { createMetrics } from './metrics.ts';
import type { ServerParts, ServerState } from './parts.ts';
import { attachRealtime } from './realtime/realtime.ts';

export interface ServerOptions extends Omit<ServerParts, 'state' | 'jobs' | 'metrics'> {
  /** Where jobs are kept, and how long their results; undefined: there are none. */
  readonly keepJobs?: Pick<JobsOptions, 'folder' | 'keepMs'> | undefined;
  readonly host: string;
  /** 0: one that is free. */
  readonly port: number;
  /** PEM. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
}

export interface RunningServer {
  /** Where it listens: `http://127.0.0.1:8000`. */
  readonly url: string;
  /** Loads the default model. @throws what loading throws */
  prepare(): Promise<void>;
  /**
   * Takes no new requests, lets those that are here finish, and ends.
   *
   * @param graceMs after which they are aborted
   */
  stop(graceMs: number): Promise<void>;
}

/** Longer than what proxies wait before they close an idle connection themselves. */
const KEEP_ALIVE_MS = 75_000;

/** @throws {OptionsError} `listen` if there is no such address, or the port is used; `stateFolder` */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, port, tls, queue, models, spool } = options;
  const stopping = new AbortController();
  const state: ServerState = { isReady: false, isDraining: false, stopping: stopping.signal };
  const metrics = createMetrics(options);
  const { keepJobs } = options;
  const jobs = keepJobs && new Jobs({ ...options, ...keepJobs, metrics, stopping: stopping.signal });
  const parts: ServerParts = { ...options, jobs, metrics, state };
  const { fetch } = createApp(parts);
  const answer = getRequestListener(fetch, { autoCleanupIncoming: false, overrideGlobalObjects: false });
  const listener = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    drainUpload(incoming, outgoing);
    void answer(incoming, outgoing);
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  // Whoever asks before it sends is answered by who reads, or refuses.
  server.on('checkContinue', listener);
  attachRealtime(server, parts);
  // An upload may be long: silence ends it, not its length (`readForm`).
  server.requestTimeout = 0;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  await listen(server, host, port).catch((error: unknown) => {
    jobs?.stop();
    jobs?.close();
    throw error;
  });
  const { port: bound } = server.address() as AddressInfo; // it listens on a port
  const shown = host.includes(':') ? `[${host}]` : host;
  return {
    url: `${tls ? 'https' : 'http'}://${shown}:${bound}`,
    async prepare() {
      await models.preload();
      state.isReady = true;
    },
    async stop(graceMs) {
      state.isDraining = true;
      jobs?.stop();
      const timer = setTimeout(() => stopping.abort(shuttingDown()), graceMs);
      await queue.emptied();
      clearTimeout(timer);
      stopping.abort(shuttingDown());
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      // Answers that are being sent have a moment.
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 500).unref())]);
      server.closeAllConnections();
      await closed;
      await models.close();
      jobs?.close();
      spool.close();
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const reason =
        isSystemError(error) && error.code === 'EADDRINUSE' ? 'another program uses it' : systemReason(error);
      reject(
        new OptionsError('listen', `The server cannot listen on port ${port} of ${host}: ${reason}.`, {
          hint: 'Name another with --port or --host.',
          cause: error,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
}
