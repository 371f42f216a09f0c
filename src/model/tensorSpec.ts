/**
 * What each tensor of a Whisper model is: its name in Hugging Face's files, its shape, its role. In the order in which a run
 * first uses them (encoder, then decoder). Loading, its progress, the check of files, `convert` and memory estimates all
 * follow from this table. The output matrix is tied to the token embedding and has no name of its own.
 */
import { type DType, elementCount, storageBytes, type WeightType } from '../engine/dtype.ts';
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

export type TensorSpecs = ReadonlyMap<string, TensorSpec>;

export function tensorSpecs(dims: ModelDimensions): TensorSpecs {
  const specs = new Map<string, TensorSpec>();
  const add = (role: TensorRole, name: string, ...shape: readonly number[]): void => {
    specs.set(name, { name, shape, role });
  };
  const norm = (name: string, n: number): void => {
    add('vector', `${name}.weight`, n);
    add('vector', `${name}.bias`, n);
  };
  const affine = (role: 'matrix' | 'convolution', name: string, out: number, ...rest: readonly number[]): void => {
    add(role, `${name}.weight`, out, ...rest);
    add('vector', `${name}.bias`, out);
  };
  const attention = (name: string, n: number, nSource: number): void => {
    norm(`${name}_layer_norm`, n);
    affine('matrix', `${name}.q_proj`, n, n);
    add('matrix', `${name}.k_proj.weight`, n, nSource); // Whisper's keys have no bias
    affine('matrix', `${name}.v_proj`, n, nSource);
    affine('matrix', `${name}.out_proj`, n, n);
  };
  const mlp = (layer: string, n: number): void => {
    norm(`${layer}.final_layer_norm`, n);
    affine('matrix', `${layer}.fc1`, 4 * n, n);
    affine('matrix', `${layer}.fc2`, n, 4 * n);
  };
  const audio = dims.nAudioState;
  affine('convolution', 'model.encoder.conv1', audio, dims.nMels, 3);
  affine('convolution', 'model.encoder.conv2', audio, audio, 3);
  add('positions', 'model.encoder.embed_positions.weight', dims.nAudioCtx, audio);
  for (let i = 0; i < dims.nAudioLayer; i++) {
    attention(`model.encoder.layers.${i}.self_attn`, audio, audio);
    mlp(`model.encoder.layers.${i}`, audio);
  }
  norm('model.encoder.layer_norm', audio);
  const text = dims.nTextState;
  add('embedding', 'model.decoder.embed_tokens.weight', dims.nVocab, text);
  add('positions', 'model.decoder.embed_positions.weight', dims.nTextCtx, text);
  for (let i = 0; i < dims.nTextLayer; i++) {
    attention(`model.decoder.layers.${i}.self_attn`, text, text);
    attention(`model.decoder.layers.${i}.encoder_attn`, text, audio);
    mlp(`model.decoder.layers.${i}`, text);
  }
  norm('model.decoder.layer_norm', text);
  return specs;
}

/** Is it one that a weight type other than f32 may hold? */
export function isWeightMatrix({ role }: TensorSpec): boolean {
  return role !== 'positions' && role !== 'vector';
}

/**
 * Bytes of a model's weights in memory, without the zeros that fill up panels.
 *
 * @param dtype of the weight matrices
 */
export function weightBytes(dims: ModelDimensions, dtype: WeightType): number {
  let bytes = 0;
  for (const spec of tensorSpecs(dims).values()) {
    const [rows = 1] = spec.shape;
    const stored: DType = isWeightMatrix(spec) ? dtype : 'f32';
    // As panels one output wide: elements, and the scales of each output.
    bytes += storageBytes(stored, [rows, elementCount(spec.shape) / rows, 1]);
  }
  return bytes;
}
