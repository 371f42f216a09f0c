/**
 * One model's weights on a device: read by their Hugging Face names, one tensor at a time, packed as kernels read them.
 *
 * Matrices go into panels (kernels/panels.ts); q, k and v of self-attention into one matrix, and so do the cross-attention's
 * k and v. Whisper's key projections have no bias: zeros stand in.
 */

import type { CallOptions } from '../base/progress.ts';
import type { Device } from '../engine/device.ts';
import type { Tensor } from '../engine/program.ts';
import { packPanels, panelCount } from '../kernels/matmul/panels.ts';
import type { ModelDimensions } from './dims.ts';

/** What the model reads its weights from. */
export interface TensorReader {
  /** @throws {WeightsError} when there is no such tensor, or it cannot be read */
  tensor(name: string, signal?: AbortSignal): Promise<Float32Array>;
}

export interface NormWeights {
  readonly gamma: Tensor;
  readonly beta: Tensor;
}

export interface MatrixWeights {
  readonly w: Tensor;
  readonly bias: Tensor;
}

export interface AttentionWeights {
  readonly norm: NormWeights;
  readonly qkv: MatrixWeights;
  readonly out: MatrixWeights;
}

export interface MlpWeights {
  readonly norm: NormWeights;
  readonly up: MatrixWeights;
  readonly down: MatrixWeights;
}

export interface EncoderLayerWeights {
  readonly attention: AttentionWeights;
  readonly mlp: MlpWeights;
}

export interface DecoderLayerWeights {
  readonly attention: AttentionWeights;
  readonly crossNorm: NormWeights;
  readonly crossQuery: MatrixWeights;
  /** k and v of the encoder's output, side by side. */
  readonly crossKeyValue: MatrixWeights;
  readonly crossOut: MatrixWeights;
  readonly mlp: MlpWeights;
}

/** Ids `begin` to `begin + count` of the token embedding. */
export interface EmbeddingShard {
  readonly table: Tensor;
  readonly begin: number;
  readonly count: number;
}

export interface ModelWeights {
  readonly conv1: MatrixWeights;
  readonly conv2: MatrixWeights;
  readonly encoderPositions: Tensor;
  readonly encoderLayers: readonly EncoderLayerWeights[];
  readonly encoderNorm: NormWeights;
  readonly embedding: readonly EmbeddingShard[];
  readonly decoderPositions: Tensor;
  readonly decoderLayers: readonly DecoderLayerWeights[];
  readonly decoderNorm: NormWeights;
}

