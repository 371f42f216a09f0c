/**
 * One model's weights on a device: read by their Hugging Face names, piece by piece, packed as kernels read them. Room for all
 * of them is made first, so that programs can be recorded, and the encoder can run, before the last ones are read.
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
import type { Reading } from './loadMatrix.ts';
import { PanelWriter, Staging } from './panelWriter.ts';
import { emptyData, floatsOf, joinPieces, type StoredType, type TensorData, type TensorReader } from './tensorData.ts';
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

/** Reads some tensors of the file and puts them where `planWeights` has made room. */
export interface WeightLoad {
  /** Of the file. */
  readonly tensors: number;
  run(reading: Reading): Promise<void>;
}

export interface PlannedWeights {
  /** Room on the device, which the loads fill. */
  readonly weights: ModelWeights;
  /** In the order the model uses them: what the encoder's layers read, then the rest. */
  readonly encoder: readonly WeightLoad[];
  readonly decoder: readonly WeightLoad[];
}

/**
 * Allocates all weights, and says how they are to be read.
 *
 * @param dtype storage type of the weight matrices; when absent each stays as its file has it
 * @throws {DeviceError} `outOfMemory`, before anything is read
 */
export function planWeights(
  device: Device,
  dims: ModelDimensions,
  reader: TensorReader,
  dtype?: WeightType,
): PlannedWeights {
  const planner = new WeightPlanner(device, dims, reader, dtype);
  const attention = (layer: string): AttentionWeights => ({
    norm: planner.norm(`${layer}.self_attn_layer_norm`),
    qkv: planner.projections(`${layer}.self_attn`, ['q_proj', 'k_proj', 'v_proj']),
    out: planner.projections(`${layer}.self_attn`, ['out_proj']),
  });
  const mlp = (layer: string): MlpWeights => ({
    norm: planner.norm(`${layer}.final_layer_norm`),
    up: planner.projections(layer, ['fc1']),
    down: planner.projections(layer, ['fc2']),
  });
  const conv1 = planner.convolution('encoder.conv1');
  const conv2 = planner.convolution('encoder.conv2');
  const encoderPositions = planner.table('encoder.embed_positions.weight');
  const encoderLayers: EncoderLayerWeights[] = [];
  for (let i = 0; i < dims.nAudioLayer; i++) {
    const layer = `encoder.layers.${i}`;
    encoderLayers.push({ attention: attention(layer), mlp: mlp(layer) });
  }
  const encoderNorm = planner.norm('encoder.layer_norm');
  const encoder = planner.takeLoads();
  const embedding = planner.embedding('decoder.embed_tokens.weight');
  const decoderPositions = planner.table('decoder.embed_positions.weight');
  const decoderLayers: DecoderLayerWeights[] = [];
  for (let i = 0; i < dims.nTextLayer; i++) {
    const layer = `decoder.layers.${i}`;
    decoderLayers.push({
      attention: attention(layer),
      crossNorm: planner.norm(`${layer}.encoder_attn_layer_norm`),
      crossQuery: planner.projections(`${layer}.encoder_attn`, ['q_proj']),
      crossKeyValue: planner.projections(`${layer}.encoder_attn`, ['k_proj', 'v_proj']),
      crossOut: planner.projections(`${layer}.encoder_attn`, ['out_proj']),
      mlp: mlp(layer),
    });
  }
  const decoderNorm = planner.norm('decoder.layer_norm');
  const decoder = planner.takeLoads();
  planner.finish();
  return {
    weights: {
      bytes: planner.bytes,
      conv1,
      conv2,
      encoderPositions,
      encoderLayers,
      encoderNorm,
      embedding,
      decoderPositions,
      decoderLayers,
      decoderNorm,
    },
    encoder,
    decoder,
  };
}

/**
 * Reads what the loads name, one after the other.
 *
 * @throws {WeightsError} `outOfRange` when a weight is too large for its type, and what the reader throws
 */
