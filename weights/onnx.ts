/**
 * Whisper weights from a transformers.js export (`onnx/encoder_model*.onnx`, `onnx/decoder_model_merged*.onnx`), f32 or q8,
 * under their Hugging Face names.
 *
 * The exporter keeps the names of biases, norms, convolutions and embeddings, but calls the linear layers' weights
 * `onnx::MatMul_1204`. Which layer such a tensor belongs to follows from the name of the node that multiplies by it,
 * `/model/decoder/layers.0/self_attn/q_proj/MatMul`; it is stored as [in, out] and is transposed to [out, in].
 *
 * q8 is onnxruntime's dynamic quantization, in which a layer is
 *
 *     DynamicQuantizeLinear(x) -> MatMulInteger | ConvInteger (w_quantized, w_zero_point) -> Cast -> Mul by (x_scale * w_scale)
 *
 * and an embedding `DequantizeLinear(Gather(w_quantized), w_scale, w_zero_point)`. Then
 * w = f32(q - zero_point) * scale: the difference is an exact integer and the product is rounded once, so every program
 * gets the same bits. There is one scale and zero point for each tensor, or for each output channel.
 *
 * The merged decoder has its two variants, with and without a cache, as branches of an `If`; both are read.
 */
import { WeightsError } from '../src/base/errors.ts';
import { widenBf16, widenF16 } from '../src/base/float16.ts';
import type { OpenSource } from '../src/checkpoint/source.ts';
import { closeOnError } from '../src/checkpoint/tensorFiles.ts';
import type { TensorSet } from '../src/checkpoint/tensorSet.ts';
import { DataType, type Graph, type Node, readOnnx, type StoredTensor } from './onnxGraph.ts';

/** How a stored tensor becomes a named weight. */
interface Weight {
  readonly tensor: StoredTensor;
  readonly quantized?: {
    readonly scale: StoredTensor;
    readonly zeroPoint: StoredTensor | undefined;
    readonly axis: number;
  };
  /** Stored as [in, out]. */
  readonly isTransposed: boolean;
}

/**
 * Opens the export in a folder that `open` reads (its `onnx/`). f32 files are preferred to quantized ones.
 *
 * @returns undefined if there is not both an encoder and a decoder
 * @throws {WeightsError} `badOnnx`, `badProtobuf`, `badDtype`, `sizeMismatch`
 */
export async function openOnnxFiles(open: OpenSource, signal?: AbortSignal): Promise<TensorSet | undefined> {
  for (const suffix of ['', '_quantized']) {
    const sources = [
      await open(`encoder_model${suffix}.onnx`, signal),
      await open(`decoder_model_merged${suffix}.onnx`, signal),
    ];
    const [encoder, decoder] = sources;
    const opened = sources.filter((source) => source !== undefined);
    if (!encoder || !decoder) {
      for (const source of opened) await source.close?.();
      continue;
    }
    return closeOnError(opened, async () => {
      const weights = new Map<string, Weight>();
      for (const [part, source] of [
        ['encoder', encoder],
        ['decoder', decoder],
      ] as const) {
        const { graph, files } = await readOnnx(source, open, signal);
        opened.push(...files);
        collect(graph, part, source.name, weights);
      }
      return tensorSet(weights, async () => {
        for (const source of opened) await source.close?.();
      });
    });
  }
  return undefined;
}

function tensorSet(weights: ReadonlyMap<string, Weight>, close: () => Promise<void>): TensorSet {
  const set: TensorSet = {
    names: [...weights.keys()],
    metadata: {},
    shape(name) {
      const weight = weights.get(name);
      return weight?.isTransposed ? weight.tensor.shape.toReversed() : weight?.tensor.shape;
    },
    dtype: (name) => {
      const weight = weights.get(name);
      return weight && (weight.quantized ? 'q8' : 'F32');
    },
    async read(name, signal) {
      const weight = weights.get(name);
      if (!weight) throw new WeightsError('missingTensor', `The ONNX files have no tensor ${name}.`);
      const values = weight.quantized ? await dequantize(weight, signal) : await readFloats(weight.tensor, signal);
      return { dtype: 'f32', values: weight.isTransposed ? transpose(values, weight.tensor.shape) : values };
    },
    async *pieces(name, signal) {
      yield await set.read(name, signal);
    },
    close,
  };
  return set;
}

// ------------------------------------------------------------------------------------------------ names

function collect(graph: Graph, part: 'encoder' | 'decoder', file: string, into: Map<string, Weight>): void {
  const add = (layer: string, weight: Weight): void => {
    const plain = layer.replace(/^model\./, '').replace(/^(encoder|decoder)\./, '');
    if (plain.startsWith('proj_out.')) return; // tied to the token embedding
    const name = `model.${part}.${plain}`;
    const before = into.get(name);
    if (!before) into.set(name, weight);
    else if (before.tensor !== weight.tensor && String(before.tensor.shape) !== String(weight.tensor.shape)) {
      throw new WeightsError('badOnnx', `${file} has two tensors of different shapes for ${name}.`);
    }
  };
  const { nodes } = graph;
  const producer = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const scope: Scope = { graph, producer, reader: new Map(nodes.flatMap((n) => n.inputs.map((i) => [i, n] as const))) };
  for (const [stored, tensor] of graph.initializers) {
    const name = plainName(stored);
    // A quantized tensor becomes a weight at the node that uses it.
    if (/\.(weight|bias)$/.test(name) && isFloat(tensor)) add(name, { tensor, isTransposed: false });
  }
  for (const node of nodes) {
    const found = weightOf(node, scope);
    if (found) add(found.name, found.weight);
    for (const inner of node.graphs) collect(inner, part, file, into);
  }
}

