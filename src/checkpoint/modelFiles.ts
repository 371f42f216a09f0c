/**
 * A model from the files of a folder in Hugging Face's layout, wherever it is: `config.json`, `generation_config.json` (if
 * there is one), `tokenizer.json`, `model.safetensors` or its shards, and `sotto.msgpack`, which replaces parsing the JSON.
 * Everything is checked when the model is opened; tensors are read when they are asked for.
 */
import { WeightsError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import type { ModelDimensions } from '../model/dims.ts';
import type { StoredType, TensorData, TensorReader } from '../model/tensorData.ts';
import { listTensors, type TensorSpec, tensorSpecs } from '../model/tensorSpec.ts';
import type { TokenizerData } from '../text/tokenizerData.ts';
import type { GenerationFacts } from './config.ts';
import { CONFIG, GENERATION, TOKENIZER } from './fileNames.ts';
import { checkInt8, partsOf, readRows, readValues, valuesOf } from './int8Tensors.ts';
import { checksumOf, checksumOfSource, JSON_CACHE, type JsonCache, type ParsedJson } from './jsonCache.ts';
import { checkSmall, decodeUtf8, type OpenSource, readSmall, type WeightSource } from './source.ts';
import { closeOnError, openTensorFiles } from './tensorFiles.ts';
import type { TensorSet } from './tensorSet.ts';

export interface ModelFiles {
  readonly dims: ModelDimensions;
  readonly isMultilingual: boolean;
  readonly tokenizer: TokenizerData;
  readonly generation: GenerationFacts;
  /** The metadata of the weights file: source, licence. */
  readonly notes: Readonly<Record<string, string>>;
  /** Hugging Face's names, in the order of use. */
  readonly tensorNames: readonly string[];
  has(name: string): boolean;
  /** @throws {WeightsError} `missingTensor` */
  shape(name: string): readonly number[];
  /**
   * Row-major elements of one tensor, f16 where the file has it, else f32; the caller owns them.
   * @throws {WeightsError} `missingTensor`, and what reading it throws
   */
  tensor(name: string, signal?: AbortSignal): Promise<TensorData>;
  /** How the file has it. */
  dtype(name: string): StoredType;
  /**
   * The same in order, in pieces; one is the files' again when the next is asked for.
   * @throws {WeightsError} as `tensor`
   */
  pieces(name: string, signal?: AbortSignal): AsyncIterable<TensorData>;
  readonly int8: NonNullable<TensorReader['int8']>;
  close(): Promise<void>;
}

const JSON_FILES = [CONFIG, GENERATION, TOKENIZER] as const;

/** The longest of a published model, tokenizer.json, has 4 MB, the others some kB. Parsed, JSON can take many times its bytes. */
const MAX_TOKENIZER_BYTES = 2 ** 23;
const MAX_CONFIG_BYTES = 2 ** 20;
/** Of large-v3 it has 360 kB. */
const MAX_CACHE_BYTES = 2 ** 21;
/** What the cache of the JSON files may be without harm. */
const DAMAGED: ReadonlySet<string> = new Set(['badSideFile', 'badConfig', 'badTokenizer', 'tooLarge']);

/**
 * @param open opens a file of the folder by name, e.g. `openFolder(path)`, `openUrlFolder(address)`
 * @throws {WeightsError} `missingFile`, `missingTensor`, `badShape`, and what the readers of each file throw
 */
export async function openModelFiles(open: OpenSource, options: CallOptions = {}): Promise<ModelFiles> {
  const { config, tokenizer } = await readParsedJson(open, options);
  const set = await openTensorFiles(open, options.signal);
  if (!set) {
    throw missing(open, 'neither model.safetensors nor model.safetensors.index.json');
  }
  const nameInSet = await closeOnError([set], async () => checkTensors(set, config.dims));
  const specs = tensorSpecs(config.dims);
  set.plan?.([...specs.keys()].map(nameInSet).flatMap((name) => partsOf(set, name)));
  const specOf = (name: string): TensorSpec => {
    const spec = specs.get(name);
    if (spec) return spec;
    throw new WeightsError('missingTensor', `A Whisper model has no tensor ${name}.`);
  };
  let closed: Promise<void> | undefined;
  return {
    dims: config.dims,
    isMultilingual: config.isMultilingual,
    generation: config.generation,
    tokenizer,
    notes: set.metadata,
    tensorNames: [...specs.keys()],
    has: (name) => specs.has(name),
    shape: (name) => specOf(name).shape,
    tensor: async (name, signal) => readValues(set, nameInSet(name), specOf(name), signal),
    dtype: (name) => STORED[set.dtype(nameInSet(name)) ?? ''] ?? 'f32',
    pieces: (name, signal) => valuesOf(set, nameInSet(name), specOf(name), signal),
    int8: {
      rows: (name, signal) => readRows(set, nameInSet(name), signal),
      pieces: (name, signal) => set.pieces(nameInSet(name), signal),
    },
    close() {
      closed ??= set.close();
      return closed;
    },
  };
}

/** Types that `TensorSet.read` gives values of. */
const READABLE: ReadonlySet<string | undefined> = new Set(['F32', 'F16', 'BF16', 'I8', 'q8']);
/** What the types of a file are in memory, where it is not f32. */
const STORED: Readonly<Record<string, StoredType>> = { F16: 'f16', I8: 'int8' };

/**
 * Checks a set's tensors against the shapes that a configuration claims, which are so far only claims: no list of them is
 * made before each has been found.
 *
 * @returns the name of a tensor in the set: exports of the bare model leave out `model.`
 * @throws {WeightsError} `missingTensor`, `badShape`, `badDtype`
 */
export function checkTensors(set: TensorSet, dims: ModelDimensions): (name: string) => string {
  const isBare =
    set.shape('model.encoder.conv1.weight') === undefined && set.shape('encoder.conv1.weight') !== undefined;
  const nameInSet = (name: string): string => (isBare ? name.replace(/^model\./, '') : name);
  for (const spec of listTensors(dims)) {
    const { name, shape } = spec;
    const found = set.shape(nameInSet(name));
    if (!found) {
      throw new WeightsError('missingTensor', `The weights have no tensor ${name}.`, {
        hint: 'config.json and the weights may belong to different models.',
      });
    }
    if (found.length !== shape.length || found.some((n, i) => n !== shape[i])) {
      const given = found.length <= 8 ? `the shape [${found.join(', ')}]` : `${found.length} dimensions`;
      throw new WeightsError('badShape', `Tensor ${name} has ${given}, config.json asks for [${shape.join(', ')}].`, {
        hint: 'config.json and the weights may belong to different models.',
      });
    }
    const dtype = set.dtype(nameInSet(name));
    if (!READABLE.has(dtype)) {
      throw new WeightsError('badDtype', `Tensor ${name} has the dtype ${dtype}; weights are F32, F16, BF16 or I8.`);
    }
    if (dtype === 'I8') checkInt8(set, nameInSet(name), spec);
  }
  return nameInSet;
}

/** From the cache if there is one that belongs to the JSON files, else from those. */
async function readParsedJson(open: OpenSource, { signal, onWarning }: CallOptions): Promise<ParsedJson> {
  const cached = await withSource(open, JSON_CACHE, signal, async (source) => {
    if (!source) return undefined;
    try {
      const bytes = await readSmall(source, MAX_CACHE_BYTES, signal);
      const { unpackJsonCache } = await import('./unpackJsonCache.ts');
      return { ...unpackJsonCache(source.name, bytes), isRemote: source.isRemote ?? false };
    } catch (error) {
      if (!(error instanceof WeightsError) || !DAMAGED.has(error.code)) throw error;
      onWarning?.({ code: error.code, message: `${error.message} The JSON files are read instead.` });
      return undefined;
    }
  });
  // Fetching megabytes of JSON over a network to compare checksums would cost what the cache saves.
  if (cached?.isRemote || (cached && (await isCurrent(cached, open, signal)))) return cached;
  if (cached) {
    onWarning?.({
      code: 'staleSideFile',
      message: `${JSON_CACHE} is older than the JSON files, which are read instead.`,
    });
  }
  return readJsonFiles(open, { signal });
}

/** Was it made from the same bytes? @throws {WeightsError} `missingFile`, `tooLarge` */
async function isCurrent({ checksums }: JsonCache, open: OpenSource, signal?: AbortSignal): Promise<boolean> {
  const found = await Promise.all(
    JSON_FILES.map((name) =>
      withSource(open, name, signal, async (source) => {
        if (!source) return [];
        checkSmall(source, mostBytes(name));
        return [[name, await checksumOfSource(source, signal)] as const];
      }),
    ),
  );
  const present = Object.fromEntries(found.flat());
  if (!(CONFIG in present && TOKENIZER in present)) throw missing(open, `no ${CONFIG in present ? TOKENIZER : CONFIG}`);
  return JSON.stringify(checksums) === JSON.stringify(present);
}

/**
 * Reads the three JSON files.
 * @returns with checksums, so that a cache can be written
 * @throws {WeightsError} `missingFile`, and what readConfig and readTokenizerJson throw
 */
export async function readJsonFiles(
  open: OpenSource,
  { signal }: Pick<CallOptions, 'signal'> = {},
): Promise<JsonCache> {
  const [config, generation, tokenizer] = await Promise.all(JSON_FILES.map((name) => readOptional(open, name, signal)));
  if (!config || !tokenizer) throw missing(open, `no ${config ? TOKENIZER : CONFIG}`);
  const files = { [CONFIG]: config, ...(generation && { [GENERATION]: generation }), [TOKENIZER]: tokenizer };
  const checksums = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, checksumOf(file.bytes)]));
  const textOf = (file: { readonly name: string; readonly bytes: Uint8Array }): { name: string; text: string } => ({
    name: file.name,
    text: decodeUtf8(file.name, file.bytes),
  });
  // Not loaded where they have been parsed before.
  const [{ readConfig }, { readTokenizerJson }] = await Promise.all([
    import('./config.ts'),
    import('./tokenizerJson.ts'),
  ]);
  const parsed = readConfig(textOf(config), generation && textOf(generation));
  const { name, text } = textOf(tokenizer);
  return { config: parsed, tokenizer: readTokenizerJson(name, text, parsed.dims.nVocab), checksums };
}

