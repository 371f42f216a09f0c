/** Writes small ONNX files for tests: field numbers as in onnx/onnx.proto, only what the reader reads. */

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}

const number = (field: number, value: number): number[] => [...varint(field << 3), ...varint(value)];

/** A length-delimited field: text, a message, or packed numbers. */
function long(field: number, value: string | readonly number[] | Uint8Array): number[] {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return [...varint((field << 3) | 2), ...varint(bytes.length), ...bytes];
}

export interface TestTensor {
  readonly shape: readonly number[];
  readonly type: number;
  readonly raw?: ArrayBufferView<ArrayBuffer>;
  /** In float_data instead. */
  readonly floats?: readonly number[];
  /** In int32_data instead. */
  readonly ints?: readonly number[];
  readonly external?: Readonly<Record<string, string>>;
}

export interface TestNode {
  readonly op: string;
  readonly name?: string;
  readonly in?: readonly string[];
  readonly out?: readonly string[];
  readonly ints?: Readonly<Record<string, number>>;
  readonly value?: TestTensor;
  readonly branches?: readonly TestGraph[];
}

export interface TestGraph {
  readonly nodes: readonly TestNode[];
  readonly tensors?: Readonly<Record<string, TestTensor>>;
}

function tensorBytes(name: string, tensor: TestTensor): number[] {
  const { raw, floats, ints, external = {} } = tensor;
  return [
    ...tensor.shape.flatMap((dim) => number(1, dim)),
    ...number(2, tensor.type),
    ...long(8, name),
    ...(raw ? long(9, new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength)) : []),
    ...(floats ? long(4, new Uint8Array(Float32Array.from(floats).buffer)) : []),
    ...(ints ? long(5, ints.flatMap(varint)) : []),
    ...Object.entries(external).flatMap(([key, value]) => long(13, [...long(1, key), ...long(2, value)])),
    ...(tensor.external ? number(14, 1) : []),
  ];
}

function graphBytes({ nodes, tensors = {} }: TestGraph): number[] {
  return [
    ...long(2, 'graph'),
    ...Object.entries(tensors).flatMap(([name, tensor]) => long(5, tensorBytes(name, tensor))),
    ...nodes.flatMap((node) =>
      long(1, [
        ...(node.in ?? []).flatMap((name) => long(1, name)),
        ...(node.out ?? []).flatMap((name) => long(2, name)),
        ...long(3, node.name ?? ''),
        ...long(4, node.op),
        ...Object.entries(node.ints ?? {}).flatMap(([name, value]) => long(5, [...long(1, name), ...number(3, value)])),
        ...(node.value ? long(5, [...long(1, 'value'), ...long(5, tensorBytes('', node.value))]) : []),
        ...(node.branches ?? []).flatMap((graph) => long(5, [...long(1, 'branch'), ...long(6, graphBytes(graph))])),
      ]),
    ),
  ];
}

/** A ModelProto with this graph. */
export function onnxBytes(graph: TestGraph): Uint8Array {
  return Uint8Array.from([...number(1, 8), ...long(2, 'test'), ...long(7, graphBytes(graph))]);
}
