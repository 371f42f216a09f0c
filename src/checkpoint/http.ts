/**
 * HTTP requests that cannot hang: a request or body without a byte for `stallMs` fails, and an abort throws the signal's
 * own reason. Used by `urlSource.ts` and by the downloader in `weights/hub.ts`.
 */
import { WeightsError } from '../base/errors.ts';

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds without a byte after which the request fails; 30 s when absent. */
  readonly stallMs?: number | undefined;
  readonly method?: 'GET' | 'HEAD';
  /** `manual` returns the redirect itself (not in browsers); `follow` when absent. */
  readonly redirect?: 'follow' | 'manual';
}

const DEFAULT_STALL_MS = 30_000;

export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  /** URL after redirects. */
  readonly url: string;
  /** The body in pieces, as they arrive. It ends early only by throwing. */
  body(): AsyncGenerator<Uint8Array<ArrayBuffer>>;
  /** Discards the body. */
  cancel(): void;
}

/** @throws {WeightsError} `network` when the server cannot be reached or stalls; the signal's reason when aborted */
export async function request(url: string, options: FetchOptions = {}): Promise<HttpResponse> {
  const { signal, stallMs = DEFAULT_STALL_MS } = options;
  signal?.throwIfAborted();
  const inner = new AbortController();
  const forward = (): void => inner.abort(signal?.reason);
  signal?.addEventListener('abort', forward);
  const stalled = new WeightsError('network', `${url} sent nothing for ${stallMs / 1000} s.`, {
    hint: 'Try again: a download is continued where it stopped.',
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stopTimer = (): void => clearTimeout(timer);
  const startTimer = (): void => {
    stopTimer();
    // In two halves: after this thread was busy for long, timers fire before data that has arrived is delivered.
    timer = setTimeout(() => {
      timer = setTimeout(() => inner.abort(stalled), stallMs / 2);
    }, stallMs / 2);
  };
  const finish = (): void => {
    stopTimer();
    signal?.removeEventListener('abort', forward);
  };
  const failure = (cause: unknown): unknown => {
    finish();
    if (signal?.aborted) return signal.reason;
    if (inner.signal.aborted) return inner.signal.reason;
    return new WeightsError('network', `${url} could not be fetched: ${describe(cause)}.`, { cause });
  };
  startTimer();
  let response: Response;
  try {
    response = await fetch(url, {
      method: options.method ?? 'GET',
      redirect: options.redirect ?? 'follow',
      // In a compressed response, lengths and ranges would not be those of the file.
      headers: { 'accept-encoding': 'identity', ...options.headers },
      signal: inner.signal,
    });
  } catch (cause) {
    throw failure(cause);
  }
  stopTimer();
  return {
    status: response.status,
    headers: response.headers,
    url: response.url || url,
    cancel() {
      finish();
      // Only tells the server to stop: a failure does not matter.
      void response.body?.cancel().catch(() => {});
    },
    async *body() {
      const reader = response.body?.getReader();
      let ended = false;
      try {
        while (reader) {
          startTimer(); // it runs only while waiting: the consumer may be slow
          let part: Awaited<ReturnType<typeof reader.read>>;
          try {
            part = await reader.read();
          } catch (cause) {
            throw failure(cause);
          }
          stopTimer();
          signal?.throwIfAborted();
          if (part.done) {
            ended = true;
            return;
          }
          yield part.value;
        }
      } finally {
        finish();
        if (reader && !ended) void reader.cancel().catch(() => {});
      }
    },
  };
}

/** The message of `fetch` is "fetch failed"; the reason is in `cause`. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

/** `bytes 0-99/1000` -> 0, 100, 1000; undefined when absent or in another form. */
export function parseContentRange(
  value: string | null,
): { readonly begin: number; readonly end: number; readonly total: number } | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(value ?? '');
  if (!match) return undefined;
  return { begin: Number(match[1]), end: Number(match[2]) + 1, total: Number(match[3]) };
}
