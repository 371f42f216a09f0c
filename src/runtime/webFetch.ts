/** Fetches a recording, so that a server that falls silent, or sends a web page, ends in an error. */
import { AudioError } from '../base/errors.ts';
import { answered, type Failure, type FetchOptions as HttpOptions, type HttpResponse, request } from '../base/http.ts';
import type { CallOptions } from '../base/progress.ts';
import { shownName } from '../base/shownName.ts';

/** Node's own `fetch` takes no proxy. */
export interface FetchOptions extends CallOptions, Pick<HttpOptions, 'stallMs' | 'pauseMs' | 'fetch'> {}

/**
 * @returns the bytes as they come, to be read once
 * @throws {AudioError} `fetch`, here or while the bytes are read; the signal's reason
 */
export async function fetchRecording(
  address: string,
  options: FetchOptions = {},
): Promise<AsyncGenerator<Uint8Array, void, undefined>> {
  return bytesOf(await request(address, options, failures(address)), address, options);
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
  const answer = answered(response, address, options, failures(address));
  if (response.ok && (response.bodyUsed || response.body?.locked)) throw failed(address, 'its body was read before');
  if (response.ok && !response.body) throw failed(address, 'it has no body');
  yield* bytesOf(answer, address, options);
}

async function* bytesOf(
  answer: HttpResponse,
  address: string,
  { onProgress }: FetchOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { status, headers } = answer;
  const refused = refusal(status, headers);
  if (refused) {
    answer.cancel();
    throw failed(address, ...refused);
  }
  // Of a compressed body the length is not that of the bytes.
  const total = headers.has('content-encoding') ? 0 : Number(headers.get('content-length') ?? 0);
  let done = 0;
  for await (const bytes of answer.body()) {
    if (done === 0 && isWebPage(bytes, headers)) throw failed(address, 'it is a web page, not a recording');
    done += bytes.length;
    onProgress?.({ stage: 'fetch', done, total: Math.max(done, total), unit: 'bytes', item: shownName(address) });
    yield bytes;
  }
}

/** Why an answer is no recording, and what can be done, as its head says. */
function refusal(status: number, headers: Headers): readonly [why: string, hint?: string] | undefined {
  if (status < 200 || status > 299) return [`status ${status}`];
  if (!headers.has('icy-name') || headers.has('content-length')) return undefined;
  return ['it is a radio station, which never ends', 'Listen to it: curl ADDRESS | sotto -'];
}

function isWebPage(bytes: Uint8Array, headers: Headers): boolean {
  const start = new TextDecoder().decode(bytes.subarray(0, 256)).trimStart().toLowerCase();
  return (
    /^<(!doctype html|html)/.test(start) || (start.startsWith('<') && /html/i.test(headers.get('content-type') ?? ''))
  );
}

/** Errors of fetching. What can be done about weights, which are continued, cannot about a recording. */
function failures(address: string): Failure {
  return (why, { cause }) => failed(address, why, undefined, cause);
}

function failed(address: string, why: string, hint?: string, cause?: unknown): AudioError {
  const what = address === '' ? 'The response' : `The recording at ${shownName(address)}`;
  return new AudioError('fetch', `${what} cannot be fetched: ${why}.`, { cause, ...(hint !== undefined && { hint }) });
}
