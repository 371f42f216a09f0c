/**
 * One model's weights on a device: read by their Hugging Face names, piece by piece, packed as kernels read them.
 *
 * Matrices go into panels (kernels/matmul/panels.ts); q, k and v of self-attention into one matrix, and so do the
 * cross-attention's k and v. Whisper's key projections have no bias: zeros stand in. What a tensor is, and so its shape,
 * its type in memory and how far loading has come, is in `tensorSpecs`.
 */
import { InternalError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import type { Device } from '../engine/device.ts';
import { type DType, elementCount, storageBytes, type WeightType } from '../engine/dtype.ts';
import type { Tensor } from '../engine/program.ts';
import { panelCount } from '../kernels/matmul/panels.ts';
import type { ModelDimensions } from './dims.ts';
import { PanelWriter, Staging } from './panelWriter.ts';
import { floatsOf, joinPieces, type StoredType, type TensorData, type TensorReader } from './tensorData.ts';
import { storedAs, type TensorSpec, tensorSpecs } from './tensorSpec.ts';

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

/** A tensor that will be read, and what its elements come as. */
interface WantedTensor extends TensorSpec {
  readonly dtype: StoredType;
}

/** Reads the tensors that the table names, each once, and puts them on the device. */
class WeightLoader {
  readonly #device: Device;
  readonly #reader: TensorReader;
  readonly #options: LoadWeightsOptions;
  readonly #staging = new Staging();
  readonly #left: Map<string, TensorSpec>;
  readonly #total: number;
  #done = 0;
  /** Of all that was uploaded. */
  bytes = 0;

  constructor(device: Device, dims: ModelDimensions, reader: TensorReader, options: LoadWeightsOptions) {
    this.#device = device;
    this.#reader = reader;
    this.#options = options;
    this.#left = new Map(tensorSpecs(dims));
    this.#total = this.#left.size;
  }

  /** A tensor without `model.` before its name; its elements come when they are asked for. */
  #tensor(name: string): WantedTensor {
    const spec = this.#left.get(`model.${name}`);
    if (!spec) throw new InternalError(`a model has no tensor ${name}, or it was read before`);
    this.#left.delete(spec.name);
    return { ...spec, dtype: this.#reader.dtype(spec.name) };
  }

  async *#pieces({ name }: WantedTensor): AsyncGenerator<TensorData, void, undefined> {
    const { signal, onProgress } = this.#options;
    yield* this.#reader.pieces(name, signal);
    onProgress?.({
      stage: 'load',
      done: ++this.#done,
      total: this.#total,
      unit: 'tensors',
      item: name.replace(/^model\./, ''),
    });
  }

  async #floats(tensor: WantedTensor): Promise<Float32Array> {
    return floatsOf(await joinPieces(this.#pieces(tensor), elementCount(tensor.shape)));
  }

  finish(): void {
    if (this.#left.size > 0) throw new InternalError(`nothing reads ${[...this.#left.keys()].join(', ')}`);
  }

  #upload(name: string, shape: readonly number[], data: Float32Array): Tensor {
    const tensor = this.#allocate(name, 'f32', shape);
    this.#device.write(tensor, data);
    return tensor;
  }

  #allocate(name: string, dtype: DType, shape: readonly number[]): Tensor {
    this.bytes += storageBytes(dtype, shape);
    return this.#device.allocate(name, dtype, shape, 'weights');
  }

  /** The type that a matrix of these parts gets. */
  #dtypeOf(parts: readonly WantedTensor[]): WeightType {
    const [first] = parts;
    const asStored = parts.every(({ dtype }) => dtype === first?.dtype) ? (first?.dtype ?? 'f32') : 'f32';
    const wanted = this.#options.dtype ?? asStored;
    return first ? storedAs(first, wanted) : wanted;
  }

  #allocatePanels(name: string, n: number, k: number, dtype: WeightType): Tensor {
    const { panelWidth } = this.#device;
    return this.#allocate(name, dtype, [panelCount(n, panelWidth), k, panelWidth]);
  }

  /** The rows of the parts, one after the other, as panels. */
  async #matrix(name: string, parts: readonly WantedTensor[]): Promise<Tensor> {
    const n = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
    const dtype = this.#dtypeOf(parts);
    const w = this.#allocatePanels(name, n, parts[0]!.shape[1]!, dtype);
    await this.#fillPanels([w], dtype, parts);
    return w;
  }

  /** @param tensors whole panels of one matrix, one after the other */
  async #fillPanels(tensors: readonly Tensor[], dtype: WeightType, parts: readonly WantedTensor[]): Promise<void> {
    const writer = this.#writer(tensors, dtype, parts);
    for (const part of parts) for await (const piece of this.#pieces(part)) writer.add(piece);
    writer.finish();
  }

  #writer(tensors: readonly Tensor[], dtype: WeightType, parts: readonly WantedTensor[]): PanelWriter {
    const areBits = dtype === 'f16' && parts.every((part) => part.dtype === 'f16');
    return new PanelWriter(this.#device, this.#staging, { tensors, dtype, areBits });
  }

  /** A table or a vector, f32 whatever the file holds. */
  async table(name: string): Promise<Tensor> {
    const tensor = this.#tensor(name);
    return this.#upload(name, tensor.shape, await this.#floats(tensor));
  }

  async norm(name: string): Promise<NormWeights> {
    return { gamma: await this.table(`${name}.weight`), beta: await this.table(`${name}.bias`) };
  }

  /** Projections of the same input as one matrix, e.g. q, k, v. */
  async projections(base: string, names: readonly string[]): Promise<MatrixWeights> {
    const weights = names.map((name) => this.#tensor(`${base}.${name}.weight`));
    const n = weights.reduce((sum, { shape }) => sum + shape[0]!, 0);
    const title = `${base}.${names.join('+')}`;
    const w = await this.#matrix(`${title}.weight`, weights);
    const bias = new Float32Array(n);
    let at = 0;
    for (const [i, name] of names.entries()) {
      if (name !== 'k_proj') bias.set(await this.#floats(this.#tensor(`${base}.${name}.bias`)), at);
      at += weights[i]!.shape[0]!;
    }
    return { w, bias: this.#upload(`${title}.bias`, [n], bias) };
  }

  /** [cOut, cIn, taps] to rows of (tap, channel), as conv1d reads them. */
  async convolution(name: string): Promise<MatrixWeights> {
    const weight = this.#tensor(`${name}.weight`);
    const [cOut = 0, cIn = 0, taps = 0] = weight.shape;
    const dtype = this.#dtypeOf([weight]);
    const w = this.#allocatePanels(`${name}.weight`, cOut, taps * cIn, dtype);
    const writer = this.#writer([w], dtype, [weight]);
    const data = await joinPieces(this.#pieces(weight), elementCount(weight.shape));
    const rows = { ...data, values: data.values.slice() };
    for (let o = 0; o < cOut; o++)
      for (let c = 0; c < cIn; c++)
        for (let t = 0; t < taps; t++) rows.values[(o * taps + t) * cIn + c] = data.values[(o * cIn + c) * taps + t]!;
    writer.add(rows as TensorData); // its type is data's
    writer.finish();
    return { w, bias: await this.table(`${name}.bias`) };
  }

  /** The embedding in as many parts of whole panels as the device's largest tensor asks for. */
  async embedding(name: string): Promise<readonly EmbeddingShard[]> {
    const { panelWidth, maxTensorBytes } = this.#device;
    const tensor = this.#tensor(name);
    const [nVocab = 0, k = 0] = tensor.shape;
    const dtype = this.#dtypeOf([tensor]);
    const panelsEach = Math.max(1, Math.floor(maxTensorBytes / storageBytes(dtype, [1, k, panelWidth])));
    const idsEach = Math.min(nVocab, panelsEach * panelWidth);
    const shards: EmbeddingShard[] = [];
    for (let begin = 0; begin < nVocab; begin += idsEach) {
      const count = Math.min(idsEach, nVocab - begin);
      shards.push({ table: this.#allocatePanels(`embedding ${begin}`, count, k, dtype), begin, count });
    }
    await this.#fillPanels(
      shards.map(({ table }) => table),
      dtype,
      [tensor],
    );
    return shards;
  }
}
