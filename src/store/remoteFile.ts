/** A file as a server has it: by ranges where the server knows them, else from its start to its end. */
import { WeightsError } from '../base/errors.ts';
import type { FetchOptions } from '../base/http.ts';
import { checkLength } from '../checkpoint/source.ts';
import { openUrl } from '../checkpoint/urlSource.ts';
import { checkAnswer, requestWeights } from '../checkpoint/weightsHttp.ts';
import { PART_BYTES } from './record.ts';

type Pieces = AsyncIterable<Uint8Array<ArrayBuffer>>;

export interface RemoteFile {
  readonly url: string;
  readonly size: number;
  /** Its etag as `versionOf` gives it. */
  readonly version: string | undefined;
  readonly hasRanges: boolean;
  /**
   * Bytes from `begin` up to `end` as they come; all of the file where there are no ranges.
   * @throws {WeightsError} `network`, `truncated`, `changed`, `tooLong`; the signal's reason
   */
  pieces(begin: number, end: number, signal: AbortSignal | undefined): Pieces;
}

/**
 * @param file its name in the folder
 * @returns undefined if there is none
 * @throws {WeightsError} as `urlSource`, but for `rangeIgnored`
 */
export async function openRemoteFile(place: string, file: string, http: FetchOptions): Promise<RemoteFile | undefined> {
  // Other files than weights are here with the first answer.
  const headBytes = isWeights(file) ? 1 : PART_BYTES;
  try {
    const source = await openUrl(place, file, { ...http, headBytes });
    if (!source) return undefined;
    return {
      url: source.name,
      size: source.size,
      version: versionOf(source.etag),
      hasRanges: true,
      async *pieces(begin, end, signal) {
        if (end > headBytes && source.stream) yield* source.stream(begin, end, signal);
        else yield await source.read(begin, end, signal);
      },
    };
  } catch (error) {
    if (!(error instanceof WeightsError) || error.code !== 'rangeIgnored') throw error;
    return openWhole(new URL(file, place).href, http);
  }
}

export function isWeights(file: string): boolean {
  return file.endsWith('.safetensors');
}

async function openWhole(url: string, http: FetchOptions): Promise<RemoteFile> {
  const ask = async (signal: AbortSignal | undefined) => {
    const response = await requestWeights(url, { ...http, signal });
    await checkAnswer(url, response);
    return response;
  };
  const first = await ask(http.signal);
  first.cancel();
  const size = Number(first.headers.get('content-length') ?? Number.NaN);
  const etag = first.headers.get('etag');
  if (!Number.isSafeInteger(size)) throw new WeightsError('network', `${url} does not state its length.`);
  return {
    url,
    size,
    version: versionOf(etag),
    hasRanges: false,
    async *pieces(_begin, _end, signal) {
      const response = await ask(signal);
      if (response.headers.get('etag') !== etag) {
        response.cancel();
        throw new WeightsError('changed', `${url} has changed since it was opened.`);
      }
      let done = 0;
      for await (const piece of response.body()) {
        done += piece.length;
        if (done > size) throw new WeightsError('tooLong', `${url} sent more than its ${size} bytes.`);
        yield piece;
      }
      checkLength(url, 0, size, done);
    },
  };
}

/** An etag without what a compressed or weak answer adds to it. */
export function versionOf(etag: string | null | undefined): string | undefined {
  return (
    etag
      ?.replace(/^W\//, '')
      .replaceAll('"', '')
      .replace(/[-;](?:gzip|br|zstd)$/, '') || undefined
  );
}

/** How long a server is asked whether a file that is here has changed: without an answer what is here is used. */
const PATIENCE_MS = 3000;

/** @returns false if the server cannot be asked, too. @throws the signal's reason */
export async function hasChanged(
  { size, version }: Pick<RemoteFile, 'size' | 'version'>,
  url: string,
  http: FetchOptions,
): Promise<boolean> {
  try {
    const response = await requestWeights(url, { ...http, method: 'HEAD', stallMs: PATIENCE_MS, pauseMs: 0 });
    response.cancel();
    if (response.status !== 200) return false;
    const now = versionOf(response.headers.get('etag'));
    if (now !== undefined && version !== undefined) return now !== version;
    // Of other files the length may be that of their compressed form.
    const length = response.headers.get('content-length');
    return isWeights(url) && length !== null && Number(length) !== size;
  } catch {
    http.signal?.throwIfAborted();
    return false;
  }
}
