/**
 * A file read over HTTP with Range requests (RFC 9110, section 14). Every response is checked: its status, range and
 * length, and that it is still the same file.
 */
import { concat } from '../base/bytes.ts';
import { WeightsError } from '../base/errors.ts';
import { type FetchOptions, type HttpResponse, parseContentRange, sleep } from '../base/http.ts';
import { CONFIG } from './fileNames.ts';
import { checkLength, checkRange, memorySource, type OpenSource, type WeightSource } from './source.ts';
import { checkAnswer, requestWeights } from './weightsHttp.ts';

/** Files up to this size are read as a whole if the server does not support ranges. */
const MAX_WHOLE_BYTES = 16 * 2 ** 20;

export interface UrlOptions extends FetchOptions {
  /**
   * Bytes from the start that the first request asks for and that are kept: a small file, or the header of a large one, is
   * then here at once. 1 when absent.
   */
  readonly headBytes?: number;
}

export interface UrlSource extends WeightSource {
  /** What the server calls these bytes, where it does. */
  readonly etag: string | null;
}

const READ_ATTEMPTS = 3;

/**
 * @throws {WeightsError} `notFound` (404), `forbidden` (401, 403), `network` (other status, no connection), `webPage`,
 *   `rangeIgnored` if a large file is on a server that does not support ranges
 */
export async function urlSource(url: string, options: UrlOptions = {}): Promise<UrlSource> {
  const { headBytes = 1, ...http } = options;
  const probe = await requestWeights(url, { ...http, headers: { ...http.headers, range: `bytes=0-${headBytes - 1}` } });
  // An empty file has no byte 0: status 416, with the size after the star.
  if (probe.status === 416 && probe.headers.get('content-range') === 'bytes */0') {
    probe.cancel();
    return { ...memorySource(url, new Uint8Array()), etag: null };
  }
  await checkAnswer(url, probe);
  if (probe.status === 200) return wholeSource(url, probe);
  const etag = probe.headers.get('etag');
  // A web page sees Content-Range only if the server exposes it, but always Content-Length of a HEAD.
  const size = parseContentRange(probe.headers.get('content-range'))?.total;
  const head = await readHead(probe, headBytes);
  const total = size ?? (await sizeByHead(url, http));
  const source: UrlSource = {
    name: url,
    size: total,
    etag,
    isRemote: true,
    async read(begin, end, signal = http.signal) {
      checkRange(source, begin, end);
      signal?.throwIfAborted();
      if (begin === end) return new Uint8Array();
      if (end <= head.length) return head.slice(begin, end);
      for (let attempt = 1; ; attempt++) {
        const response = await answer(begin, end, signal);
        try {
          const bytes = new Uint8Array(end - begin);
          for await (const { at, part } of partsOf(url, begin, end, response)) bytes.set(part, at - begin);
          return bytes;
        } catch (error) {
          await beforeNext(attempt, response, error, signal);
        }
      }
    },
    async *stream(begin, end, signal = http.signal) {
      checkRange(source, begin, end);
      signal?.throwIfAborted();
      // After a failure it goes on where it stopped.
      let next = begin;
      for (let attempt = 1; next < end; attempt++) {
        const response = await answer(next, end, signal);
        try {
          for await (const { at, part } of partsOf(url, next, end, response)) {
            next = at + part.length;
            yield part;
          }
        } catch (error) {
          await beforeNext(attempt, response, error, signal);
        }
      }
    },
  };
  /** @throws {WeightsError} `rangeIgnored`, `changed`, and what `requestRange` throws */
  const answer = async (begin: number, end: number, signal: AbortSignal | undefined): Promise<HttpResponse> => {
    const response = await requestRange(url, begin, end, { ...http, signal });
    const range = parseContentRange(response.headers.get('content-range'));
    const isSame = response.headers.get('etag') === etag && (!range || range.total === total);
    if (response.status === 206 && isSame && (!range || (range.begin === begin && range.end === end))) return response;
    response.cancel();
    if (isSame) throw new WeightsError('rangeIgnored', `${url} sent other bytes than the requested ${begin}..${end}.`);
    throw new WeightsError('changed', `${url} has changed since it was opened.`);
  };
  /** Waits before the next attempt, or throws the error if there is to be none. */
  const beforeNext = async (
    attempt: number,
    response: HttpResponse,
    error: unknown,
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    // A server that says nothing for long is not waited for again.
    if (attempt === READ_ATTEMPTS || signal?.aborted || response.hasStalled()) throw error;
    await sleep(attempt * (http.pauseMs ?? 1000), signal);
  };
  return source;
}

