/**
 * One model's weights on a device: read by their Hugging Face names, one tensor at a time, packed as kernels read them.
 *
 * Matrices go into panels (kernels/matmul/panels.ts); q, k and v of self-attention into one matrix, and so do the
 * cross-attention's k and v. Whisper's key projections have no bias: zeros stand in. What a tensor is, and so its shape,
 * its type in memory and how far loading has come, is in `tensorSpecs`.
 */
import { InternalError, WeightsError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import type { Device } from '../engine/device.ts';
import {
  type DType,
  elementCount,
  type StorageArray,
  storageBytes,
  storageType,
  type WeightType,
} from '../engine/dtype.ts';
import type { Tensor } from '../engine/program.ts';
import { packPanels, panelCount } from '../kernels/matmul/panels.ts';
import type { ModelDimensions } from './dims.ts';
import { floatsOf, type TensorData, type TensorReader } from './tensorData.ts';
import { type TensorSpec, tensorSpecs } from './tensorSpec.ts';

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
  /** Of all of them, in memory. */
  readonly bytes: number;
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

export interface LoadWeightsOptions extends CallOptions {
  /** Storage type of the weight matrices; when absent each stays as its file has it. */
  readonly dtype?: WeightType | undefined;
}

/**
 * Uploads all weights, in the order the model uses them.
 *
 * @throws {WeightsError} `outOfRange` when a weight is too large for `dtype`, and what the reader throws
 */
export async function loadWeights(
  device: Device,
  dims: ModelDimensions,
  reader: TensorReader,
  options: LoadWeightsOptions = {},
): Promise<ModelWeights> {
  const loader = new WeightLoader(device, dims, reader, options);
  const attention = async (layer: string): Promise<AttentionWeights> => ({
    norm: await loader.norm(`${layer}.self_attn_layer_norm`),
    qkv: await loader.projections(`${layer}.self_attn`, ['q_proj', 'k_proj', 'v_proj']),
    out: await loader.projections(`${layer}.self_attn`, ['out_proj']),
  });
  const mlp = async (layer: string): Promise<MlpWeights> => ({
    norm: await loader.norm(`${layer}.final_layer_norm`),
    up: await loader.projections(layer, ['fc1']),
    down: await loader.projections(layer, ['fc2']),
  });
  const conv1 = await loader.convolution('encoder.conv1');
  const conv2 = await loader.convolution('encoder.conv2');
  const encoderPositions = await loader.table('encoder.embed_positions.weight');
  const encoderLayers: EncoderLayerWeights[] = [];
  for (let i = 0; i < dims.nAudioLayer; i++) {
    const layer = `encoder.layers.${i}`;
    encoderLayers.push({ attention: await attention(layer), mlp: await mlp(layer) });
  }
  const encoderNorm = await loader.norm('encoder.layer_norm');
  const embedding = await loader.embedding('decoder.embed_tokens.weight');
  const decoderPositions = await loader.table('decoder.embed_positions.weight');
  const decoderLayers: DecoderLayerWeights[] = [];
  for (let i = 0; i < dims.nTextLayer; i++) {
    const layer = `decoder.layers.${i}`;
    decoderLayers.push({
      attention: await attention(layer),
      crossNorm: await loader.norm(`${layer}.encoder_attn_layer_norm`),
      crossQuery: await loader.projections(`${layer}.encoder_attn`, ['q_proj']),
      crossKeyValue: await loader.projections(`${layer}.encoder_attn`, ['k_proj', 'v_proj']),
      crossOut: await loader.projections(`${layer}.encoder_attn`, ['out_proj']),
      mlp: await mlp(layer),
    });
  }
  const decoderNorm = await loader.norm('decoder.layer_norm');
  loader.finish();
  return {
    bytes: loader.bytes,
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

/** Reads the tensors that the table names, each once, and puts them on the device. */
class WeightLoader {
  readonly #device: Device;
  readonly #reader: TensorReader;
  readonly #options: LoadWeightsOptions;
  readonly #left: Map<string, TensorSpec>;
  readonly #total: number;
  /** Of all that was uploaded. */
  bytes = 0;

  constructor(device: Device, dims: ModelDimensions, reader: TensorReader, options: LoadWeightsOptions) {
    this.#device = device;
    this.#reader = reader;
    this.#options = options;
    this.#left = new Map(tensorSpecs(dims));
    this.#total = this.#left.size;
  }

  /** A tensor without `model.` before its name. */
  async #read(name: string): Promise<TensorSpec & { readonly data: TensorData }> {
    const { signal, onProgress } = this.#options;
    const spec = this.#left.get(`model.${name}`);
    if (!spec) throw new InternalError(`a model has no tensor ${name}, or it was read before`);
    const data = await this.#reader.tensor(spec.name, signal);
    const count = elementCount(spec.shape);
    if (data.values.length !== count)
      throw new InternalError(`${name} has ${data.values.length} elements, not ${count}`);
    this.#left.delete(spec.name);
    const [done, total] = [this.#total - this.#left.size, this.#total];
    onProgress?.({ stage: 'load', done, total, unit: 'tensors', item: name });
    return { ...spec, data };
  }

  finish(): void {
    if (this.#left.size > 0) throw new InternalError(`nothing reads ${[...this.#left.keys()].join(', ')}`);
  }

  #upload(name: string, dtype: DType, shape: readonly number[], data: StorageArray): Tensor {
    const tensor = this.#device.allocate(name, dtype, shape, 'weights');
    this.#device.write(tensor, data);
    this.bytes += storageBytes(dtype, shape);
    return tensor;
  }

  /** Rows of k weights each, [n, k], as panels of the type asked for. */
  #panels(name: string, k: number, parts: readonly TensorData[]): Tensor {
    const { panelWidth } = this.#device;
    const n = parts.reduce((sum, { values }) => sum + values.length / k, 0);
    const shape = [panelCount(n, panelWidth), k, panelWidth];
    const halves = parts.flatMap((part) => (part.dtype === 'f16' ? [part.values] : []));
    const dtype = this.#options.dtype ?? (halves.length === parts.length ? 'f16' : 'f32');
    if (dtype === 'f16' && halves.length === parts.length)
      return this.#upload(
        name,
        dtype,
        shape,
        packPanels(halves, k, panelWidth, (length) => new Uint16Array(length)),
      );
    const values = packPanels(parts.map(floatsOf), k, panelWidth, (length) => new Float32Array(length));
    const stored = storageType(dtype).narrow(values, shape);
    if (dtype === 'f16') checkRange(name, values, stored);
    return this.#upload(name, dtype, shape, stored);
  }

  /** A table or a vector, f32 whatever the file holds. */
  async table(name: string): Promise<Tensor> {
    const { shape, data } = await this.#read(name);
    return this.#upload(name, 'f32', shape, floatsOf(data));
  }

  async norm(name: string): Promise<NormWeights> {
    return { gamma: await this.table(`${name}.weight`), beta: await this.table(`${name}.bias`) };
  }

  /** Projections of the same input as one matrix, e.g. q, k, v. */
  async projections(base: string, names: readonly string[]): Promise<MatrixWeights> {
    const weights = [];
    for (const name of names) weights.push(await this.#read(`${base}.${name}.weight`));
    const bias = new Float32Array(weights.reduce((sum, { shape }) => sum + shape[0]!, 0));
    let at = 0;
    for (const [i, name] of names.entries()) {
      if (name !== 'k_proj') bias.set(floatsOf((await this.#read(`${base}.${name}.bias`)).data), at);
      at += weights[i]!.shape[0]!;
    }
    const title = `${base}.${names.join('+')}`;
    const parts = weights.map(({ data }) => data);
    return {
      w: this.#panels(`${title}.weight`, weights[0]!.shape[1]!, parts),
      bias: this.#upload(`${title}.bias`, 'f32', [bias.length], bias),
    };
  }

  /** [cOut, cIn, taps] to rows of (tap, channel), as conv1d reads them. */
  async convolution(name: string): Promise<MatrixWeights> {
    const { shape, data } = await this.#read(`${name}.weight`);
    const bias = await this.table(`${name}.bias`);
    const [cOut = 0, cIn = 0, taps = 0] = shape;
    const rows = { ...data, values: data.values.slice() };
    for (let o = 0; o < cOut; o++)
      for (let c = 0; c < cIn; c++)
        for (let t = 0; t < taps; t++) rows.values[(o * taps + t) * cIn + c] = data.values[(o * cIn + c) * taps + t]!;
    return { w: this.#panels(`${name}.weight`, taps * cIn, [rows as TensorData]), bias }; // its type is data's
  }

  /** The embedding in as many parts of whole panels as the device's largest tensor asks for. */
  async embedding(name: string): Promise<readonly EmbeddingShard[]> {
    const { panelWidth, maxTensorBytes } = this.#device;
    const { shape, data } = await this.#read(name);
    const [nVocab = 0, k = 0] = shape;
    const dtype = this.#options.dtype ?? data.dtype;
    const panelsEach = Math.max(1, Math.floor(maxTensorBytes / storageBytes(dtype, [1, k, panelWidth])));
    const idsEach = Math.min(nVocab, panelsEach * panelWidth);
    const shards: EmbeddingShard[] = [];
    for (let begin = 0; begin < nVocab; begin += idsEach) {
      const count = Math.min(idsEach, nVocab - begin);
      const values = data.values.subarray(begin * k, (begin + count) * k);
      const part = { dtype: data.dtype, values } as TensorData; // its type is data's
      shards.push({ table: this.#panels(`embedding ${begin}`, k, [part]), begin, count });
    }
    return shards;
  }
}

/** Weights that f16 cannot hold would be infinite without a word. */
function checkRange(name: string, values: Float32Array, halves: StorageArray): void {
  const lost = halves.findIndex((half, i) => (half & 0x7fff) === 0x7c00 && Number.isFinite(values[i]));
  if (lost >= 0) {
    throw new WeightsError('outOfRange', `${name} holds ${values[lost]}, too large for f16.`, {
      hint: 'Load the model with dtype f32.',
    });
  }
}
