/**
 * The parts of an ONNX file that its weights need: the graphs with their nodes, and where the tensors' bytes are. Field numbers from
 * onnx/onnx.proto (ONNX 1.12): ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto. No tensor is read here.
 */
import { WeightsError } from '../src/base/errors.ts';
import { checkRange, type OpenSource, type WeightSource } from '../src/checkpoint/source.ts';
import { type Field, ProtoReader } from './protobuf.ts';

export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, StoredTensor>;
  readonly parent: Graph | undefined;
}

export interface Node {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly integers: ReadonlyMap<string, number>;
  /** Tensor attributes: the value of a `Constant`. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Branches of an `If`. */
  readonly graphs: readonly Graph[];
}

/** TensorProto.DataType, as far as weights use it. */
export const DataType = { float: 1, uint8: 2, int8: 3, float16: 10, bfloat16: 16 } as const;

export interface StoredTensor {
  readonly name: string;
  readonly type: number;
  readonly shape: readonly number[];
  /** Little-endian bytes in this file or in another one. */
  readonly raw?: { readonly source: WeightSource; readonly begin: number; readonly end: number };
  /** Values in the typed fields instead (scales and zero points are); few, or f32. */
  readonly values?: ArrayLike<number>;
}

/** Deeper than the nesting of branches in any export. */
const MAX_DEPTH = 8;
/** A higher rank than that of any weight. */
const MAX_RANK = 16;

/**
 * Reads the structure of the model in `source`. Other files that contain tensors are opened with `open`.
 * @returns the outer graph, and the other files, which the caller closes
 * @throws {WeightsError} `badProtobuf`, `badOnnx`, `missingFile`
 */
export async function readOnnx(
  source: WeightSource,
  open: OpenSource,
  signal?: AbortSignal,
): Promise<{ readonly graph: Graph; readonly files: readonly WeightSource[] }> {
  const files = new Map<string, WeightSource>();
  const reader = new Reader(source, new ProtoReader(source, signal), files, open);
  try {
    let graph: Graph | undefined;
    for await (const field of reader.proto.fields()) {
      if (field.number === 7) graph = await reader.graph(field, undefined, 0);
    }
    if (!graph) throw reader.bad('has no graph');
    return { graph, files: [...files.values()] };
  } catch (error) {
    for (const file of files.values()) await file.close?.();
    throw error;
  }
}

class Reader {
  readonly source: WeightSource;
  readonly proto: ProtoReader;
  readonly #files: Map<string, WeightSource>;
  readonly #open: OpenSource;

  constructor(source: WeightSource, proto: ProtoReader, files: Map<string, WeightSource>, open: OpenSource) {
    this.source = source;
    this.proto = proto;
    this.#files = files;
    this.#open = open;
  }

  bad(what: string): WeightsError {
    return new WeightsError('badOnnx', `${this.source.name} ${what}.`, { hint: 'Fetch it again.' });
  }

