/** Fetches a recording, so that a server that falls silent, or sends a web page, ends in an error. */
import { AudioError } from '../base/errors.ts';
import type { Fetch } from '../base/http.ts';
import type { CallOptions } from '../base/progress.ts';

/** Milliseconds without a byte after which a server counts as dead. */
const STALL_MS = 30_000;

export interface FetchOptions extends CallOptions {
  readonly stallMs?: number | undefined;
  /** The runtime's own when absent; Node's takes no proxy. */
  readonly fetch?: Fetch | undefined;
}

/**
 * @returns the bytes as they come, to be read once
 * @throws {AudioError} `fetch`, here or while the bytes are read; the signal's reason
 */
export async function fetchRecording(
  address: string,
  options: FetchOptions = {},
): Promise<AsyncGenerator<Uint8Array, void, undefined>> {
  const { signal } = options;
  signal?.throwIfAborted();
  const stop = new AbortController();
  const forward = (): void => stop.abort(signal?.reason);
  signal?.addEventListener('abort', forward, { once: true });
  const release = (): void => signal?.removeEventListener('abort', forward);
  try {
    const init = { method: 'GET', redirect: 'follow', headers: {}, signal: stop.signal } as const;
    const response = await watched((options.fetch ?? fetch)(address, init), address, options);
    return withRelease(responseBytes(response, address, options), (isComplete) => {
      release();
      if (!isComplete) stop.abort();
    });
  } catch (error) {
    stop.abort();
    release();
    throw signal?.aborted ? signal.reason : error;
  }
}

/**
 * The body of a response.
 *
 * @throws {AudioError} `fetch` for an error status, a web page, a radio station, a body that was read before, and while
 *   the bytes are read; the signal's reason
 */
export async function* responseBytes(
  response: Response,
  address: string = response.url,
  options: FetchOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const { headers, body } = response;
  if (!response.ok) throw failed(address, `status ${response.status}`);
  if (response.bodyUsed) throw failed(address, 'its body was read before');
  if (headers.has('icy-name') && !headers.has('content-length')) {
    throw failed(address, 'it is a radio station, which never ends', 'Listen to it: curl ADDRESS | sotto -');
  }
  if (!body) throw failed(address, 'it has no body');
  // Of a compressed body the length is not that of the bytes.
  const total = headers.has('content-encoding') ? 0 : Number(headers.get('content-length') ?? 0);
  const reader = body.getReader();
  let done = 0;
  let isComplete = false;
  try {
    for (;;) {
      const part = await watched(reader.read(), address, options);
      options.signal?.throwIfAborted();
      if (part.done) break;
      const bytes: Uint8Array = part.value;
      if (done === 0 && isWebPage(bytes, headers)) throw failed(address, 'it is a web page, not a recording');
      done += bytes.length;
      options.onProgress?.({ stage: 'fetch', done, total: Math.max(done, total), unit: 'bytes', item: address });
      yield bytes;
    }
    isComplete = true;
  } finally {
    // Only tells the server to stop: a failure does not matter.
    if (!isComplete) void reader.cancel().catch(() => {});
  }
}

function isWebPage(bytes: Uint8Array, headers: Headers): boolean {
  const start = new TextDecoder().decode(bytes.subarray(0, 256)).trimStart().toLowerCase();
  return (
    /^<(!doctype html|html)/.test(start) || (start.startsWith('<') && /html/i.test(headers.get('content-type') ?? ''))
  );
}

/** `work`, or an error when nothing has come of it for too long, or at an abort. */
async function watched<T>(work: Promise<T>, address: string, { signal, stallMs = STALL_MS }: FetchOptions): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let onAbort: (() => void) | undefined;
  const ended = new Promise<never>((_, reject) => {
    // In two halves: after this thread was busy for long, timers fire before data that has arrived is delivered.
    timer = setTimeout(() => {
      timer = setTimeout(() => reject(failed(address, `nothing came for ${stallMs / 1000} s`)), stallMs / 2);
    }, stallMs / 2);
    onAbort = () => reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, ended]);
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw cause instanceof AudioError ? cause : failed(address, describe(cause), undefined, cause);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

async function* withRelease<T>(
  items: AsyncIterable<T>,
  release: (isComplete: boolean) => void,
): AsyncGenerator<T, void, undefined> {
  let isComplete = false;
  try {
    yield* items;
    isComplete = true;
  } finally {
    release(isComplete);
  }
}

/** The message of `fetch` is "fetch failed"; the reason is in `cause`. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

function failed(address: string, why: string, hint?: string, cause?: unknown): AudioError {
  const what = address === '' ? 'The response' : `The recording at ${shortened(address)}`;
  return new AudioError('fetch', `${what} cannot be fetched: ${why}.`, { cause, ...(hint !== undefined && { hint }) });
}

/** An address with its data in it may have megabytes. */
function shortened(address: string): string {
  return address.length > 200 ? `${address.slice(0, 200)}...` : address;
}
