/**
 * One model, from the files of a Hugging Face style folder wherever they are: `config.json`, `generation_config.json`
 * (if there is one), `tokenizer.json`, `model.safetensors` or its shards, and `sotto.msgpack` as a quick way past the JSON.
 * Everything is checked when it is opened; tensors are read when they are asked for.
 */
import { SottoError, WeightsError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import type { ModelDimensions } from '../model/dims.ts';
import type { TensorData } from '../model/tensorData.ts';
import { type TensorSpecs, tensorSpecs } from '../model/tensorSpec.ts';
import type { TokenizerData } from '../text/tokenizerData.ts';
import { type GenerationFacts, readConfig } from './config.ts';
import { type Derived, SIDE_FILE, type SideFile, stampOf, unpackSideFile } from './sideFile.ts';
import { decodeUtf8, type OpenSource, readSmall, type WeightSource } from './source.ts';
import { closeOnError, openTensorFiles } from './tensorFiles.ts';
import type { TensorSet } from './tensorSet.ts';
import { readTokenizerJson } from './tokenizerJson.ts';

export interface ModelFiles {
  readonly dims: ModelDimensions;
  readonly isMultilingual: boolean;
  readonly tokenizer: TokenizerData;
  readonly generation: GenerationFacts;
  /** What the weights file says about itself: source, licence. */
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
  close(): Promise<void>;
}

export const CONFIG = 'config.json';
export const GENERATION = 'generation_config.json';
export const TOKENIZER = 'tokenizer.json';

const MAX_JSON_BYTES = 2 ** 26;

/**
 * @param open opens a file of the folder by name, e.g. `openFolder(path)`, `openUrlFolder(address)`
 * @throws {WeightsError} `missingFile`, `missingTensor`, `badShape`, and what the readers of each file throw
 */
export async function openModelFiles(open: OpenSource, options: CallOptions = {}): Promise<ModelFiles> {
  const { config, tokenizer } = await readDerived(open, options);
  const set = await openTensorFiles(open, options.signal);
  if (!set) {
    throw new WeightsError('missingFile', 'The model has neither model.safetensors nor model.safetensors.index.json.', {
      hint: 'Convert other kinds of weights with "sotto convert SRC DST".',
    });
  }
  const specs = tensorSpecs(config.dims);
  const nameInSet = await closeOnError([set], async () => checkTensors(set, specs));
  return {
    dims: config.dims,
    isMultilingual: config.isMultilingual,
    generation: config.generation,
    tokenizer,
    notes: set.metadata,
    tensorNames: [...specs.keys()],
    has: (name) => specs.has(name),
    shape(name) {
      const spec = specs.get(name);
      if (spec) return spec.shape;
      throw new WeightsError('missingTensor', `A Whisper model has no tensor ${name}.`);
    },
    async tensor(name, signal) {
      return set.read(nameInSet(name), signal);
    },
    close: () => set.close(),
  };
}

/**
 * Holds a set's tensors against the model's.
 * @returns how the set calls a tensor: exports of the bare model leave out `model.`
 * @throws {WeightsError} `missingTensor`, `badShape`
 */
export function checkTensors(set: TensorSet, specs: TensorSpecs): (name: string) => string {
  const isBare =
    set.shape('model.encoder.conv1.weight') === undefined && set.shape('encoder.conv1.weight') !== undefined;
  const nameInSet = (name: string): string => (isBare ? name.replace(/^model\./, '') : name);
  for (const { name, shape } of specs.values()) {
    const found = set.shape(nameInSet(name));
    if (!found) {
      throw new WeightsError('missingTensor', `The weights have no tensor ${name}.`, {
        hint: 'Do config.json and the weights belong to the same model?',
      });
    }
    if (String(found) !== String(shape)) {
      const shapesOf = `[${found.join(', ')}], config.json asks for [${shape.join(', ')}]`;
      throw new WeightsError('badShape', `Tensor ${name} has the shape ${shapesOf}.`);
    }
  }
  return nameInSet;
}

/** From the side file if it is there and fits the files beside it, else from those. */
async function readDerived(open: OpenSource, { signal, onWarning }: CallOptions): Promise<Derived> {
  const side = await withSource(open, SIDE_FILE, signal, async (source) => {
    if (!source) return undefined;
    const bytes = await readSmall(source, MAX_JSON_BYTES, signal);
    try {
      return { ...unpackSideFile(source.name, bytes), isRemote: source.isRemote ?? false };
    } catch (error) {
      if (!(error instanceof SottoError)) throw error;
      onWarning?.({ code: error.code, message: `${error.message} The JSON files are read instead.` });
      return undefined;
    }
  });
  // To compare it with megabytes fetched over a network would cost what it saves.
  if (side?.isRemote) return side;
  return readJsonFiles(open, { signal, onWarning }, side);
}

/**
 * Reads the three JSON files, or no more than their bytes when `side` was derived from the same.
 * @returns with `stamps`, from which a side file can be made
 * @throws {WeightsError} `missingFile`, and what readConfig and readTokenizerJson throw
 */
export async function readJsonFiles(
  open: OpenSource,
  { signal, onWarning }: CallOptions = {},
  side?: SideFile,
): Promise<SideFile> {
  const config = await readOptional(open, CONFIG, signal);
  const generation = await readOptional(open, GENERATION, signal);
  const tokenizer = await readOptional(open, TOKENIZER, signal);
  if (!config || !tokenizer) throw new WeightsError('missingFile', `The model has no ${config ? TOKENIZER : CONFIG}.`);
  const files = { [CONFIG]: config, ...(generation && { [GENERATION]: generation }), [TOKENIZER]: tokenizer };
  const stamps = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, stampOf(file.bytes)]));
  if (side) {
    if (JSON.stringify(side.stamps) === JSON.stringify(stamps)) return side;
    onWarning?.({
      code: 'staleSideFile',
      message: `${SIDE_FILE} is older than the JSON files, which are read instead.`,
    });
  }
  const textOf = (file: { readonly name: string; readonly bytes: Uint8Array }): { name: string; text: string } => ({
    name: file.name,
    text: decodeUtf8(file.name, file.bytes),
  });
  const parsed = readConfig(textOf(config), generation && textOf(generation));
  const { name, text } = textOf(tokenizer);
  return { config: parsed, tokenizer: readTokenizerJson(name, text, parsed.dims.nVocab), stamps };
}

async function readOptional(
  open: OpenSource,
  file: string,
  signal?: AbortSignal,
): Promise<{ readonly name: string; readonly bytes: Uint8Array<ArrayBuffer> } | undefined> {
  return withSource(open, file, signal, async (source) => {
    return source && { name: source.name, bytes: await readSmall(source, MAX_JSON_BYTES, signal) };
  });
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
