/**
 * A file behind HTTP, read with Range requests (RFC 9110, section 14). What the server answers is checked each time:
 * status, range, length, and that it is still the same file.
 */
import { concat } from '../base/bytes.ts';
import { WeightsError } from '../base/errors.ts';
import { type FetchOptions, parseContentRange, request } from './http.ts';
import { checkLength, checkRange, memorySource, type OpenSource, type WeightSource } from './source.ts';

/** A server without ranges is fine for files up to this size: they are taken whole. */
const WHOLE_BYTES = 16 * 2 ** 20;

/**
 * @throws {WeightsError} `notFound` (404), `forbidden` (401, 403), `network` (other status, no connection),
 *   `rangeIgnored` when a large file comes from a server without ranges
 */
export async function urlSource(url: string, options: FetchOptions = {}): Promise<WeightSource> {
  const probe = await request(url, { ...options, headers: { ...options.headers, range: 'bytes=0-0' } });
  // An empty file has no byte 0: 416, with its size behind the star.
  if (probe.status === 416 && probe.headers.get('content-range') === 'bytes */0') {
    probe.cancel();
    return memorySource(url, new Uint8Array());
  }
  if (probe.status === 200) return wholeSource(url, probe);
  checkStatus(url, probe.status, () => probe.cancel());
  const etag = probe.headers.get('etag');
  // A page may see Content-Range only if the server exposes it; Content-Length of a HEAD it may always see.
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
      const answer = await request(url, { ...options, headers, signal });
      checkStatus(url, answer.status, () => answer.cancel());
      const range = parseContentRange(answer.headers.get('content-range'));
      const isSame = answer.headers.get('etag') === etag && (!range || range.total === total);
      if (answer.status !== 206 || !isSame || (range && (range.begin !== begin || range.end !== end))) {
        answer.cancel();
        if (isSame) {
          throw new WeightsError('rangeIgnored', `${url} was asked for bytes ${begin}..${end} and gave others.`);
        }
        throw new WeightsError('changed', `${url} is no longer the file that it was when it was opened.`);
      }
      const bytes = new Uint8Array(end - begin);
      let filled = 0;
      for await (const part of answer.body()) {
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

/** Files beside each other under one address: `openUrlFolder('https://host/whisper-tiny/')`. */
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

async function wholeSource(url: string, answer: Awaited<ReturnType<typeof request>>): Promise<WeightSource> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const announced = answer.headers.get('content-length');
  const tooLarge = (): WeightsError =>
    new WeightsError('rangeIgnored', `${url} has more than ${WHOLE_BYTES} bytes and its server ignores Range.`, {
      hint: 'Serve it with a server that knows Range requests, or fetch it to a Blob and load that.',
    });
  if (Number(announced) > WHOLE_BYTES) {
    answer.cancel();
    throw tooLarge();
  }
  for await (const part of answer.body()) {
    size += part.length;
    if (size > WHOLE_BYTES) throw tooLarge();
    parts.push(part);
  }
  if (announced !== null && !answer.headers.get('content-encoding')) checkLength(url, 0, Number(announced), size);
  return { ...memorySource(url, concat(Uint8Array, parts)), isRemote: false };
}

async function sizeByHead(url: string, options: FetchOptions): Promise<number> {
  const answer = await request(url, { ...options, method: 'HEAD' });
  answer.cancel();
  checkStatus(url, answer.status, () => {});
  const length = answer.headers.get('content-length');
  if (!/^\d{1,15}$/.test(length ?? '')) throw new WeightsError('network', `${url} does not say how long it is.`);
  return Number(length);
}

function checkStatus(url: string, status: number, cancel: () => void): void {
  if (status === 200 || status === 206) return;
  cancel();
  throw statusError(url, status);
}

/** The error for an HTTP status that is no success. */
export function statusError(url: string, status: number): WeightsError {
  if (status === 404 || status === 410) return new WeightsError('notFound', `${url} does not exist (${status}).`);
  if (status === 401 || status === 403) {
    return new WeightsError('forbidden', `${url} may not be read (${status}).`, {
      hint: 'A private or gated model needs an access token (HF_TOKEN).',
    });
  }
  return new WeightsError('network', `${url} answered with status ${status}.`);
}