/**
 * The body of an answer that is to have the bytes `begin` to `end`, in parts with their positions.
 * @throws {WeightsError} `truncated`, `network`
 */
async function* partsOf(
  url: string,
  begin: number,
  end: number,
  response: HttpResponse,
): AsyncGenerator<{ readonly at: number; readonly part: Uint8Array<ArrayBuffer> }, void, undefined> {
  let at = begin;
  for await (const part of response.body()) {
    if (at + part.length > end) checkLength(url, begin, end, at + part.length - begin);
    yield { at, part };
    at += part.length;
  }
  checkLength(url, begin, end, at - begin);
}

async function requestRange(url: string, begin: number, end: number, options: FetchOptions): Promise<HttpResponse> {
  const headers = { ...options.headers, range: `bytes=${begin}-${end - 1}` };
  const response = await requestWeights(url, { ...options, headers });
  await checkAnswer(url, response);
  return response;
}

/** What the first answer has of the file's start; no more of it than was asked for. */
async function readHead(response: HttpResponse, most: number): Promise<Uint8Array<ArrayBuffer>> {
  const head = new Uint8Array(most);
  let filled = 0;
  for await (const part of response.body()) {
    const taken = part.subarray(0, most - filled);
    head.set(taken, filled);
    filled += taken.length;
    if (filled === most) break;
  }
  return head.subarray(0, filled);
}

/** More than the header of any model's weights. */
const HEAD_BYTES = 2 ** 18;

/** Files under one URL: `openUrlFolder('https://host/whisper-tiny/')`. @throws {WeightsError} `network` if a user is in it */
export function openUrlFolder(base: string, options: FetchOptions = {}): OpenSource {
  const place = folderAddress(base);
  const open: OpenSource = (name, signal = options.signal) =>
    openUrl(place, name, { headBytes: HEAD_BYTES, ...options, signal });
  return Object.assign(open, { place });
}

/** With a slash at its end. @throws {WeightsError} `network` if a user is in it */
export function folderAddress(base: string): string {
  // No fetch takes it, and it would stand in every message.
  if (/^https?:\/\/[^/]*@/i.test(base)) {
    throw new WeightsError('network', 'An address with a user or a password in it cannot be fetched.', {
      hint: 'Leave them out of the address, or fetch the files by another program and load their folder.',
    });
  }
  return base.endsWith('/') ? base : `${base}/`;
}

/** A file of a folder; undefined if there is none. @throws {WeightsError} as `urlSource` */
export async function openUrl(place: string, name: string, options: UrlOptions): Promise<UrlSource | undefined> {
  try {
    return await urlSource(new URL(name, place).href, options);
  } catch (error) {
    if (!(error instanceof WeightsError)) throw error;
    if (error.code === 'notFound') return undefined;
    // Development servers answer with their page to every address that they do not know.
    if (error.code === 'webPage' && name !== CONFIG) return undefined;
    throw error;
  }
}

async function wholeSource(url: string, response: HttpResponse): Promise<UrlSource> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const announced = response.headers.get('content-length');
  const tooLarge = (): WeightsError =>
    new WeightsError('rangeIgnored', `${url} has more than ${MAX_WHOLE_BYTES} bytes and its server ignores Range.`, {
      hint: 'Use a server that supports Range requests, or fetch it to a Blob and load that.',
    });
  if (Number(announced) > MAX_WHOLE_BYTES) {
    response.cancel();
    throw tooLarge();
  }
  for await (const part of response.body()) {
    size += part.length;
    if (size > MAX_WHOLE_BYTES) throw tooLarge();
    parts.push(part);
  }
  if (announced !== null && !response.headers.get('content-encoding')) checkLength(url, 0, Number(announced), size);
  return { ...memorySource(url, concat(Uint8Array, parts)), isRemote: false, etag: response.headers.get('etag') };
}

async function sizeByHead(url: string, options: FetchOptions): Promise<number> {
  const response = await requestWeights(url, { ...options, method: 'HEAD' });
  response.cancel();
  await checkAnswer(url, response);
  const length = response.headers.get('content-length');
  if (!/^\d{1,15}$/.test(length ?? '')) throw new WeightsError('network', `${url} does not state its length.`);
  return Number(length);
}