export async function loadWeights(
  loads: readonly WeightLoad[],
  { signal, onProgress }: CallOptions = {},
): Promise<void> {
  const total = loads.reduce((sum, { tensors }) => sum + tensors, 0);
  let done = 0;
  const onTensor = (name: string): void => {
    onProgress?.({ stage: 'load', done: ++done, total, unit: 'tensors', item: name.replace(/^model\./, '') });
  };
  for (const load of loads) await load.run({ signal, onTensor });
}

/** A tensor that will be read, and what its elements come as. */
interface WantedTensor extends TensorSpec {
  readonly dtype: StoredType;
}

/** Allocates the tensors that the table names, each once, and notes how each is read. */
class WeightPlanner {
  readonly #device: Device;
  readonly #reader: TensorReader;
  readonly #dtype: WeightType | undefined;
  readonly #staging = new Staging();
  readonly #left: Map<string, TensorSpec>;
  #loads: WeightLoad[] = [];
  /** Of all that was allocated. */
  bytes = 0;

  constructor(device: Device, dims: ModelDimensions, reader: TensorReader, dtype: WeightType | undefined) {
    this.#device = device;
    this.#reader = reader;
    this.#dtype = dtype;
    this.#left = new Map(tensorSpecs(dims));
  }

  /** Those since the last call. */
  takeLoads(): readonly WeightLoad[] {
    // The last one gives back what the others needed on their way.
    const loads = [...this.#loads, { tensors: 0, run: async () => this.#staging.uploads?.free() }];
    this.#loads = [];
    return loads;
  }

  finish(): void {
    if (this.#left.size > 0) throw new InternalError(`nothing reads ${[...this.#left.keys()].join(', ')}`);
  }

  /** A tensor without `model.` before its name; its elements come when they are asked for. */
  #tensor(name: string): WantedTensor {
    const spec = this.#left.get(`model.${name}`);
    if (!spec) throw new InternalError(`a model has no tensor ${name}, or it was read before`);
    this.#left.delete(spec.name);
    return { ...spec, dtype: this.#reader.dtype(spec.name) };
  }

  async *#pieces({ name }: WantedTensor, { signal, onTensor }: Reading): AsyncGenerator<TensorData, void, undefined> {
    yield* this.#reader.pieces(name, signal);
    onTensor(name);
  }

  async #floats(tensor: WantedTensor, reading: Reading): Promise<Float32Array> {
    return floatsOf(await joinPieces(this.#pieces(tensor, reading), elementCount(tensor.shape)));
  }

  #allocate(name: string, dtype: DType, shape: readonly number[]): Tensor {
    this.bytes += storageBytes(dtype, shape);
    return this.#device.allocate(name, dtype, shape, 'weights');
  }

  /** The type that a matrix of these parts gets. */
  #dtypeOf(parts: readonly WantedTensor[]): WeightType {
    const [first] = parts;
    const asStored = parts.every(({ dtype }) => dtype === first?.dtype) ? (first?.dtype ?? 'f32') : 'f32';
    const wanted = this.#dtype ?? asStored;
    return first ? storedAs(first, wanted) : wanted;
  }