function missing({ place }: OpenSource, what: string): WeightsError {
  const isAddress = /^https?:/i.test(place ?? '');
  return new WeightsError('missingFile', `${place ?? 'The model'} has ${what}.`, {
    hint: isAddress
      ? 'Give the address of a folder with config.json, tokenizer.json and model.safetensors; a repository of the hub has it at https://huggingface.co/OWNER/NAME/resolve/main/.'
      : 'A model folder has config.json, tokenizer.json and model.safetensors; "sotto convert SRC DST" makes one of other kinds of weights.',
  });
}

async function readOptional(
  open: OpenSource,
  file: string,
  signal?: AbortSignal,
): Promise<{ readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> } | undefined> {
  return withSource(open, file, signal, async (source) => {
    return source && { name: source.name, bytes: await readSmall(source, mostBytes(file), signal) };
  });
}

function mostBytes(file: string): number {
  return file === TOKENIZER ? MAX_TOKENIZER_BYTES : MAX_CONFIG_BYTES;
}

async function withSource<T>(
  open: OpenSource,
  file: string,
  signal: AbortSignal | undefined,
  use: (source: WeightSource | undefined) => Promise<T>,
): Promise<T> {
  const source = await open(file, signal);
  try {
    return await use(source);
  } finally {
    await source?.close?.();
  }
}
