/**
 * HTTP requests that cannot hang: a request or body without a byte for `stallMs` fails, and an abort throws the signal's own
 * reason. What failed in passing (a broken connection, a server that is busy) is tried again before any of the body is read,
 * after pauses that grow. With web standards alone; another `fetch` can be handed in, for proxies.
 */
import type { ErrorDetails } from './errors.ts';
import { anySignal, onAbort, untilAborted } from './signals.ts';

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds without a byte after which the request fails; 30 s when absent. */
  readonly stallMs?: number | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds before the second attempt, three times that before the third; 1 s when absent. */
  readonly pauseMs?: number | undefined;
  readonly method?: 'GET' | 'HEAD';
  /** `manual` returns the redirect itself (not in browsers); `follow` when absent. */
  readonly redirect?: 'follow' | 'manual';
  /** The runtime's own when absent. */
  readonly fetch?: Fetch | undefined;
}

/** How long a server is waited for. */
type WaitOptions = Pick<FetchOptions, 'signal' | 'stallMs'>;

export type Fetch = (url: string, init: FetchInit) => Promise<Response>;

export interface FetchInit {
  readonly method: 'GET' | 'HEAD';
  readonly redirect: 'follow' | 'manual';
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Makes the error that is thrown, in the class of whoever asks. @param why the end of a sentence: `nothing came for 30 s` */
export type Failure = (why: string, details: ErrorDetails) => Error;

const DEFAULT_STALL_MS = 30_000;
const DEFAULT_PAUSE_MS = 1_000;
/** A server may ask for a longer pause (`Retry-After`), up to this one. */
const MAX_PAUSE_MS = 20_000;
const MAX_ATTEMPTS = 3;
/** Request timeout, too many requests, and failures of a server or of what stands before it. */
const PASSING_STATUS: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
/** As Node, Bun and undici name them; browsers do not say why a request failed. */
const PASSING_ERRORS: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'ConnectionClosed',
]);

export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  /** URL after redirects. */
  readonly url: string;
  /** The body in pieces, as they arrive. It ends early only by throwing. */
  body(): AsyncGenerator<Uint8Array<ArrayBuffer>>;
  /** Did the body end because nothing came for `stallMs`? */
  hasStalled(): boolean;
  /** Discards the body. */
  cancel(): void;
}

/**
 * @returns an answer of any status; of one that passes only after several attempts
 * @throws what `fail` makes, when the server cannot be reached or stalls; the signal's reason when aborted
 */
export async function request(url: string, options: FetchOptions, fail: Failure): Promise<HttpResponse> {
  const { signal, pauseMs = DEFAULT_PAUSE_MS } = options;
  for (let attempt = 1; ; attempt++) {
    let pause = pauseMs * (attempt === 1 ? 1 : 3);
    const isLast = attempt === MAX_ATTEMPTS;
    try {
      const response = await requestOnce(url, options, fail);
      if (isLast || !PASSING_STATUS.has(response.status)) return response;
      const asked = Number(response.headers.get('retry-after') ?? 0) * 1000;
      // Whoever asks for an hour is not going to answer in time.
      if (asked > MAX_PAUSE_MS) return response;
      response.cancel();
      pause = Math.max(pause, asked || 0);
    } catch (error) {
      if (isLast || signal?.aborted || !isPassing(error)) throw error;
    }
    await sleep(pause, signal);
  }
}

async function requestOnce(url: string, options: FetchOptions, fail: Failure): Promise<HttpResponse> {
  options.signal?.throwIfAborted();
  const own = new AbortController();
  const both = anySignal(options.signal, own.signal);
  const waits: WaitOptions = { signal: both.signal, stallMs: options.stallMs };
  try {
    const asked = (options.fetch ?? fetch)(url, {
      method: options.method ?? 'GET',
      redirect: options.redirect ?? 'follow',
      // In a compressed response, lengths and ranges would not be those of the file.
      headers: { 'accept-encoding': 'identity', ...options.headers },
      signal: both.signal,
    });
    return answered(await inTime(asked, waits, fail), url, waits, fail, both.release);
  } catch (error) {
    own.abort(error);
    both.release();
    throw error;
  }
}

