/**
 * Models from the Hugging Face hub, or a mirror of it: `ENDPOINT/OWNER/REPO/resolve/COMMIT/FILE`. All files are of one
 * commit; they are downloaded to a folder next to the model's, which is renamed when it is complete and verified.
 */
import { readdir, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WeightsError } from '../src/base/errors.ts';
import type { FetchOptions } from '../src/base/http.ts';
import type { CallOptions } from '../src/base/progress.ts';
import { CONFIG, GENERATION, TOKENIZER } from '../src/checkpoint/fileNames.ts';
import { JSON_CACHE } from '../src/checkpoint/jsonCache.ts';
import { openModelFiles, readJsonFiles } from '../src/checkpoint/modelFiles.ts';
import { HUB, hubAddress } from '../src/checkpoint/modelNames.ts';
import { closeOnError, INDEX, readIndex } from '../src/checkpoint/tensorFiles.ts';
import { proxyFetch } from '../src/runtime/nodeProxy.ts';
import { checkFree, EXTRA_FILES, makeModel } from './convert.ts';
import { askFile, download, type RemoteFile } from './download.ts';
import { variable } from './environment.ts';
import { fileSource, openFolder } from './fileSource.ts';
import { checkRoom, fileError, makeFolder } from './folders.ts';
import { packJsonCache } from './packJsonCache.ts';

export interface HubOptions extends CallOptions {
  /** `https://huggingface.co` when absent. */
  readonly endpoint?: string | undefined;
  /** Access token for private and gated models; sent to the endpoint alone. */
  readonly token?: string | undefined;
  /** Milliseconds without a byte after which a request fails. */
  readonly stallMs?: number | undefined;
  /** Milliseconds before what failed in passing is tried again; 1 s when absent. */
  readonly pauseMs?: number | undefined;
  /** Told what is to be fetched before any of it is. */
  readonly onPlan?: ((plan: FetchPlan) => void) | undefined;
}

export interface FetchPlan {
  readonly repo: string;
  /** The hub's address. */
  readonly endpoint: string;
  /** Of the repository, where the server states it. */
  readonly commit: string | undefined;
  readonly files: number;
  /** Of all files whose size the server states. */
  readonly bytes: number;
  /** Of these, what an earlier attempt has left. */
  readonly haveBytes: number;
  /** The folder they come to. */
  readonly place: string;
}

/** How to do without a network here: for the hint of an error. */
export function byHand(repo: string, endpoint: string, place: string): string {
  const files = [CONFIG, GENERATION, TOKENIZER, 'model.safetensors'].join(', ');
  return `Without a network: fetch ${files} from ${hubAddress(repo, endpoint)} on another machine and put them into ${place}.`;
}

const ONNX_KINDS = ['', '_quantized'].map((suffix) => [
  `onnx/encoder_model${suffix}.onnx`,
  `onnx/decoder_model_merged${suffix}.onnx`,
]);

/**
 * Downloads `repo` (`owner/name`) to the folder `place`.
 *
 * @throws {WeightsError} `notFound`, `forbidden`, `network`, `webPage`, `truncated`, `tooLong`, `changed`, `badHash`,
 *   `noSpace`, and what reading the model throws; the signal's reason. After an error `place` is unchanged; what has arrived
 *   is kept in `PLACE.download` for the next call.
 */
export async function fetchModel(repo: string, place: string, options: HubOptions = {}): Promise<void> {
  const { token, signal, stallMs, pauseMs } = options;
  const endpoint = checkEndpoint(options.endpoint ?? HUB);
  const http: FetchOptions = {
    signal,
    stallMs,
    pauseMs,
    fetch: proxyFetch(variable),
    ...(token && { headers: { authorization: `Bearer ${token}` } }),
  };
  const folder = `${place}.download`;
  try {
    await checkFree(place);
    await makeFolder(folder);
    const repository = new Repository(`${endpoint}/${repo}`, http);
    const { files, isOnnx } = await listFiles(repository, folder, http);
    const bytes = [...files.values()].reduce((sum, { size = 0 }) => sum + size, 0);
    const haveBytes = Math.min(bytes, await bytesIn(folder));
    const { commit } = repository;
    options.onPlan?.({ repo, endpoint, commit, files: files.size, bytes, haveBytes, place });
    await checkRoom(folder, bytes - haveBytes);
    await downloadAll(files, folder, http, options);
    if (isOnnx) {
      await makeModel({ path: folder, kind: 'onnx' }, place, {
        ...options,
        notes: { source: `${repo} (Hugging Face)` },
      });
      await rm(folder, { recursive: true, force: true });
    } else {
      await finish(folder, new Set(files.keys()), place, options);
    }
  } catch (error) {
    await rmdir(folder).catch(() => {}); // nothing has come
    throw fileError(error, place);
  }
}

/** @throws {WeightsError} `network` unless it is an address without a user in it, which no `fetch` takes */
export function checkEndpoint(endpoint: string): string {
  if (/^https?:\/\/[^@\s]+$/i.test(endpoint)) return endpoint.replace(/\/+$/, '');
  throw new WeightsError('network', `HF_ENDPOINT is ${JSON.stringify(endpoint.slice(0, 100))}, which is no address.`, {
    hint: 'It is that of a mirror of the Hugging Face hub, with https:// and without a user; a token is HF_TOKEN.',
  });
}