interface Scope {
  readonly graph: Graph;
  readonly producer: ReadonlyMap<string, Node>;
  /** A node that reads each value; used for values with one reader. */
  readonly reader: ReadonlyMap<string, Node>;
}

/** Name and weight, if `node` uses a weight whose tensor does not have its name. */
function weightOf(node: Node, scope: Scope): { readonly name: string; readonly weight: Weight } | undefined {
  // `/layers.0/fc1/MatMul_quant` -> `layers.0.fc1`
  const layer = /^\/?(.+)\/(?:MatMul|Gemm|Conv)(?:_\d+)?(?:_quant)?$/.exec(node.name)?.[1]?.replaceAll('/', '.');
  const input = node.inputs[1] ?? '';
  if (node.op === 'MatMul' || node.op === 'Gemm' || node.op === 'Conv') {
    const weight = constant(input, scope);
    if (!weight || layer === undefined) return undefined;
    const isStoredInOut = node.op === 'MatMul' || (node.op === 'Gemm' && node.integers.get('transB') !== 1);
    return { name: `${layer}.weight`, weight: { ...weight, isTransposed: weight.isTransposed !== isStoredInOut } };
  }
  if (node.op === 'MatMulInteger' || node.op === 'ConvInteger') {
    const tensor = lookUp(input, scope);
    const scale = lookUp(scaleName(node, scope), scope);
    if (!tensor || !scale || layer === undefined) return undefined;
    const isLinear = node.op === 'MatMulInteger';
    const zeroPoint = lookUp(node.inputs[3] ?? '', scope);
    const quantized = { scale, zeroPoint, axis: isLinear ? tensor.shape.length - 1 : 0 };
    return { name: `${layer}.weight`, weight: { tensor, quantized, isTransposed: isLinear } };
  }
  if (node.op === 'DequantizeLinear') {
    const gather = scope.producer.get(node.inputs[0] ?? '');
    const stored = gather?.inputs[0] ?? '';
    const tensor = gather?.op === 'Gather' ? lookUp(stored, scope) : undefined;
    const scale = lookUp(node.inputs[1] ?? '', scope);
    const name = plainName(stored);
    if (!tensor || !scale || !name.endsWith('.weight')) return undefined;
    const quantized = { scale, zeroPoint: lookUp(node.inputs[2] ?? '', scope), axis: 0 };
    return { name, weight: { tensor, quantized, isTransposed: false } };
  }
  return undefined;
}

/** The w_scale in `Mul(Cast(integer product), Mul(x_scale, w_scale))`. */
function scaleName(node: Node, { producer, reader }: Scope): string {
  const cast = reader.get(node.outputs[0] ?? '');
  const product = cast?.outputs[0] ?? '';
  const scaled = reader.get(product);
  const scales = producer.get(scaled?.inputs.find((input) => input !== product) ?? '');
  return (scales?.op === 'Mul' && scales.inputs[1]) || '';
}

/** The weight that `name` refers to, at most dequantized and transposed by the graph. */
function constant(name: string, scope: Scope, depth = 0): Weight | undefined {
  const tensor = lookUp(name, scope);
  if (tensor) return { tensor, isTransposed: false };
  const node = scope.producer.get(name);
  const input = node?.inputs[0] ?? '';
  if (!node || depth > 4) return undefined;
  if (node.op === 'Identity' || node.op === 'Cast') return constant(input, scope, depth + 1);
  if (node.op === 'Transpose') {
    const inner = constant(input, scope, depth + 1);
    return inner?.tensor.shape.length === 2 ? { ...inner, isTransposed: !inner.isTransposed } : undefined;
  }
  if (node.op === 'DequantizeLinear') {
    const inner = constant(input, scope, depth + 1);
    const scale = lookUp(node.inputs[1] ?? '', scope);
    if (!inner || inner.quantized || !scale) return undefined;
    const axis = node.integers.get('axis') ?? 1;
    const storedAxis = inner.isTransposed ? 1 - axis : axis;
    return { ...inner, quantized: { scale, zeroPoint: lookUp(node.inputs[2] ?? '', scope), axis: storedAxis } };
  }
  return undefined;
}

/** An initializer or Constant that is visible in a graph: its own, or one of an enclosing graph. */
function lookUp(name: string, { graph, producer }: Scope): StoredTensor | undefined {
  if (!name) return undefined;
  const node = producer.get(name);
  if (node) return node.op === 'Constant' ? node.tensors.get('value') : undefined;
  for (let around: Graph | undefined = graph; around; around = around.parent) {
    const tensor = around.initializers.get(name);
    if (tensor) return tensor;
  }
  return undefined;
}

