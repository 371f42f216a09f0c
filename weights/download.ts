/**
 * One file over HTTP into a folder, whole and checked, or not at all: it grows as `NAME.part`, goes on where an earlier try
 * stopped, and gets its name only when length and hash are right.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WeightsError } from '../src/base/errors.ts';
import { type FetchOptions, parseContentRange, request } from '../src/checkpoint/http.ts';
import { statusError } from '../src/checkpoint/urlSource.ts';

/** What the server says about a file before any of it is fetched. */
export interface RemoteFile {
  readonly url: string;
  /** undefined when the server does not say. */
  readonly size: number | undefined;
  /** Without quotes. 64 hex digits are the sha256 of the bytes, 40 the sha1 of a git blob; others only tell versions apart. */
  readonly etag: string | undefined;
  /** Commit of the repository, where the server tells. */
  readonly commit: string | undefined;
}

/** Tries in a row that bring nothing before a server is given up. */
const MAX_TRIES = 3;
const MAX_REDIRECTS = 5;

/**
 * Size, hash and commit. Large files are behind a redirect to another host; what counts stands in the redirecting answer.
 * @throws {WeightsError} `notFound`, `forbidden`, `network`
 */
export async function askFile(url: string, options: FetchOptions): Promise<RemoteFile> {
  let at = url;
  let commit: string | undefined;
  for (let hop = 0; hop < MAX_REDIRECTS; hop++) {
    const answer = await request(at, { ...options, method: 'HEAD', redirect: 'manual' });
    answer.cancel();
    const { status, headers } = answer;
    const location = headers.get('location');
    const linked = headers.get('x-linked-etag');
    commit ??= headers.get('x-repo-commit') ?? undefined;
    const isRedirect = status >= 300 && status < 400 && location !== null;
    if (isRedirect && linked === null) {
      const next = new URL(location, at);
      // A renamed repository; its token goes to no other host.
      if (next.origin !== new URL(at).origin) return { url, size: undefined, etag: undefined, commit };
      at = next.href;
      continue;
    }
    if (!isRedirect && status !== 200) throw statusError(url, status);
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

/**
 * Fetches `file` to `path`.
 * @param onBytes told how much of the file is there
 * @throws {WeightsError} `network`, `truncated`, `tooLong`, `changed`, `badHash`, `notFound`, `forbidden`; the signal's reason.
 *   What came by then is kept for the next call, unless it was wrong.
 */
export async function download(
  file: RemoteFile,
  path: string,
  options: FetchOptions,
  onBytes: (done: number) => void,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.part`;
  const tag = `${path}.tag`;
  const discard = async (): Promise<void> => {
    await rm(part, { force: true });
    await rm(tag, { force: true });
  };
  if (await isThere(file, path, options.signal)) return onBytes(await sizeOf(path));
  // An earlier part counts only if it is surely of the same file.
  const isSame = file.etag !== undefined && (await readFile(tag, 'utf8').catch(() => undefined)) === file.etag;
  if (!isSame) await discard();
  if (file.etag !== undefined) await writeFile(tag, file.etag);
  for (let tries = 0; ; ) {
    const before = await sizeOf(part);
    try {
      await fetchRest(file, part, before, options, onBytes);
      break;
    } catch (error) {
      if (!(error instanceof WeightsError)) throw error;
      const mayGoOn = error.code === 'network' || error.code === 'truncated';
      if (!mayGoOn) await discard();
      tries = (await sizeOf(part)) > before ? 1 : tries + 1;
      if (!mayGoOn || tries >= MAX_TRIES) throw error;
    }
  }
  try {
    await checkHash(file, part, options.signal);
  } catch (error) {
    if (error instanceof WeightsError) await discard();
    throw error;
  }
  await rename(part, path);
  await rm(tag, { force: true });
}

async function fetchRest(
  { url, size }: RemoteFile,
  part: string,
  have: number,
  options: FetchOptions,
  onBytes: (done: number) => void,
): Promise<void> {
  if (have > 0 && have === size) return;
  const headers = { ...options.headers, ...(have > 0 && { range: `bytes=${have}-` }) };
  const answer = await request(url, { ...options, headers });
  const range = parseContentRange(answer.headers.get('content-range'));
  let begin = 0;
  if (answer.status === 206 && have > 0) begin = have;
  else if (answer.status !== 200) {
    answer.cancel();
    // The part is longer than the file: not the same one.
    if (answer.status === 416) throw new WeightsError('changed', `${url} has no byte ${have}.`);
    throw statusError(url, answer.status);
  }
  if (begin > 0 && (range?.begin !== begin || (size !== undefined && range.total !== size))) {
    answer.cancel();
    throw new WeightsError('changed', `${url} was asked for bytes from ${begin} on and gave others.`);
  }
  const announced = range?.total ?? (Number(answer.headers.get('content-length') ?? Number.NaN) + begin || undefined);
  const end = size ?? announced;
  const handle = await open(part, begin > 0 ? 'r+' : 'w');
  try {
    let done = begin;
    for await (const bytes of answer.body()) {
      if (end !== undefined && done + bytes.length > end) {
        throw new WeightsError('tooLong', `${url} sends more than its ${end} bytes.`);
      }
      await writeAll(handle, bytes, done);
      done += bytes.length;
      onBytes(done);
    }
    if (end !== undefined && done < end) {
      throw new WeightsError('truncated', `${url} ended after ${done} of ${end} bytes.`, {
        hint: 'Try again: it goes on where it stopped.',
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

/** An earlier call may have brought it whole. */
async function isThere(file: RemoteFile, path: string, signal: AbortSignal | undefined): Promise<boolean> {
  if (file.size === undefined || (await sizeOf(path)) !== file.size) return false;
  return (await hashLike(file.etag, path, signal)) === file.etag;
}

async function checkHash({ url, etag }: RemoteFile, part: string, signal: AbortSignal | undefined): Promise<void> {
  const found = await hashLike(etag, part, signal);
  if (found === undefined || found === etag) return;
  throw new WeightsError('badHash', `${url} came with the hash ${found}, the server announced ${etag}.`, {
    hint: 'Nothing of it was kept: try again, or another HF_ENDPOINT.',
  });
}

/** The file's hash of the kind that `etag` is; undefined when that is none. */
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