type RemoteFiles = Map<string, RemoteFile>;

/** What the repository has of what is needed. The index of a model in several files is fetched for that. */
async function listFiles(
  repository: Repository,
  folder: string,
  http: FetchOptions,
): Promise<{ readonly files: RemoteFiles; readonly isOnnx: boolean }> {
  const files: RemoteFiles = new Map([[CONFIG, await repository.require(CONFIG)]]);
  const add = async (name: string): Promise<RemoteFile | undefined> => {
    const file = await repository.find(name);
    if (file) files.set(name, file);
    return file;
  };
  files.set(TOKENIZER, await repository.require(TOKENIZER));
  const optional = [GENERATION, ...EXTRA_FILES, 'README.md'];
  const found = await Promise.all(optional.map((name) => repository.find(name)));
  found.forEach((file, i) => {
    if (file) files.set(optional[i]!, file);
  });
  if (await add('model.safetensors')) return { files, isOnnx: false };
  const index = await add(INDEX);
  if (!index) return { files, isOnnx: await addOnnx(add, files) };
  await download(index, join(folder, INDEX), http, () => {});
  for (const shard of await readShards(join(folder, INDEX))) files.set(shard, await repository.require(shard));
  return { files, isOnnx: false };
}

async function downloadAll(
  files: RemoteFiles,
  folder: string,
  http: FetchOptions,
  { onProgress }: HubOptions,
): Promise<void> {
  const total = [...files.values()].reduce((sum, { size = 0 }) => sum + size, 0);
  let before = 0;
  for (const [name, file] of files) {
    await download(file, join(folder, name), http, (done) => {
      const sum = before + done;
      onProgress?.({ stage: 'fetch', done: sum, total: Math.max(total, sum), unit: 'bytes', item: name });
    });
    before += file.size ?? 0;
  }
}

/** Of the files in a folder and those below it, whole or in part. */
async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? await bytesIn(path) : (await stat(path)).size;
  }
  return bytes;
}

/** Opens the model as a check, writes the cache of its JSON, and moves it to its place. */
async function finish(folder: string, names: ReadonlySet<string>, place: string, options: CallOptions): Promise<void> {
  const { signal } = options;
  // An earlier attempt may have left files of another commit.
  for (const name of await readdir(folder)) if (!names.has(name)) await rm(join(folder, name), { recursive: true });
  try {
    const model = await openModelFiles(openFolder(folder), { signal });
    await model.close();
    await writeFile(join(folder, JSON_CACHE), packJsonCache(await readJsonFiles(openFolder(folder), { signal })));
  } catch (error) {
    // Complete and with the right hash, but not a valid model: keeping it would only repeat the error.
    if (error instanceof WeightsError) await rm(folder, { recursive: true, force: true });
    throw error;
  }
  await rmdir(place).catch(() => {}); // an empty folder, which some systems do not rename over
  await rename(folder, place);
}

class Repository {
  readonly #base: string;
  readonly #http: FetchOptions;
  /** Of the first response, so that all files are of the same one. */
  commit: string | undefined;

  constructor(base: string, http: FetchOptions) {
    this.#base = base;
    this.#http = http;
  }

  /** @returns undefined if the repository has no such file */
  async find(name: string): Promise<RemoteFile | undefined> {
    try {
      return await this.require(name);
    } catch (error) {
      // The real hub says 404; some mirrors have a page for it.
      if (error instanceof WeightsError && (error.code === 'notFound' || error.code === 'webPage')) return undefined;
      throw error;
    }
  }

  /** @throws {WeightsError} `notFound`, `forbidden`, `network` */
  async require(name: string): Promise<RemoteFile> {
    const file = await askFile(this.#url(name), this.#http);
    if (file.commit && /^[0-9a-f]{40}$/.test(file.commit)) this.commit = file.commit;
    return { ...file, url: this.#url(name) };
  }

  #url(name: string): string {
    return `${this.#base}/resolve/${this.commit ?? 'main'}/${name}`;
  }
}

async function readShards(path: string): Promise<ReadonlySet<string>> {
  const source = await fileSource(path);
  if (!source) throw new WeightsError('file', `${path} does not exist any more.`);
  const files = await closeOnError([source], () => readIndex(source));
  await source.close?.();
  if (files.size === 0) throw new WeightsError('badIndex', `${path} lists no safetensors files.`);
  return new Set(files.values());
}

/** The files of a transformers.js repository: f32 if it has them, else q8. */
async function addOnnx(add: (name: string) => Promise<unknown>, files: Map<string, RemoteFile>): Promise<true> {
  for (const pair of ONNX_KINDS) {
    const found = await Promise.all(pair.map(add));
    if (!found.every(Boolean)) {
      for (const name of pair) files.delete(name);
      continue;
    }
    for (const name of pair) await add(`${name}_data`); // weights beyond 2 GiB are in a separate file
    return true;
  }
  throw new WeightsError(
    'notFound',
    'The repository has neither model.safetensors nor ONNX files of a merged decoder.',
    {
      hint: 'sotto reads safetensors and transformers.js exports; PyTorch files must be converted first.',
    },
  );
}
