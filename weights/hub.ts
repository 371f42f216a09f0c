/**
 * Models from the Hugging Face hub, or a mirror of it: `ENDPOINT/OWNER/REPO/resolve/COMMIT/FILE`. All files come from one
 * commit into a folder beside the model's place, which is renamed when everything is there and checked.
 */
import { readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WeightsError } from '../src/base/errors.ts';
import type { CallOptions } from '../src/base/progress.ts';
import type { FetchOptions } from '../src/checkpoint/http.ts';
import { JSON_CACHE } from '../src/checkpoint/jsonCache.ts';
import { CONFIG, GENERATION, openModelFiles, readJsonFiles, TOKENIZER } from '../src/checkpoint/modelFiles.ts';
import { readText } from '../src/checkpoint/source.ts';
import { isObject, parseJsonObject } from '../src/checkpoint/strictJson.ts';
import { checkFree, convert, fileError } from './convert.ts';
import { askFile, download, type RemoteFile } from './download.ts';
import { fileSource, openFolder } from './fileSource.ts';
import { packJsonCache } from './packJsonCache.ts';

export interface HubOptions extends CallOptions {
  /** `https://huggingface.co` when absent. */
  readonly endpoint?: string | undefined;
  /** Access token for private and gated models; sent to the endpoint only. */
  readonly token?: string | undefined;
  /** Milliseconds of silence after which a server is given up. */
  readonly stallMs?: number | undefined;
}

const INDEX = 'model.safetensors.index.json';
/** For other tools that are given the folder. */
const ALONG = [
  'preprocessor_config.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'normalizer.json',
  'README.md',
];
const ONNX_KINDS = ['', '_quantized'].map((suffix) => [
  `onnx/encoder_model${suffix}.onnx`,
  `onnx/decoder_model_merged${suffix}.onnx`,
]);

/**
 * Fetches `repo` (`owner/name`) and puts its model at `place`.
 *
 * @throws {WeightsError} `notFound`, `forbidden`, `network`, `truncated`, `tooLong`, `changed`, `badHash`, and what reading the
 *   model throws; the signal's reason. `place` then stays as it was; what came is kept in `PLACE.download` for the next try.
 */
export async function fetchModel(repo: string, place: string, options: HubOptions = {}): Promise<void> {
  const { endpoint = 'https://huggingface.co', token, signal, stallMs, onProgress } = options;
  const folder = `${place}.download`;
  await checkFree(place);
  const http: FetchOptions = {
    signal,
    stallMs,
    ...(token && { headers: { authorization: `Bearer ${token}` } }),
  };
  const hub = new Repository(`${endpoint.replace(/\/+$/, '')}/${repo}`, http);
  const config = await hub.need(CONFIG);
  const files = new Map([[CONFIG, config]]);
  const add = async (name: string): Promise<boolean> => {
    const file = await hub.ask(name);
    if (file) files.set(name, file);
    return file !== undefined;
  };
  files.set(TOKENIZER, await hub.need(TOKENIZER));
  const optional = [GENERATION, ...ALONG];
  const found = await Promise.all(optional.map((name) => hub.ask(name)));
  found.forEach((file, i) => {
    if (file) files.set(optional[i]!, file);
  });
  let isOnnx = false;
  if (!(await add('model.safetensors'))) {
    if (await add(INDEX)) {
      await download(files.get(INDEX)!, join(folder, INDEX), http, () => {}); // added the line before
      for (const shard of await readShards(join(folder, INDEX))) files.set(shard, await hub.need(shard));
    } else {
      isOnnx = await addOnnx(add, files);
    }
  }
  const total = [...files.values()].reduce((sum, { size = 0 }) => sum + size, 0);
  let before = 0;
  try {
    for (const [name, file] of files) {
      await download(file, join(folder, name), http, (done) => {
        const sum = before + done;
        onProgress?.({ stage: 'fetch', done: sum, total: Math.max(total, sum), unit: 'bytes', item: name });
      });
      before += file.size ?? 0;
    }
    if (isOnnx) {
      await convert(folder, place, { ...options, notes: { source: `${repo} (Hugging Face)` } });
      await rm(folder, { recursive: true, force: true });
    } else {
      await finish(folder, new Set(files.keys()), place, options);
    }
  } catch (error) {
    throw fileError(error, place);
  }
}

/** Opens what came as a run would, derives the side file, and moves it to its place. */
async function finish(folder: string, names: ReadonlySet<string>, place: string, options: CallOptions): Promise<void> {
  const { signal } = options;
  // An earlier try may have left files of another commit.
  for (const name of await readdir(folder)) if (!names.has(name)) await rm(join(folder, name), { recursive: true });
  try {
    const model = await openModelFiles(openFolder(folder), { signal });
    await model.close();
    await writeFile(join(folder, JSON_CACHE), packJsonCache(await readJsonFiles(openFolder(folder), { signal })));
  } catch (error) {
    // Whole and with the right hash, yet no model of ours: to keep it would only repeat the error.
    if (error instanceof WeightsError) await rm(folder, { recursive: true, force: true });
    throw error;
  }
  await rmdir(place).catch(() => {}); // an empty one, which some systems do not rename over
  await rename(folder, place);
}

class Repository {
  readonly #base: string;
  readonly #http: FetchOptions;
  /** The first answer's commit, so that all files belong together. */
  #revision = 'main';

  constructor(base: string, http: FetchOptions) {
    this.#base = base;
    this.#http = http;
  }

  /** undefined when the repository has no such file. */
  async ask(name: string): Promise<RemoteFile | undefined> {
    try {
      return await this.need(name);
    } catch (error) {
      if (error instanceof WeightsError && error.code === 'notFound') return undefined;
      throw error;
    }
  }

  async need(name: string): Promise<RemoteFile> {
    const file = await askFile(this.#url(name), this.#http);
    if (file.commit && /^[0-9a-f]{40}$/.test(file.commit)) this.#revision = file.commit;
    return { ...file, url: this.#url(name) };
  }

  #url(name: string): string {
    return `${this.#base}/resolve/${this.#revision}/${name}`;
  }
}

async function readShards(path: string): Promise<ReadonlySet<string>> {
  const source = await fileSource(path);
  if (!source) throw new WeightsError('file', `${path} vanished.`);
  const map = parseJsonObject(path, await readText(source, 2 ** 24)).weight_map;
  await source.close?.();
  const shards = new Set(isObject(map) ? Object.values(map) : []);
  const isName = (name: unknown): name is string =>
    typeof name === 'string' && /^[\w-][\w.-]*\.safetensors$/.test(name);
  const names = [...shards].filter(isName);
  if (names.length === shards.size && names.length > 0) return new Set(names);
  throw new WeightsError('badIndex', `${path} does not list safetensors files.`);
}

/** A transformers.js repository: f32 if it has that, else q8. */
async function addOnnx(add: (name: string) => Promise<boolean>, files: Map<string, RemoteFile>): Promise<true> {
  for (const pair of ONNX_KINDS) {
    const found = await Promise.all(pair.map(add));
    if (!found.every(Boolean)) {
      for (const name of pair) files.delete(name);
      continue;
    }
    for (const name of pair) await add(`${name}_data`); // weights beyond 2 GiB stand beside
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