  #allocatePanels(name: string, n: number, k: number, dtype: WeightType): Tensor {
    const { panelWidth } = this.#device;
    return this.#allocate(name, dtype, [panelCount(n, panelWidth), k, panelWidth]);
  }

  /** The rows of the parts, one after the other, as panels. */
  #matrix(name: string, parts: readonly WantedTensor[]): Tensor {
    const n = rowsOf(parts);
    const dtype = this.#dtypeOf(parts);
    const w = this.#allocatePanels(name, n, parts[0]!.shape[1]!, dtype);
    this.#loads.push(this.#panelLoad([w], dtype, parts));
    return w;
  }

  /**
   * @param tensors whole panels of one matrix, one after the other
   * @param taps    of a convolution, which a device that packs panels sorts
   */
  #panelLoad(tensors: readonly Tensor[], dtype: WeightType, parts: readonly WantedTensor[], taps = 1): WeightLoad {
    return {
      tensors: parts.length,
      run: async (reading) => {
        if (dtype === 'int8' || this.#device.packsPanels) {
          // Where it is wanted, so that no other page has it.
          const { loadMatrix } = await import('./loadMatrix.ts');
          return loadMatrix(this.#device, this.#staging, this.#reader, { tensors, dtype, parts, taps }, reading);
        }
        const writer = this.#writer(tensors, dtype, parts);
        for (const part of parts) for await (const piece of this.#pieces(part, reading)) writer.add(piece);
        writer.finish();
      },
    };
  }

  #writer(tensors: readonly Tensor[], dtype: WeightType, parts: readonly WantedTensor[]): PanelWriter {
    const areBits = dtype === 'f16' && parts.every((part) => part.dtype === 'f16');
    return new PanelWriter(this.#device, this.#staging, { tensors, dtype, areBits });
  }

  /** A table or a vector, f32 whatever the file holds. */
  table(name: string): Tensor {
    const wanted = this.#tensor(name);
    const tensor = this.#allocate(name, 'f32', wanted.shape);
    this.#loads.push({
      tensors: 1,
      run: async (reading) => {
        let at = 0;
        for await (const piece of this.#pieces(wanted, reading)) {
          this.#device.write(tensor, floatsOf(piece), at);
          at += piece.values.length;
        }
      },
    });
    return tensor;
  }

  norm(name: string): NormWeights {
    return { gamma: this.table(`${name}.weight`), beta: this.table(`${name}.bias`) };
  }

  /** Projections of the same input as one matrix, e.g. q, k, v. */
  projections(base: string, names: readonly string[]): MatrixWeights {
    const weights = names.map((name) => this.#tensor(`${base}.${name}.weight`));
    const title = `${base}.${names.join('+')}`;
    const w = this.#matrix(`${title}.weight`, weights);
    const biases = names.map((name) => (name === 'k_proj' ? undefined : this.#tensor(`${base}.${name}.bias`)));
    const bias = this.#allocate(`${title}.bias`, 'f32', [rowsOf(weights)]);
    this.#loads.push({
      tensors: biases.filter((each) => each).length,
      run: async (reading) => {
        const values = new Float32Array(rowsOf(weights));
        let at = 0;
        for (const [i, { shape }] of weights.entries()) {
          const own = biases[i];
          if (own) values.set(await this.#floats(own, reading), at);
          at += shape[0]!;
        }
        this.#device.write(bias, values);
      },
    });
    return { w, bias };
  }

  /** [cOut, cIn, taps] to rows of (tap, channel), as conv1d reads them. */
  convolution(name: string): MatrixWeights {
    const weight = this.#tensor(`${name}.weight`);
    const [cOut = 0, cIn = 0, taps = 0] = weight.shape;
    const dtype = this.#dtypeOf([weight]);
    const w = this.#allocatePanels(`${name}.weight`, cOut, taps * cIn, dtype);
    const ofDevice = this.#panelLoad([w], dtype, [weight], taps);
    const ofHost: WeightLoad = {
      tensors: 1,
      run: async (reading) => {
        const writer = this.#writer([w], dtype, [weight]);
        // One row after the other, since a piece may end within one.
        let row: TensorData | undefined;
        let filled = 0;
        for await (const piece of this.#pieces(weight, reading)) {
          row ??= emptyData(piece.dtype, taps * cIn);
          for (let i = 0; i < piece.values.length; i++) {
            const tap = filled % taps;
            row.values[tap * cIn + (filled - tap) / taps] = piece.values[i]!;
            if (++filled < row.values.length) continue;
            writer.add(row);
            filled = 0;
          }
        }
        if (filled > 0) throw new InternalError(`${name}.weight ended within a row`);
        writer.finish();
      },
    };
    this.#loads.push(this.#device.packsPanels ? ofDevice : ofHost);
    return { w, bias: this.table(`${name}.bias`) };
  }

  /** The embedding in as many parts of whole panels as the device's largest tensor asks for. */
  embedding(name: string): readonly EmbeddingShard[] {
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
    const tables = shards.map(({ table }) => table);
    this.#loads.push(this.#panelLoad(tables, dtype, [tensor]));
    return shards;
  }
}

function rowsOf(parts: readonly WantedTensor[]): number {
  return parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
}
