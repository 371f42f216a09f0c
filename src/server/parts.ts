/** What the routes of a server share. */
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { OpenSound } from '../audio/audioInput.ts';
import type { Auth } from './auth.ts';
import type { Jobs } from './jobs.ts';
import type { Metrics } from './metrics.ts';
import type { Models } from './models.ts';
import type { OptionReader } from './parameters.ts';
import type { Queue } from './queue.ts';
import type { Spool } from './spool.ts';

export interface ServerLimits {
  /** Bytes of a recording. */
  readonly maxBytes: number;
  /** Seconds of a recording. */
  readonly maxSeconds: number;
  /** Milliseconds without a byte of an upload. */
  readonly uploadIdleMs: number;
  /** Sessions of `/v1/realtime` at once. */
  readonly maxSessions: number;
}

export interface ServerParts {
  readonly auth: Auth;
  readonly queue: Queue;
  readonly models: Models;
  readonly spool: Spool;
  readonly reader: OptionReader;
  readonly openSound: OpenSound;
  readonly limits: ServerLimits;
  /** Undefined where none are kept. */
  readonly jobs: Jobs | undefined;
  readonly metrics: Metrics;
  /** An origin that pages may come from, or `*`; undefined: none. */
  readonly cors: string | undefined;
  /** A line of the log. */
  readonly log: (line: string) => void;
  readonly state: ServerState;
}

export interface ServerState {
  /** The default model is loaded. */
  isReady: boolean;
  /** No new requests are taken. */
  isDraining: boolean;
  /** Aborts what still runs, with the error that its client gets. */
  readonly stopping: AbortSignal;
}

/** What a request is known by while it is handled. */
export interface RequestFacts {
  readonly requestId: string;
  /** Of the key, or of the address: for fairness. */
  readonly client: string;
  /** Who holds the key; empty without one. */
  readonly owner: string;
  /** Seconds of sound, for the log. */
  seconds: number | undefined;
}

export interface ServerEnv {
  Bindings: HttpBindings;
  Variables: { facts: RequestFacts };
}

export type ServerContext = Context<ServerEnv>;