/** Uploads all weights, in the order the model uses them. */
export async function loadWeights(
  device: Device,
  dims: ModelDimensions,
  reader: TensorReader,
  { signal, onProgress }: CallOptions = {},
): Promise<ModelWeights> {
  const total = 8 + 16 * dims.nAudioLayer + 26 * dims.nTextLayer;
  let done = 0;
  const read = async (name: string): Promise<Float32Array> => {
    const data = await reader.tensor(`model.${name}`, signal);
    onProgress?.({ stage: 'load', done: Math.min(++done, total), total, unit: 'tensors', item: name });
    return data;
  };
  const upload = (name: string, shape: readonly number[], data: Float32Array): Tensor => {
    const tensor = device.allocate(name, 'f32', shape, 'weights');
    device.write(tensor, data);
    return tensor;
  };
  const vector = async (name: string): Promise<Tensor> => {
    const data = await read(name);
    return upload(name, [data.length], data);
  };
  const table = async (name: string, width: number): Promise<Tensor> => {
    const data = await read(name);
    return upload(name, [data.length / width, width], data);
  };
  const panels = (name: string, k: number, parts: readonly Float32Array[]): Tensor => {
    const packed = packPanels(parts, k, device.panelWidth);
    return upload(name, [packed.length / (k * device.panelWidth), k, device.panelWidth], packed);
  };
  const norm = async (name: string): Promise<NormWeights> => ({
    gamma: await vector(`${name}.weight`),
    beta: await vector(`${name}.bias`),
  });
  /** Several projections of the same input as one matrix, e.g. q, k, v. */
  const projections = async (base: string, names: readonly string[], k: number): Promise<MatrixWeights> => {
    const parts: Float32Array[] = [];
    for (const name of names) parts.push(await read(`${base}.${name}.weight`));
    const n = parts.map((part) => part.length / k);
    const bias = new Float32Array(n.reduce((a, b) => a + b, 0));
    let at = 0;
    for (const [i, name] of names.entries()) {
      if (name !== 'k_proj') bias.set(await read(`${base}.${name}.bias`), at);
      at += n[i]!;
    }
    const title = `${base}.${names.join('+')}`;
    return { w: panels(`${title}.weight`, k, parts), bias: upload(`${title}.bias`, [bias.length], bias) };
  };
  const matrix = (base: string, name: string, k: number): Promise<MatrixWeights> => projections(base, [name], k);
  const attention = async (layer: string, nState: number): Promise<AttentionWeights> => ({
    norm: await norm(`${layer}.self_attn_layer_norm`),
    qkv: await projections(`${layer}.self_attn`, ['q_proj', 'k_proj', 'v_proj'], nState),
    out: await matrix(`${layer}.self_attn`, 'out_proj', nState),
  });
  const mlp = async (layer: string, nState: number): Promise<MlpWeights> => ({
    norm: await norm(`${layer}.final_layer_norm`),
    up: await matrix(layer, 'fc1', nState),
    down: await matrix(layer, 'fc2', 4 * nState),
  });
  /** [cOut, cIn, taps] to rows of (tap, channel), as conv1d reads them. */
  const convolution = async (name: string, cIn: number): Promise<MatrixWeights> => {
    const source = await read(`${name}.weight`);
    const bias = await vector(`${name}.bias`);
    const taps = source.length / (cIn * bias.shape[0]!);
    const rows = new Float32Array(source.length);
    for (let o = 0; o < bias.shape[0]!; o++)
      for (let c = 0; c < cIn; c++)
        for (let t = 0; t < taps; t++) rows[(o * taps + t) * cIn + c] = source[(o * cIn + c) * taps + t]!;
    return { w: panels(`${name}.weight`, taps * cIn, [rows]), bias };
  };

  const nAudioState = dims.nAudioState;
  const nTextState = dims.nTextState;
  const conv1 = await convolution('encoder.conv1', dims.nMels);
  const conv2 = await convolution('encoder.conv2', nAudioState);
  const encoderPositions = await table('encoder.embed_positions.weight', nAudioState);
  const encoderLayers: EncoderLayerWeights[] = [];
  for (let i = 0; i < dims.nAudioLayer; i++) {
    const layer = `encoder.layers.${i}`;
    encoderLayers.push({ attention: await attention(layer, nAudioState), mlp: await mlp(layer, nAudioState) });
  }
  const encoderNorm = await norm('encoder.layer_norm');
  const embedding = shardEmbedding(device, await read('decoder.embed_tokens.weight'), nTextState);
  const decoderPositions = await table('decoder.embed_positions.weight', nTextState);
  const decoderLayers: DecoderLayerWeights[] = [];
  for (let i = 0; i < dims.nTextLayer; i++) {
    const layer = `decoder.layers.${i}`;
    decoderLayers.push({
      attention: await attention(layer, nTextState),
      crossNorm: await norm(`${layer}.encoder_attn_layer_norm`),
      crossQuery: await matrix(`${layer}.encoder_attn`, 'q_proj', nTextState),
      crossKeyValue: await projections(`${layer}.encoder_attn`, ['k_proj', 'v_proj'], nAudioState),
      crossOut: await matrix(`${layer}.encoder_attn`, 'out_proj', nTextState),
      mlp: await mlp(layer, nTextState),
    });
  }
  const decoderNorm = await norm('decoder.layer_norm');
  return {
    conv1,
    conv2,
    encoderPositions,
    encoderLayers,
    encoderNorm,
    embedding,
    decoderPositions,
    decoderLayers,
    decoderNorm,
  };
}

/** The embedding in as many parts of whole panels as the device's largest tensor asks for. */
function shardEmbedding(device: Device, data: Float32Array, k: number): readonly EmbeddingShard[] {
  const { panelWidth, maxTensorBytes } = device;
  const nVocab = data.length / k;
  const panelsEach = Math.max(1, Math.floor(maxTensorBytes / (4 * k * panelWidth)));
  const idsEach = Math.min(nVocab, panelsEach * panelWidth);
  const shards: EmbeddingShard[] = [];
  for (let begin = 0; begin < nVocab; begin += idsEach) {
    const count = Math.min(idsEach, nVocab - begin);
    const shape = [panelCount(count, panelWidth), k, panelWidth];
    const tensor = device.allocate(`embedding ${begin}`, 'f32', shape, 'weights');
    device.write(tensor, packPanels([data.subarray(begin * k, (begin + count) * k)], k, panelWidth));
    shards.push({ table: tensor, begin, count });
  }
  return shards;
}
