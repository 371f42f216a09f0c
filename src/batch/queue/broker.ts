/**
 * The broker of a queue, Redis or PostgreSQL, through BullMQ. Its packages are not installed with sotto: they are loaded here,
 * and asked for where they are missing.
 *
 * Traps of BullMQ that are seen to here: a worker waits for a broker that is away (`maxRetriesPerRequest: null`), and who
 * adds or looks does not; PostgreSQL's tables are made by who comes first (`migrate`); an event `error` that nobody listens
 * to ends the process.
 */
import type { PostgresConnectionOptions, PostgresQueueBackend, Processor, WorkerOptions } from 'bullmq';
import { asError } from '../../base/asError.ts';
import { OptionsError, QueueError, SottoError } from '../../base/errors.ts';
import { isSystemError, systemReason } from '../../base/systemErrors.ts';
import type { JobData, JobResult } from './job.ts';

/** A job as the queue gives it. */
export interface QueuedJob {
  readonly id?: string;
  readonly data: JobData;
  /** null before it is done. */
  readonly returnvalue: JobResult | null;
  readonly failedReason: string;
  /** Milliseconds since 1970. */
  readonly finishedOn?: number;
  retry(
    state: 'failed',
    options: { readonly resetAttemptsMade: true; readonly resetAttemptsStarted: true },
  ): Promise<void>;
  remove(): Promise<void>;
}

export interface NewJob {
  readonly name: string;
  readonly data: JobData;
  readonly opts: { readonly jobId: string; readonly priority: number };
}

export type State = 'waiting' | 'prioritized' | 'delayed' | 'active' | 'completed' | 'failed';

/** As much of BullMQ's `Queue` as is used. */
export interface JobQueue {
  addBulk(jobs: NewJob[]): Promise<unknown>;
  getJobState(id: string): Promise<string>;
  getJobs(states: State[], start: number, end: number): Promise<QueuedJob[]>;
  getJobCounts(...states: State[]): Promise<Readonly<Record<string, number>>>;
  remove(id: string): Promise<number>;
}

/** As much of its `Worker`. */
export interface JobWorker {
  waitUntilReady(): Promise<unknown>;
  run(): Promise<void>;
  /** Takes no more jobs. @param isLeft whether those that run are not waited for */
  pause(isLeft: boolean): Promise<void>;
  /** Waits for those that run. */
  close(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'lockRenewalFailed', listener: (ids: string[]) => void): unknown;
}

export type Process = Processor<JobData, JobResult, string>;
export type RunningJob = Parameters<Process>[0];

export type WorkerSettings = Pick<
  WorkerOptions,
  | 'concurrency'
  | 'drainDelay'
  | 'lockDuration'
  | 'maxStalledCount'
  | 'removeOnComplete'
  | 'runRetryDelay'
  | 'stalledInterval'
>;

export interface Broker {
  /** Of the queue, for messages. */
  readonly name: string;
  readonly queue: JobQueue;
  /** What a processor throws when a job is not to be tried again, and when it has moved it to another state. */
  readonly errors: Pick<Bullmq, 'UnrecoverableError' | 'DelayedError' | 'WaitingError'>;
  /** It takes jobs when it is run. */
  worker(process: Process, settings: WorkerSettings): JobWorker;
  /** What is thrown when it goes away at a time when it is not waited for. */
  unreachable(error: unknown): QueueError;
  close(): Promise<void>;
}

export interface BrokerOptions {
  /** `redis:`, `rediss:`, `postgres:`, `postgresql:` */
  readonly url: string;
  /** Of the queue. */
  readonly name: string;
  /** Milliseconds before a job that failed is tried again; twice that before the third attempt. */
  readonly backoffMs?: number;
}

type Bullmq = typeof import('bullmq');
type Redis = import('ioredis').Redis;

/** Times that a recording is tried which a machine could not transcribe, and another one may. */
export const ATTEMPTS = 3;
const BACKOFF_MS = 10_000;
/** For a broker to be reached. */
const CONNECT_MS = 10_000;
/** Before a lost connection is tried again: at most. */
const RETRY_MS = 2000;
/** Times that a command is tried by who does not wait for a broker. */
const IMPATIENT_RETRIES = 5;

/**
 * Connects to the broker.
 *
 * @throws {OptionsError} `badValue`; {QueueError} `packages`, `unreachable`
 */
export async function openBroker(options: BrokerOptions): Promise<Broker> {
  const { url, name } = options;
  const { protocol } = parsed(url);
  if (name === '' || name.includes(':')) {
    throw new OptionsError('badValue', `--queue_name "${name}" is empty or has a colon in it.`);
  }
  return protocol.startsWith('postgres') ? openPostgres(options) : openRedis(options);
}

