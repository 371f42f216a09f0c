/**
 * A file read over HTTP with Range requests (RFC 9110, section 14). Every response is checked: its status, range and
 * length, and that it is still the same file.
 */
import { concat } from '../base/bytes.ts';
import { WeightsError } from '../base/errors.ts';
import { type FetchOptions, type HttpResponse, parseContentRange, request } from './http.ts';
import { checkLength, checkRange, memorySource, type OpenSource, type WeightSource } from './source.ts';

/** Files up to this size are read as a whole if the server does not support ranges. */
const MAX_WHOLE_BYTES = 16 * 2 ** 20;

/**
 * @throws {WeightsError} `notFound` (404), `forbidden` (401, 403), `network` (other status, no connection),
 *   `rangeIgnored` if a large file is on a server that does not support ranges
 */
export async function urlSource(url: string, options: FetchOptions = {}): Promise<WeightSource> {
  const probe = await request(url, { ...options, headers: { ...options.headers, range: 'bytes=0-0' } });
  // An empty file has no byte 0: status 416, with the size after the star.
  if (probe.status === 416 && probe.headers.get('content-range') === 'bytes */0') {
    probe.cancel();
    return memorySource(url, new Uint8Array());
  }
  if (probe.status === 200) return wholeSource(url, probe);
  checkStatus(url, probe.status, () => probe.cancel());
  const etag = probe.headers.get('etag');
  // A web page sees Content-Range only if the server exposes it, but always Content-Length of a HEAD.
  const size = parseContentRange(probe.headers.get('content-range'))?.total;
  probe.cancel();
  const total = size ?? (await sizeByHead(url, options));
  const source: WeightSource = {
    name: url,
    size: total,
    isRemote: true,
    async read(begin, end, signal = options.signal) {
      checkRange(source, begin, end);
      if (begin === end) return new Uint8Array();
      const headers = { ...options.headers, range: `bytes=${begin}-${end - 1}` };
      const response = await request(url, { ...options, headers, signal });
      checkStatus(url, response.status, () => response.cancel());
      const range = parseContentRange(response.headers.get('content-range'));
      const isSame = response.headers.get('etag') === etag && (!range || range.total === total);
      if (response.status !== 206 || !isSame || (range && (range.begin !== begin || range.end !== end))) {
        response.cancel();
        if (isSame) {
          throw new WeightsError('rangeIgnored', `${url} sent other bytes than the requested ${begin}..${end}.`);
        }
        throw new WeightsError('changed', `${url} has changed since it was opened.`);
      }
      const bytes = new Uint8Array(end - begin);
      let filled = 0;
      for await (const part of response.body()) {
        if (filled + part.length > bytes.length) checkLength(url, begin, end, filled + part.length);
        bytes.set(part, filled);
        filled += part.length;
      }
      checkLength(url, begin, end, filled);
      return bytes;
    },
  };
  return source;
}

/** Files under one URL: `openUrlFolder('https://host/whisper-tiny/')`. */
export function openUrlFolder(base: string, options: FetchOptions = {}): OpenSource {
  return async (name, signal = options.signal) => {
    try {
      return await urlSource(new URL(name, base.endsWith('/') ? base : `${base}/`).href, { ...options, signal });
    } catch (error) {
      if (error instanceof WeightsError && error.code === 'notFound') return undefined;
      throw error;
    }
  };
}

async function wholeSource(url: string, response: HttpResponse): Promise<WeightSource> {
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
  return { ...memorySource(url, concat(Uint8Array, parts)), isRemote: false };
}

async function sizeByHead(url: string, options: FetchOptions): Promise<number> {
  const response = await request(url, { ...options, method: 'HEAD' });
  response.cancel();
  checkStatus(url, response.status, () => {});
  const length = response.headers.get('content-length');
  if (!/^\d{1,15}$/.test(length ?? '')) throw new WeightsError('network', `${url} does not state its length.`);
  return Number(length);
}

function checkStatus(url: string, status: number, cancel: () => void): void {
  if (status === 200 || status === 206) return;
  cancel();
  throw statusError(url, status);
}

/** The error for an HTTP status other than success. */
export function statusError(url: string, status: number): WeightsError {
  if (status === 404 || status === 410) return new WeightsError('notFound', `${url} does not exist (${status}).`);
  if (status === 401 || status === 403) {
    return new WeightsError('forbidden', `${url} may not be read (${status}).`, {
      hint: 'A private or gated model needs an access token (HF_TOKEN).',
    });
  }
  return new WeightsError('network', `${url} answered with status ${status}.`);
}