/** `model.decoder.layer_norm.weight_merged_0` -> `model.decoder.layer_norm.weight`. */
function plainName(stored: string): string {
  return stored.replace(/(?:_quantized|_merged_\d+)+$/, '');
}

function isFloat({ type }: StoredTensor): boolean {
  return type === DataType.float || type === DataType.float16 || type === DataType.bfloat16;
}

// ------------------------------------------------------------------------------------------------ values

function elements(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** The raw bytes of a tensor, whose number is checked against its shape. */
async function readRaw(
  tensor: StoredTensor,
  elementBytes: number,
  signal?: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>> {
  const { name, raw, shape } = tensor;
  const got = raw ? raw.end - raw.begin : 0;
  if (!raw || got !== elements(shape) * elementBytes) {
    throw new WeightsError('sizeMismatch', `Tensor ${name} of shape [${shape.join(', ')}] has ${got} bytes.`);
  }
  return raw.source.read(raw.begin, raw.end, signal);
}

async function readFloats(tensor: StoredTensor, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>> {
  if (tensor.type === DataType.float) {
    if (!tensor.values) return new Float32Array((await readRaw(tensor, 4, signal)).buffer);
    if (tensor.values.length === elements(tensor.shape)) return new Float32Array(tensor.values);
    throw new WeightsError('sizeMismatch', `Tensor ${tensor.name} has ${tensor.values.length} values.`);
  }
  const widen = tensor.type === DataType.float16 ? widenF16 : tensor.type === DataType.bfloat16 ? widenBf16 : undefined;
  if (!widen) throw new WeightsError('badDtype', `Tensor ${tensor.name} has the ONNX data type ${tensor.type}.`);
  const bits = new Uint16Array((await readRaw(tensor, 2, signal)).buffer);
  const values = new Float32Array(bits.length);
  widen(bits, values);
  return values;
}

/** One number for the tensor or one for each channel: u8 and i8 zero points, f32 scales. */
async function readParameters(
  tensor: StoredTensor,
  channels: number,
  signal?: AbortSignal,
): Promise<ArrayLike<number>> {
  const { type, values } = tensor;
  let all: ArrayLike<number>;
  if (type === DataType.float) all = await readFloats(tensor, signal);
  else if (values) all = values;
  else if (type === DataType.int8) all = new Int8Array((await readRaw(tensor, 1, signal)).buffer);
  else all = await readRaw(tensor, 1, signal);
  if (all.length === 1 || all.length === channels) return all;
  throw new WeightsError('sizeMismatch', `${tensor.name} has ${all.length} values for ${channels} channels.`);
}

async function dequantize(weight: Weight, signal?: AbortSignal): Promise<Float32Array<ArrayBuffer>> {
  const { tensor, quantized } = weight;
  if (!quantized || (tensor.type !== DataType.uint8 && tensor.type !== DataType.int8)) {
    throw new WeightsError('badDtype', `Tensor ${tensor.name} is quantized to the ONNX data type ${tensor.type}.`);
  }
  const channels = tensor.shape[quantized.axis] ?? 1;
  const scale = await readParameters(quantized.scale, channels, signal);
  const zeroPoint = quantized.zeroPoint ? await readParameters(quantized.zeroPoint, channels, signal) : [0];
  const bytes = await readRaw(tensor, 1, signal);
  const levels = tensor.type === DataType.int8 ? new Int8Array(bytes.buffer) : bytes;
  const values = new Float32Array(levels.length);
  const isPerChannel = scale.length > 1 || zeroPoint.length > 1;
  /** Elements from one channel to the next. */
  const stride = isPerChannel ? elements(tensor.shape.slice(quantized.axis + 1)) : levels.length;
  for (let begin = 0, channel = 0; begin < levels.length; begin += stride, channel = (channel + 1) % channels) {
    const s = scale[scale.length > 1 ? channel : 0]!;
    const z = zeroPoint[zeroPoint.length > 1 ? channel : 0]!;
    // The f64 product of a 9-bit integer and an f32 is exact; storing it rounds once.
    for (let i = begin; i < begin + stride; i++) values[i] = (levels[i]! - z) * s;
  }
  return values;
}

/** [rows, columns] -> [columns, rows], in blocks that fit the cache. */
function transpose(values: Float32Array<ArrayBuffer>, shape: readonly number[]): Float32Array<ArrayBuffer> {
  const [rows = 1, columns = 1] = shape;
  const out = new Float32Array(values.length);
  const block = 32;
  for (let r0 = 0; r0 < rows; r0 += block) {
    for (let c0 = 0; c0 < columns; c0 += block) {
      const rEnd = Math.min(rows, r0 + block);
      const cEnd = Math.min(columns, c0 + block);
      for (let c = c0; c < cEnd; c++) for (let r = r0; r < rEnd; r++) out[c * rows + r] = values[r * columns + c]!;
    }
  }
  return out;
}
