/**
 * Downloads one file, complete and verified, or not at all: it is written to `NAME.part`, continued where an earlier attempt
 * stopped, and renamed only when its length and hash are right.
 */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { WeightsError } from '../src/base/errors.ts';
import { type FetchOptions, parseContentRange, request } from '../src/checkpoint/http.ts';
import { statusError } from '../src/checkpoint/urlSource.ts';

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

/** Consecutive attempts without a new byte after which a download fails. */
const MAX_ATTEMPTS = 3;
const MAX_REDIRECTS = 5;

/**
 * Fetches size, hash and commit. Large files are redirected to another host; the headers that count are those of the
 * redirect.
 * @throws {WeightsError} `notFound`, `forbidden`, `network`
 */
export async function askFile(url: string, options: FetchOptions): Promise<RemoteFile> {
  let at = url;
  let commit: string | undefined;
  for (let hop = 0; hop < MAX_REDIRECTS; hop++) {
    const response = await request(at, { ...options, method: 'HEAD', redirect: 'manual' });
    response.cancel();
    const { status, headers } = response;
    const location = headers.get('location');
    const linked = headers.get('x-linked-etag');
    commit ??= headers.get('x-repo-commit') ?? undefined;
    const isRedirect = status >= 300 && status < 400 && location !== null;
    if (isRedirect && linked === null) {
      const next = new URL(location, at);
      // A renamed repository. The token is sent to no other host.
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
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.part`;
  const tag = `${path}.tag`;
  const discard = async (): Promise<void> => {
    await rm(part, { force: true });
    await rm(tag, { force: true });
  };
  if (await isComplete(file, path, options.signal)) return onBytes(await sizeOf(path));
  // An earlier part is used only if it is certainly of the same file.
  const isSame = file.etag !== undefined && (await readFile(tag, 'utf8').catch(() => undefined)) === file.etag;
  if (!isSame) await discard();
  if (file.etag !== undefined) await writeFile(tag, file.etag);
  for (let attempts = 0; ; ) {
    const before = await sizeOf(part);
    try {
      await fetchRest(file, part, before, options, onBytes);
      break;
    } catch (error) {
      if (!(error instanceof WeightsError)) throw error;
      const canContinue = error.code === 'network' || error.code === 'truncated';
      if (!canContinue) await discard();
      attempts = (await sizeOf(part)) > before ? 1 : attempts + 1;
      if (!canContinue || attempts >= MAX_ATTEMPTS) throw error;
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
  const response = await request(url, { ...options, headers });
  const range = parseContentRange(response.headers.get('content-range'));
  let begin = 0;
  if (response.status === 206 && have > 0) begin = have;
  else if (response.status !== 200) {
    response.cancel();
    // The part is longer than the file, so it is of another one.
    if (response.status === 416) throw new WeightsError('changed', `${url} ends before byte ${have}.`);
    throw statusError(url, response.status);
  }
  if (begin > 0 && (range?.begin !== begin || (size !== undefined && range.total !== size))) {
    response.cancel();
    throw new WeightsError('changed', `${url} sent other bytes than the requested ones from ${begin} on.`);
  }
  const announced = range?.total ?? (Number(response.headers.get('content-length') ?? Number.NaN) + begin || undefined);
  const end = size ?? announced;
  const handle = await open(part, begin > 0 ? 'r+' : 'w');
  try {
    let done = begin;
    for await (const bytes of response.body()) {
      if (end !== undefined && done + bytes.length > end) {
        throw new WeightsError('tooLong', `${url} sent more than its ${end} bytes.`);
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
  if (file.size === undefined || (await sizeOf(path)) !== file.size) return false;
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
