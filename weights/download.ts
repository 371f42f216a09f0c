/**
 * Downloads one file, complete and verified, or not at all: it is written to `NAME.part`, continued where an earlier attempt
 * stopped, and renamed only when its length and hash are right.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WeightsError } from '../src/base/errors.ts';
import { type FetchOptions, type HttpResponse, parseContentRange, sleep } from '../src/base/http.ts';
import { statusError } from '../src/checkpoint/answerError.ts';
import { shown } from '../src/checkpoint/strictJson.ts';
import { checkAnswer, requestWeights } from '../src/checkpoint/weightsHttp.ts';
import { makeFolder } from './folders.ts';

/** What the server states about a file before any of it is fetched. */
export interface RemoteFile {
  readonly url: string;
  /** undefined if the server does not state it. */
  readonly size: number | undefined;
  /** Without quotes. 64 hex digits are the sha256 of the bytes, 40 the sha1 of a git blob; others only distinguish versions. */
  readonly etag: string | undefined;
  /** Commit of the repository, if the server states it. */
  readonly commit: string | undefined;
}

/** Bodies that may break off before a download is given up, and how many of them in a row without a new byte. */
const MAX_BREAKS = 20;
const MAX_IDLE_BREAKS = 3;
const MAX_REDIRECTS = 5;
/** Of weights, and of any other file, whatever the server says of their sizes. */
const MAX_WEIGHTS_BYTES = 2 ** 36;
const MAX_OTHER_BYTES = 2 ** 24;

/**
 * Fetches size, hash and commit. Large files are redirected to another host; the headers that count are those of the
 * redirect.
 * @throws {WeightsError} `notFound`, `forbidden`, `network`
 */
export async function askFile(url: string, options: FetchOptions): Promise<RemoteFile> {
  let at = url;
  let commit: string | undefined;
  let { headers: sent = {} } = options;
  for (let hop = 0; hop < MAX_REDIRECTS; hop++) {
    const response = await requestWeights(at, { ...options, headers: sent, method: 'HEAD', redirect: 'manual' });
    response.cancel();
    const { status, headers } = response;
    const location = headers.get('location');
    const linked = headers.get('x-linked-etag');
    commit ??= headers.get('x-repo-commit') ?? undefined;
    const isRedirect = status >= 300 && status < 400 && location !== null;
    if (isRedirect && linked === null) {
      const next = redirected(location, at);
      // A renamed repository, or where a mirror keeps its files. The token is sent to no other host.
      if (next.origin !== new URL(at).origin) sent = withoutToken(sent);
      at = next.href;
      continue;
    }
    // An address that is signed for GET alone: what it has will show when it is fetched.
    if (at !== url && (status === 403 || status === 405)) return { url, size: undefined, etag: undefined, commit };
    if (!isRedirect) await checkAnswer(url, response);
    const length = headers.get('x-linked-size') ?? (isRedirect ? null : headers.get('content-length'));
    return {
      url,
      size: /^\d{1,15}$/.test(length ?? '') ? Number(length) : undefined,
      etag: (linked ?? headers.get('etag'))?.replace(/^W\//, '').replaceAll('"', '') || undefined,
      commit,
    };
  }
  throw new WeightsError('network', `${url} redirects more than ${MAX_REDIRECTS} times.`);
}

/** @throws {WeightsError} `network` for what is no address of a server */
function redirected(location: string, from: string): URL {
  const next = URL.canParse(location, from) ? new URL(location, from) : undefined;
  if (next && /^https?:$/.test(next.protocol)) return next;
  throw new WeightsError('network', `${from} redirects to ${shown(location)}, which is no address of a server.`);
}

function withoutToken(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'authorization'));
}

/**
 * Fetches `file` to `path`.
 * @param onBytes called with the number of bytes so far
 * @throws {WeightsError} `network`, `truncated`, `tooLong`, `changed`, `badHash`, `notFound`, `forbidden`; the signal's reason.
 *   What has arrived is kept for the next call, unless it was wrong.
 */
export async function download(
  file: RemoteFile,
  path: string,
  options: FetchOptions,
  onBytes: (done: number) => void,
): Promise<void> {
  await makeFolder(dirname(path));
  if (await isComplete(file, path, options.signal)) return onBytes(await sizeOf(path));
  try {
    await fetchWhole(file, path, options, onBytes);
  } catch (error) {
    // Damaged on its way, or by what an earlier call left: once more from the start.
    if (!(error instanceof WeightsError) || error.code !== 'badHash') throw error;
    await fetchWhole(file, path, options, onBytes);
  }
}

async function fetchWhole(
  file: RemoteFile,
  path: string,
  options: FetchOptions,
  onBytes: (done: number) => void,
): Promise<void> {
  const part = `${path}.part`;
  const tag = `${path}.tag`;
  const discard = async (): Promise<void> => {
    await rm(part, { force: true });
    await rm(tag, { force: true });
  };
  // An earlier part is used only if it is certainly of the same file.
  const isSame = file.etag !== undefined && (await readFile(tag, 'utf8').catch(() => undefined)) === file.etag;
  if (!isSame) await discard();
  if (file.etag !== undefined) await writeFile(tag, file.etag);
  try {
    await fetchParts(file, part, options, onBytes);
    await checkHash(file, part, options.signal);
  } catch (error) {
    const canContinue = error instanceof WeightsError && (error.code === 'network' || error.code === 'truncated');
    if (error instanceof WeightsError && !canContinue) await discard();
    throw error;
  }
  await rename(part, path);
  await rm(tag, { force: true });
}

