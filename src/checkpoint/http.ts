/**
 * Fetching that cannot hang: a request or body that brings nothing for `stallMs` fails, and an abort is passed on as the
 * signal's own reason. Used by `urlSource.ts` and by the downloader in `weights/hub.ts`.
 */
import { WeightsError } from '../base/errors.ts';

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds without a byte after which a server is given up; 30 s when absent. */
  readonly stallMs?: number | undefined;
  readonly method?: 'GET' | 'HEAD';
  /** `manual` answers with the redirect itself (not in browsers); `follow` when absent. */
  readonly redirect?: 'follow' | 'manual';
}

const DEFAULT_STALL_MS = 30_000;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Address after redirects. */
  readonly url: string;
  /** The body as it comes. Ends early only by throwing. */
  body(): AsyncGenerator<Uint8Array<ArrayBuffer>>;
  /** Leaves the body unread. */
  cancel(): void;
}

/** @throws {WeightsError} `network` when the server cannot be reached or stalls; the signal's reason when aborted */
export async function request(url: string, options: FetchOptions = {}): Promise<Answer> {
  const { signal, stallMs = DEFAULT_STALL_MS } = options;
  signal?.throwIfAborted();
  const inner = new AbortController();
  const forward = (): void => inner.abort(signal?.reason);
  signal?.addEventListener('abort', forward);
  const stalled = new WeightsError('network', `${url} sent nothing for ${stallMs / 1000} s.`, {
    hint: 'Try again; a download goes on where it stopped.',
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const rest = (): void => clearTimeout(timer);
  const watch = (): void => {
    clearTimeout(timer);
    // In two halves: when this thread was busy for long, timers are due before what has arrived meanwhile is seen.
    timer = setTimeout(() => {
      timer = setTimeout(() => inner.abort(stalled), stallMs / 2);
    }, stallMs / 2);
  };
  const finish = (): void => {
    rest();
    signal?.removeEventListener('abort', forward);
  };
  const failure = (cause: unknown): unknown => {
    finish();
    if (signal?.aborted) return signal.reason;
    if (inner.signal.aborted) return inner.signal.reason;
    return new WeightsError('network', `${url} could not be fetched: ${describe(cause)}.`, { cause });
  };
  watch();
  let response: Response;
  try {
    response = await fetch(url, {
      method: options.method ?? 'GET',
      redirect: options.redirect ?? 'follow',
      // Compressed, a length or a range would mean other bytes than the file's.
      headers: { 'accept-encoding': 'identity', ...options.headers },
      signal: inner.signal,
    });
  } catch (cause) {
    throw failure(cause);
  }
  rest();
  return {
    status: response.status,
    headers: response.headers,
    url: response.url || url,
    cancel() {
      finish();
      // Only a way to say that nothing more is wanted; it cannot fail in a way that matters.
      void response.body?.cancel().catch(() => {});
    },
    async *body() {
      const reader = response.body?.getReader();
      let ended = false;
      try {
        while (reader) {
          watch(); // only while waiting: the consumer may take its time
          let part: Awaited<ReturnType<typeof reader.read>>;
          try {
            part = await reader.read();
          } catch (cause) {
            throw failure(cause);
          }
          rest();
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

/** fetch says "fetch failed" and keeps the reason in `cause`. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

/** `bytes 0-99/1000` -> 0, 100, 1000; undefined when absent or of another form. */
export function parseContentRange(
  value: string | null,
): { readonly begin: number; readonly end: number; readonly total: number } | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/.exec(value ?? '');
  if (!match) return undefined;
  return { begin: Number(match[1]), end: Number(match[2]) + 1, total: Number(match[3]) };
}