/**
 * A response, however it was come by, whose body cannot hang.
 *
 * @param onEnd called when no more of the body will be read
 */
export function answered(
  response: Response,
  url: string,
  options: WaitOptions,
  fail: Failure,
  onEnd: () => void = () => {},
): HttpResponse {
  const { status, headers } = response;
  let stalled = false;
  const onStall = (): void => {
    stalled = true;
  };
  return {
    status,
    headers,
    url: response.url || url,
    hasStalled: () => stalled,
    cancel() {
      onEnd();
      // Only tells the server to stop: a failure does not matter.
      void response.body?.cancel().catch(() => {});
    },
    async *body() {
      const reader = response.body?.getReader();
      let ended = false;
      try {
        while (reader) {
          // It is waited for here alone: the consumer may be slow.
          const part = await inTime(reader.read(), { ...options, onStall }, fail);
          if (part.done) {
            ended = true;
            return;
          }
          yield part.value;
        }
      } finally {
        onEnd();
        if (reader && !ended) void reader.cancel().catch(() => {});
      }
    },
  };
}

/** What a server is waited for gives; what `fail` makes when nothing has come for too long, or when it fails; the signal's reason. */
async function inTime<T>(
  work: Promise<T>,
  { signal, stallMs = DEFAULT_STALL_MS, onStall }: WaitOptions & { readonly onStall?: () => void },
  fail: Failure,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stalled = new Promise<undefined>((resolve) => {
    // In two halves: after this thread was busy for long, timers fire before data that has arrived is delivered.
    timer = setTimeout(() => {
      timer = setTimeout(() => resolve(undefined), stallMs / 2);
    }, stallMs / 2);
  });
  let given: { readonly value: T } | undefined;
  try {
    given = await untilAborted(Promise.race([work.then((value) => ({ value })), stalled]), signal);
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    const reason = reasonOf(cause);
    throw fail(await describe(reason), { cause: reason, hint: hintOf(reason) });
  } finally {
    clearTimeout(timer);
  }
  signal?.throwIfAborted();
  if (given) return given.value;
  onStall?.();
  throw fail(`nothing came for ${stallMs / 1000} s`, { hint: 'Try again: a download is continued where it stopped.' });
}

/** @throws the signal's reason */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      release();
      resolve();
    }, ms);
    const release = onAbort(signal, () => {
      clearTimeout(timer);
      reject(signal?.reason);
    });
  });
}

function isPassing(error: unknown): boolean {
  return PASSING_ERRORS.has(codeOf(error));
}

/** The runtime's word for what happened, of the innermost error that has one. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return codeOf(error.cause) || ('code' in error ? String(error.code) : '');
}

/** The message of `fetch` is "fetch failed"; the reason is in `cause`. */
function reasonOf(error: unknown): unknown {
  return error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
}

async function describe(reason: unknown): Promise<string> {
  if (!(reason instanceof Error)) return String(reason);
  // A page has no errors of a system, and no network now to load their words with.
  if (!('syscall' in reason)) return reason.message || codeOf(reason);
  const words = (await import('./systemErrors.ts')).systemReason(reason);
  return words === reason.message ? words : `${words} (${reason.message})`;
}

function hintOf(error: unknown): string {
  return /CERT|SELF_SIGNED|UNABLE_TO/.test(codeOf(error))
    ? 'A proxy that reads along needs its certificate known: NODE_EXTRA_CA_CERTS=FILE.pem.'
    : 'Is there a network? Behind a proxy set HTTPS_PROXY (http://user:password@host:port).';
}

/** `bytes 0-99/1000` -> 0, 100, 1000; undefined when absent or in another form. */
export function parseContentRange(
  value: string | null,
): { readonly begin: number; readonly end: number; readonly total: number } | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(value ?? '');
  if (!match) return undefined;
  return { begin: Number(match[1]), end: Number(match[2]) + 1, total: Number(match[3]) };
}