/** Without its password, for messages. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return url.replace(/\/\/.*@/, '//***@');
  const shown = new URL(url);
  if (shown.password !== '') shown.password = '***';
  shown.search = '';
  return shown.href.replace(/\/$/, '');
}

function parsed(url: string): URL {
  const found = URL.canParse(url) ? new URL(url) : undefined;
  if (found && ['redis:', 'rediss:', 'postgres:', 'postgresql:'].includes(found.protocol)) return found;
  throw new OptionsError('badValue', `--queue ${shownUrl(url)} is no address of a broker.`, {
    hint: 'It begins with redis://, rediss:// (with TLS) or postgres://, for example redis://localhost:6379',
  });
}

async function openRedis(options: BrokerOptions): Promise<Broker> {
  const { url, name } = options;
  const [bullmq, { Redis }] = await installed(
    () => Promise.all([import('bullmq'), import('ioredis')]),
    'bullmq ioredis',
  );
  const probe = { lazyConnect: true, retryStrategy: () => null, connectTimeout: CONNECT_MS, maxRetriesPerRequest: 0 };
  await tryRedis(new Redis(url, probe), url);
  const retryStrategy = (times: number): number => Math.min(200 * times, RETRY_MS);
  const connection = { url, connectTimeout: CONNECT_MS, retryStrategy };
  const queue = new bullmq.Queue<JobData, JobResult, string>(name, {
    connection: { ...connection, maxRetriesPerRequest: IMPATIENT_RETRIES },
    defaultJobOptions: jobOptions(options),
  });
  await connected(queue, url);
  const worker = (process: Process, settings: WorkerSettings): JobWorker =>
    new bullmq.Worker<JobData, JobResult, string>(name, process, {
      ...{ ...settings, autorun: false },
      connection: { ...connection, maxRetriesPerRequest: null },
    });
  return brokerOf(bullmq, options, queue, worker);
}

/** Who works waits for a broker that is away; one that is not there at the start is told. @throws {QueueError} `unreachable` */
async function tryRedis(redis: Redis, url: string): Promise<void> {
  let reason: unknown;
  // `connect` says no more than that the connection was closed.
  redis.on('error', (error) => {
    reason ??= error;
  });
  try {
    await redis.connect();
  } catch (error) {
    throw unreachable(url, reason ?? error);
  } finally {
    redis.disconnect();
  }
}

async function openPostgres(options: BrokerOptions): Promise<Broker> {
  const { url, name } = options;
  const bullmq = await installed(() => import('bullmq'), 'bullmq pg');
  const connection = { connectionString: url, migrate: true, keepAlive: true, connectionTimeoutMillis: CONNECT_MS };
  const queue = await installed(async () => {
    type PostgresQueue = typeof bullmq.Queue<
      JobData,
      JobResult,
      string,
      JobData,
      JobResult,
      string,
      PostgresQueueBackend,
      PostgresConnectionOptions
    >;
    const Queue: PostgresQueue = bullmq.Queue;
    return new Queue(name, { connection, defaultJobOptions: jobOptions(options) }, bullmq.createPostgresBackend);
  }, 'pg');
  await connected(queue, url);
  const worker = (process: Process, settings: WorkerSettings): JobWorker =>
    new bullmq.Worker<JobData, JobResult, string, PostgresQueueBackend, object, PostgresConnectionOptions>(
      name,
      process,
      { ...settings, autorun: false, connection },
      bullmq.createPostgresBackend,
    );
  return brokerOf(bullmq, options, queue, worker);
}

/** @throws {QueueError} `unreachable` */
async function connected(queue: OpenQueue, url: string): Promise<void> {
  queue.on('error', () => {}); // what is waited for says the same
  try {
    // A connection that breaks later while nothing is asked of it is told by the next command.
    await queue.waitUntilReady();
  } catch (error) {
    await queue.close().catch(() => {});
    throw unreachable(url, error);
  }
}

interface OpenQueue extends JobQueue {
  waitUntilReady(): Promise<unknown>;
  on(event: 'error', listener: () => void): unknown;
  close(): Promise<void>;
}

function brokerOf(
  errors: Broker['errors'],
  { name, url }: BrokerOptions,
  queue: OpenQueue,
  worker: Broker['worker'],
): Broker {
  return {
    ...{ name, queue, errors, worker },
    unreachable: (error) => unreachable(url, error),
    close: () => queue.close(),
  };
}

function jobOptions({ backoffMs = BACKOFF_MS }: BrokerOptions) {
  return { attempts: ATTEMPTS, backoff: { type: 'exponential', delay: backoffMs }, stackTraceLimit: 1 };
}

/** @throws {QueueError} `packages` */
async function installed<T>(load: () => Promise<T>, packages: string): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const isMissing = code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND' || isWithoutPg(error);
    if (!isMissing) throw error;
    throw new QueueError('packages', 'What speaks with the broker of a queue is not installed with sotto.', {
      hint: `Beside sotto: npm install ${packages}`,
      cause: error,
    });
  }
}

/** BullMQ loads it itself, and has words of its own. */
function isWithoutPg(error: unknown): boolean {
  return /could not load the optional 'pg' package/.test(asError(error).message);
}

/** Is it an error of a connection to a broker, as ioredis and pg have them? */
export function isOfConnection(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof SottoError) return false;
  const words = /max retries per request|connection (is closed|terminated)|timeout expired|the database system is/i;
  return words.test(error.message) || (isSystemError(error) && /^E(CONN|PIPE|HOST|NET|TIMEDOUT)/.test(error.code));
}

function unreachable(url: string, error: unknown): QueueError {
  // Several addresses of one host were tried.
  const [first = error] = error instanceof AggregateError ? error.errors : [error];
  // ioredis' words are about itself.
  const isGone = /max retries per request/.test(asError(first).message);
  const reason = isGone ? 'the connection was broken off' : systemReason(first).replace(/\.$/, '');
  return new QueueError('unreachable', `The broker at ${shownUrl(url)} cannot be reached: ${reason}.`, {
    hint: 'Is it running, and is its address the one after --queue?',
    cause: error,
  });
}
