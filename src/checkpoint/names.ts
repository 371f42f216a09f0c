/**
 * The tensors of a Whisper model: Hugging Face's names with the shapes that follow from the dimensions, in the order in
 * which they are first used (encoder, then decoder). The output projection is tied to the token embedding, without a name.
 */
import type { ModelDimensions } from '../model/dims.ts';

export type TensorShapes = ReadonlyMap<string, readonly number[]>;

export function tensorShapes(dims: ModelDimensions): TensorShapes {
  const shapes = new Map<string, readonly number[]>();
  const affine = (name: string, out: number, ...rest: readonly number[]): void => {
    shapes.set(`${name}.weight`, [out, ...rest]);
    shapes.set(`${name}.bias`, [out]);
  };
  const attention = (name: string, n: number): void => {
    affine(`${name}_layer_norm`, n);
    affine(`${name}.q_proj`, n, n);
    shapes.set(`${name}.k_proj.weight`, [n, n]); // Whisper's keys have no bias
    affine(`${name}.v_proj`, n, n);
    affine(`${name}.out_proj`, n, n);
  };
  const mlp = (layer: string, n: number): void => {
    affine(`${layer}.final_layer_norm`, n);
    affine(`${layer}.fc1`, 4 * n, n);
    affine(`${layer}.fc2`, n, 4 * n);
  };
  const audio = dims.nAudioState;
  affine('model.encoder.conv1', audio, dims.nMels, 3);
  affine('model.encoder.conv2', audio, audio, 3);
  shapes.set('model.encoder.embed_positions.weight', [dims.nAudioCtx, audio]);
  for (let i = 0; i < dims.nAudioLayer; i++) {
    attention(`model.encoder.layers.${i}.self_attn`, audio);
    mlp(`model.encoder.layers.${i}`, audio);
  }
  affine('model.encoder.layer_norm', audio);
  const text = dims.nTextState;
  shapes.set('model.decoder.embed_tokens.weight', [dims.nVocab, text]);
  shapes.set('model.decoder.embed_positions.weight', [dims.nTextCtx, text]);
  for (let i = 0; i < dims.nTextLayer; i++) {
    attention(`model.decoder.layers.${i}.self_attn`, text);
    attention(`model.decoder.layers.${i}.encoder_attn`, text);
    mlp(`model.decoder.layers.${i}`, text);
  }
  affine('model.decoder.layer_norm', text);
  return shapes;
}
