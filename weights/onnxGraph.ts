/**
 * The parts of an ONNX file that its weights need: the graphs with their nodes, and where the tensors' bytes are. Field numbers from
 * onnx/onnx.proto (ONNX 1.12): ModelProto, GraphProto, NodeProto, AttributeProto, TensorProto. No tensor is read here.
 */
import { WeightsError } from '../src/base/errors.ts';
import { refuseLfsPointer } from '../src/checkpoint/lfsPointer.ts';
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
/** Of one file: twice as many as the largest export has (22 000 in the q8 decoder of base, with 6 layers of 32). */
const MAX_ITEMS = 2 ** 18;
/** Pieces that the numbers of one tensor may come in: exporters write one. */
const MAX_PIECES = 2 ** 12;
/** A higher rank than that of any weight. */
const MAX_RANK = 16;

/**
 * Reads the structure of the model in `source`. Other files that contain tensors are opened with `open`.
 * @returns the outer graph, and the other files, which the caller closes
 * @throws {WeightsError} `lfsPointer`, `badProtobuf`, `badOnnx`, `missingFile`
 */
export async function readOnnx(
  source: WeightSource,
  open: OpenSource,
  signal?: AbortSignal,
): Promise<{ readonly graph: Graph; readonly files: readonly WeightSource[] }> {
  const files = new Map<string, WeightSource>();
  const reader = new Reader(source, new ProtoReader(source, signal), files, open);
  try {
    refuseLfsPointer(source.name, await source.read(0, Math.min(8, source.size), signal));
    let graph: Graph | undefined;
    for await (const run of reader.proto.fields()) {
      for (const field of run) if (field.number === 7) graph = await reader.graph(field, undefined, 0);
    }
    if (!graph) throw reader.bad('has no graph');
    return { graph, files: [...files.values()] };
  } catch (error) {
    for (const file of files.values()) await file.close?.();
    throw error;
  }
}

interface Attributes {
  readonly integers: Map<string, number>;
  readonly tensors: Map<string, StoredTensor>;
  readonly graphs: Graph[];
}

const NO_ATTRIBUTES: Pick<Node, 'integers' | 'tensors' | 'graphs'> = {
  integers: new Map(),
  tensors: new Map(),
  graphs: [],
};

class Reader {
  readonly source: WeightSource;
  readonly proto: ProtoReader;
  readonly #files: Map<string, WeightSource>;
  readonly #open: OpenSource;
  #itemsLeft = MAX_ITEMS;

  constructor(source: WeightSource, proto: ProtoReader, files: Map<string, WeightSource>, open: OpenSource) {
    this.source = source;
    this.proto = proto;
    this.#files = files;
    this.#open = open;
  }

  bad(what: string): WeightsError {
    return new WeightsError('badOnnx', `${this.source.name} ${what}.`, { hint: 'Fetch it again.' });
  }