  /** Fields of a message. @throws {WeightsError} `badOnnx` if the field is not one */
  #fields(field: Field): AsyncGenerator<Field> {
    if (field.wire !== 2) throw this.bad(`has a number where a message should be, at byte ${field.begin}`);
    return this.proto.fields(field.begin, field.end);
  }

  async graph(field: Field, parent: Graph | undefined, depth: number): Promise<Graph> {
    if (depth > MAX_DEPTH) throw this.bad(`nests graphs more than ${MAX_DEPTH} deep`);
    const nodes: Node[] = [];
    const initializers = new Map<string, StoredTensor>();
    const graph = { name: '', nodes, initializers, parent };
    for await (const part of this.#fields(field)) {
      if (part.number === 1) nodes.push(await this.#node(part, graph, depth));
      else if (part.number === 2) graph.name = await this.proto.text(part);
      else if (part.number === 5) {
        const tensor = await this.#tensor(part);
        initializers.set(tensor.name, tensor);
      }
    }
    return graph;
  }

  async #node(field: Field, graph: Graph, depth: number): Promise<Node> {
    const inputs: string[] = [];
    const outputs: string[] = [];
    const integers = new Map<string, number>();
    const tensors = new Map<string, StoredTensor>();
    const graphs: Graph[] = [];
    let name = '';
    let op = '';
    for await (const part of this.#fields(field)) {
      if (part.number === 1) inputs.push(await this.proto.text(part));
      else if (part.number === 2) outputs.push(await this.proto.text(part));
      else if (part.number === 3) name = await this.proto.text(part);
      else if (part.number === 4) op = await this.proto.text(part);
      else if (part.number === 5) await this.#attribute(part, graph, depth, { integers, tensors, graphs });
    }
    return { name, op, inputs, outputs, integers, tensors, graphs };
  }

  async #attribute(
    field: Field,
    parent: Graph,
    depth: number,
    into: { integers: Map<string, number>; tensors: Map<string, StoredTensor>; graphs: Graph[] },
  ): Promise<void> {
    let name = '';
    let integer: number | undefined;
    let tensor: StoredTensor | undefined;
    for await (const part of this.#fields(field)) {
      if (part.number === 1) name = await this.proto.text(part);
      else if (part.number === 3) integer = Number(BigInt.asIntN(64, part.value));
      else if (part.number === 5) tensor = await this.#tensor(part);
      else if (part.number === 6) into.graphs.push(await this.graph(part, parent, depth + 1));
    }
    if (integer !== undefined) into.integers.set(name, integer);
    if (tensor) into.tensors.set(name, tensor);
  }

  async #tensor(field: Field): Promise<StoredTensor> {
    const shape: number[] = [];
    let name = '';
    let type = 0;
    let raw: { source: WeightSource; begin: number; end: number } | undefined;
    let values: ArrayLike<number> | undefined;
    let isExternal = false;
    const external = new Map<string, string>();
    for await (const part of this.#fields(field)) {
      if (part.number === 1) shape.push(...(await this.#dims(part, shape.length)));
      else if (part.number === 2) type = Number(part.value);
      else if (part.number === 4) values = join(values, await this.proto.floats(part));
      else if (part.number === 5) values = join(values, await this.#int32s(part));
      else if (part.number === 8) name = await this.proto.text(part);
      else if (part.number === 9 && part.wire === 2) raw = { source: this.source, begin: part.begin, end: part.end };
      else if (part.number === 13) await this.#entry(part, external);
      else if (part.number === 14) isExternal = part.value === 1n;
    }
    if (isExternal) raw = await this.#external(name, external);
    return { name, type, shape, ...(raw && { raw }), ...(values && { values }) };
  }

  async #dims(field: Field, before: number): Promise<readonly number[]> {
    if (field.end - field.begin > 10 * MAX_RANK) throw this.bad(`has a tensor of more than ${MAX_RANK} dimensions`);
    const dims = (await this.proto.varints(field)).map(Number);
    if (before + dims.length > MAX_RANK) throw this.bad(`has a tensor of more than ${MAX_RANK} dimensions`);
    if (!dims.every(Number.isSafeInteger)) throw this.bad('has a tensor with an invalid shape');
    return dims;
  }

  async #int32s(field: Field): Promise<readonly number[]> {
    // 8-bit weights would take ten bytes each here; exporters write them raw.
    if (field.end - field.begin > 2 ** 20) throw this.bad('keeps a large tensor in int32_data');
    return (await this.proto.varints(field)).map((value) => Number(BigInt.asIntN(32, value)));
  }

  async #entry(field: Field, into: Map<string, string>): Promise<void> {
    let key = '';
    let value = '';
    for await (const part of this.#fields(field)) {
      if (part.number === 1) key = await this.proto.text(part);
      else if (part.number === 2) value = await this.proto.text(part);
    }
    into.set(key, value);
  }

  async #external(
    name: string,
    entries: ReadonlyMap<string, string>,
  ): Promise<{ source: WeightSource; begin: number; end: number }> {
    const location = entries.get('location') ?? '';
    // A path must not lead out of the folder.
    if (!/^[\w-][\w.-]*$/.test(location))
      throw this.bad(`puts tensor ${name} into the file ${JSON.stringify(location)}`);
    let source = this.#files.get(location);
    if (!source) {
      source = await this.#open(location);
      if (!source)
        throw new WeightsError('missingFile', `${this.source.name} needs ${location}, which does not exist.`);
      this.#files.set(location, source);
    }
    const begin = Number(entries.get('offset') ?? 0);
    const end = begin + Number(entries.get('length') ?? source.size - begin);
    checkRange(source, begin, end);
    return { source, begin, end };
  }
}

/** A repeated number field may be split into several parts. */
function join(before: ArrayLike<number> | undefined, more: ArrayLike<number>): ArrayLike<number> {
  return before ? [...Array.from(before), ...Array.from(more)] : more;
}