/** Asks for what is missing again and again, as long as more of it comes. */
async function fetchParts(
  file: RemoteFile,
  part: string,
  options: FetchOptions,
  onBytes: (done: number) => void,
): Promise<void> {
  for (let breaks = 1, idle = 0; ; breaks++) {
    const before = await sizeOf(part);
    if (before > 0 && before === file.size) return;
    const response = await requestRest(file, before, options);
    try {
      return await writeRest(file, part, before, response, onBytes);
    } catch (error) {
      if (!(error instanceof WeightsError) || (error.code !== 'network' && error.code !== 'truncated')) throw error;
      const more = (await sizeOf(part)) - before;
      idle = more > 0 ? 0 : idle + 1;
      // A server that said nothing for long is asked again only if it had given a good part by then.
      const isSlow = response.hasStalled() && more < Math.min(2 ** 20, ((file.size ?? 0) - before) / 64);
      if (isSlow || idle === MAX_IDLE_BREAKS || breaks === MAX_BREAKS) throw error;
    }
    await sleep((1 + idle) * (options.pauseMs ?? 1000), options.signal);
  }
}

/** @returns an answer whose body begins at byte `have`, or at the file's start */
async function requestRest({ url, size }: RemoteFile, have: number, options: FetchOptions): Promise<HttpResponse> {
  const headers = { ...options.headers, ...(have > 0 && { range: `bytes=${have}-` }) };
  const response = await requestWeights(url, { ...options, headers });
  if (response.status === 416) {
    response.cancel();
    // The part is longer than the file, so it is of another one.
    throw new WeightsError('changed', `${url} ends before byte ${have}.`);
  }
  await checkAnswer(url, response);
  const range = parseContentRange(response.headers.get('content-range'));
  const isRest = response.status === 206;
  if (isRest && (have === 0 || range?.begin !== have || (size !== undefined && range.total !== size))) {
    response.cancel();
    if (have === 0) throw statusError(url, response.status);
    throw new WeightsError('changed', `${url} sent other bytes than the requested ones from ${have} on.`);
  }
  return response;
}

async function writeRest(
  { url, size }: RemoteFile,
  part: string,
  have: number,
  response: HttpResponse,
  onBytes: (done: number) => void,
): Promise<void> {
  const begin = response.status === 206 ? have : 0;
  const range = parseContentRange(response.headers.get('content-range'));
  const announced = range?.total ?? (Number(response.headers.get('content-length') ?? Number.NaN) || undefined);
  const end = size ?? announced;
  const most = /\.(?:safetensors|onnx|onnx_data)$/.test(url) ? MAX_WEIGHTS_BYTES : MAX_OTHER_BYTES;
  if (end !== undefined && end > most) {
    response.cancel();
    throw new WeightsError('tooLarge', `${url} has ${end} bytes; at most ${most} are fetched.`);
  }
  const handle = await open(part, begin > 0 ? 'r+' : 'w');
  try {
    let done = begin;
    for await (const bytes of response.body()) {
      if (done + bytes.length > (end ?? most)) {
        throw new WeightsError(
          'tooLong',
          `${url} sent more than ${end === undefined ? '' : 'its '}${end ?? most} bytes.`,
        );
      }
      await writeAll(handle, bytes, done);
      done += bytes.length;
      onBytes(done);
    }
    if (end !== undefined && done < end) {
      throw new WeightsError('truncated', `${url} ended after ${done} of ${end} bytes.`, {
        hint: 'Try again: the download is continued where it stopped.',
      });
    }
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await handle.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
  }
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/** An earlier call may have completed it. */
async function isComplete(file: RemoteFile, path: string, signal: AbortSignal | undefined): Promise<boolean> {
  const there = await stat(path).catch(() => undefined);
  if (there === undefined || there.size !== file.size) return false;
  return (await hashLike(file.etag, path, signal)) === file.etag;
}

async function checkHash({ url, etag }: RemoteFile, part: string, signal: AbortSignal | undefined): Promise<void> {
  const found = await hashLike(etag, part, signal);
  if (found === undefined || found === etag) return;
  throw new WeightsError('badHash', `${url} has the hash ${found}, but the server announced ${etag}.`, {
    hint: 'It was deleted: try again, or use another HF_ENDPOINT.',
  });
}

/** The file's hash of the same kind as `etag`; undefined if that is no hash. */
async function hashLike(etag = '', path: string, signal: AbortSignal | undefined): Promise<string | undefined> {
  let hash: Hash;
  if (/^[0-9a-f]{64}$/.test(etag)) hash = createHash('sha256');
  else if (/^[0-9a-f]{40}$/.test(etag)) hash = createHash('sha1').update(`blob ${await sizeOf(path)}\0`);
  else return undefined;
  for await (const bytes of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    signal?.throwIfAborted();
    hash.update(bytes);
  }
  return hash.digest('hex');
}
