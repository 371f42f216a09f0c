/**
 * What each tensor of a Whisper model is: its name in Hugging Face's files, its shape, its role. In the order in which a run
 * first uses them (encoder, then decoder). Loading, its progress, the check of files, `convert` and memory estimates all
 * follow from this table. The output matrix is tied to the token embedding and has no name of its own.
 */
import { elementCount, storageBytes, storageType, type WeightType } from '../engine/dtype.ts';
import type { ModelDimensions } from './dims.ts';

/**
 * `matrix` [out, in], `convolution` [out, in, taps] and `embedding` [nVocab, nTextState] are read by matrix products and may
 * be stored in any weight type; `positions` [nCtx, nState] and `vector` [n] (biases, layer norms) are f32.
 */
export type TensorRole = 'matrix' | 'convolution' | 'embedding' | 'positions' | 'vector';

export interface TensorSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly role: TensorRole;
}

/** The largest matrix, and the one that each token reads whole. */
export const TOKEN_EMBEDDING = 'model.decoder.embed_tokens.weight';

export type TensorSpecs = ReadonlyMap<string, TensorSpec>;

export function tensorSpecs(dims: ModelDimensions): TensorSpecs {
  return new Map(Array.from(listTensors(dims), (spec) => [spec.name, spec]));
}

/** One by one: who checks a file stops at the first tensor that it lacks, however many layers its sizes claim. */
export function* listTensors(dims: ModelDimensions): Specs {
  const audio = dims.nAudioState;
  yield* affine('convolution', 'model.encoder.conv1', audio, dims.nMels, 3);
  yield* affine('convolution', 'model.encoder.conv2', audio, audio, 3);
  yield spec('positions', 'model.encoder.embed_positions.weight', dims.nAudioCtx, audio);
  for (let i = 0; i < dims.nAudioLayer; i++) {
    yield* attention(`model.encoder.layers.${i}.self_attn`, audio, audio);
    yield* mlp(`model.encoder.layers.${i}`, audio);
  }
  yield* norm('model.encoder.layer_norm', audio);
  const text = dims.nTextState;
  yield spec('embedding', TOKEN_EMBEDDING, dims.nVocab, text);
  yield spec('positions', 'model.decoder.embed_positions.weight', dims.nTextCtx, text);
  for (let i = 0; i < dims.nTextLayer; i++) {
    yield* attention(`model.decoder.layers.${i}.self_attn`, text, text);
    yield* attention(`model.decoder.layers.${i}.encoder_attn`, text, audio);
    yield* mlp(`model.decoder.layers.${i}`, text);
  }
  yield* norm('model.decoder.layer_norm', text);
}

type Specs = Generator<TensorSpec, void, undefined>;

function spec(role: TensorRole, name: string, ...shape: readonly number[]): TensorSpec {
  return { name, shape, role };
}

function* norm(name: string, n: number): Specs {
  yield spec('vector', `${name}.weight`, n);
  yield spec('vector', `${name}.bias`, n);
}

function* affine(role: 'matrix' | 'convolution', name: string, out: number, ...rest: readonly number[]): Specs {
  yield spec(role, `${name}.weight`, out, ...rest);
  yield spec('vector', `${name}.bias`, out);
}

function* attention(name: string, n: number, nSource: number): Specs {
  yield* norm(`${name}_layer_norm`, n);
  yield* affine('matrix', `${name}.q_proj`, n, n);
  yield spec('matrix', `${name}.k_proj.weight`, n, nSource); // Whisper's keys have no bias
  yield* affine('matrix', `${name}.v_proj`, n, nSource);
  yield* affine('matrix', `${name}.out_proj`, n, n);
}

function* mlp(layer: string, n: number): Specs {
  yield* norm(`${layer}.final_layer_norm`, n);
  yield* affine('matrix', `${layer}.fc1`, 4 * n, n);
  yield* affine('matrix', `${layer}.fc2`, n, 4 * n);
}

/** Is it one that a weight type other than f32 may hold? */
export function isWeightMatrix({ role }: TensorSpec): boolean {
  return role !== 'positions' && role !== 'vector';
}

/**
 * How a tensor is stored where the weights are to be of a type: int8 is for what is multiplied most. Convolutions are a
 * hundredth of a model, and the first to be computed: their errors go through everything.
 */
export function storedAs(spec: TensorSpec, dtype: WeightType): WeightType {
  if (!isWeightMatrix(spec)) return 'f32';
  return spec.role === 'convolution' && storageType(dtype).scaleBlock !== undefined ? 'f32' : dtype;
}

/**
 * Bytes of a model's weights in memory, without the zeros that fill up panels.
 *
 * @param dtype of all weight matrices, or of each by its name
 */
export function weightBytes(dims: ModelDimensions, dtype: WeightType | ((name: string) => WeightType)): number {
  let bytes = 0;
  for (const spec of listTensors(dims)) {
    const [rows = 1] = spec.shape;
    const wanted = typeof dtype === 'function' ? dtype(spec.name) : dtype;
    // As panels one output wide: elements, and the scales of each output.
    bytes += storageBytes(storedAs(spec, wanted), [rows, elementCount(spec.shape) / rows, 1]);
  }
  return bytes;
}