  /** Fields of a message, in runs. @throws {WeightsError} `badOnnx` if the field is not one */
  #fields(field: Field): AsyncGenerator<readonly Field[]> {
    if (field.wire !== 2) throw this.bad(`has a number where a message should be, at byte ${field.begin}`);
    return this.proto.fields(field.begin, field.end);
  }

  /** Counts what the graph is made of: an empty node takes two bytes of a file and hundreds in memory. */
  #count(): void {
    if (--this.#itemsLeft < 0) throw this.bad(`has more than ${MAX_ITEMS} nodes, tensors and names`);
  }

  #text(field: Field): Promise<string> {
    this.#count();
    return this.proto.text(field);
  }

  async graph(field: Field, parent: Graph | undefined, depth: number): Promise<Graph> {
    if (depth > MAX_DEPTH) throw this.bad(`nests graphs more than ${MAX_DEPTH} deep`);
    const nodes: Node[] = [];
    const initializers = new Map<string, StoredTensor>();
    const graph = { name: '', nodes, initializers, parent };
    for await (const run of this.#fields(field)) {
      for (const part of run) {
        if (part.number === 1) nodes.push(await this.#node(part, graph, depth));
        else if (part.number === 2) graph.name = await this.#text(part);
        else if (part.number === 5) {
          const tensor = await this.#tensor(part);
          initializers.set(tensor.name, tensor);
        }
      }
    }
    return graph;
  }

  async #node(field: Field, graph: Graph, depth: number): Promise<Node> {
    this.#count();
    const inputs: string[] = [];
    const outputs: string[] = [];
    let attributes: Attributes | undefined; // most nodes have none, and there may be many nodes
    let name = '';
    let op = '';
    for await (const run of this.#fields(field)) {
      for (const part of run) {
        if (part.number === 1) inputs.push(await this.#text(part));
        else if (part.number === 2) outputs.push(await this.#text(part));
        else if (part.number === 3) name = await this.#text(part);
        else if (part.number === 4) op = await this.#text(part);
        else if (part.number === 5) {
          attributes ??= { integers: new Map(), tensors: new Map(), graphs: [] };
          await this.#attribute(part, graph, depth, attributes);
        }
      }
    }
    return { name, op, inputs, outputs, ...(attributes ?? NO_ATTRIBUTES) };
  }

  async #attribute(field: Field, parent: Graph, depth: number, into: Attributes): Promise<void> {
    let name = '';
    this.#count();
    let integer: number | undefined;
    let tensor: StoredTensor | undefined;
    for await (const run of this.#fields(field)) {
      for (const part of run) {
        if (part.number === 1) name = await this.#text(part);
        else if (part.number === 3) integer = Number(BigInt.asIntN(64, part.value));
        else if (part.number === 5) tensor = await this.#tensor(part);
        else if (part.number === 6) into.graphs.push(await this.graph(part, parent, depth + 1));
      }
    }
    if (integer !== undefined) into.integers.set(name, integer);
    if (tensor) into.tensors.set(name, tensor);
  }

  async #tensor(field: Field): Promise<StoredTensor> {
    this.#count();
    const shape: number[] = [];
    let name = '';
    let type = 0;
    let raw: { source: WeightSource; begin: number; end: number } | undefined;
    const parts: ArrayLike<number>[] = []; // a repeated number field may be split into several
    let isExternal = false;
    const external = new Map<string, string>();
    for await (const run of this.#fields(field)) {
      for (const part of run) {
        if (part.number === 1) shape.push(...(await this.#dims(part, shape.length)));
        else if (part.number === 2) type = Number(part.value);
        else if (part.number === 4) this.#add(parts, await this.proto.floats(part));
        else if (part.number === 5) this.#add(parts, await this.#int32s(part));
        else if (part.number === 8) name = await this.#text(part);
        else if (part.number === 9 && part.wire === 2) raw = { source: this.source, begin: part.begin, end: part.end };
        else if (part.number === 13) await this.#entry(part, external);
        else if (part.number === 14) isExternal = part.value === 1n;
      }
    }
    if (isExternal) raw = await this.#external(name, external);
    return { name, type, shape, ...(raw && { raw }), ...(parts.length > 0 && { values: join(parts) }) };
  }

  #add(parts: ArrayLike<number>[], part: ArrayLike<number>): void {
    if (parts.push(part) > MAX_PIECES) throw this.bad(`keeps a tensor's numbers in more than ${MAX_PIECES} pieces`);
  }

  async #dims(field: Field, before: number): Promise<readonly number[]> {
    if (field.end - field.begin > 10 * MAX_RANK) throw this.bad(`has a tensor of more than ${MAX_RANK} dimensions`);
    const dims = (await this.proto.varints(field)).map(Number);
    if (before + dims.length > MAX_RANK) throw this.bad(`has a tensor of more than ${MAX_RANK} dimensions`);
    if (!dims.every(Number.isSafeInteger)) throw this.bad('has a tensor with an invalid shape');
    return dims;
  }

  async #int32s(field: Field): Promise<Int32Array> {
    // 8-bit weights would take ten bytes each here; exporters write them raw. Zero points of channels are the most.
    if (field.end - field.begin > 2 ** 16) throw this.bad('keeps a large tensor in int32_data');
    return Int32Array.from(await this.proto.varints(field), (value) => Number(BigInt.asIntN(32, value)));
  }

  async #entry(field: Field, into: Map<string, string>): Promise<void> {
    let key = '';
    let value = '';
    for await (const run of this.#fields(field)) {
      for (const part of run) {
        if (part.number === 1) key = await this.#text(part);
        else if (part.number === 2) value = await this.#text(part);
      }
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

function join(parts: readonly ArrayLike<number>[]): ArrayLike<number> {
  if (parts.length === 1) return parts[0]!;
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0)); // holds every f32 and i32 exactly
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
