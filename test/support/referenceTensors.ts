/** Tensors of `../shared/reference/*.safetensors`, integers included, which the weights' reader does not take. */
import { readFileSync } from 'node:fs';

export type ReferenceTensors = Readonly<Record<string, Float32Array | Int32Array | Int16Array>>;

const views = { F32: Float32Array, I32: Int32Array, I16: Int16Array } as const;

export function readReferenceTensors(file: string): ReferenceTensors {
  const bytes = readFileSync(file);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + headerLength).toString()) as Record<
    string,
    { dtype: keyof typeof views; data_offsets: [number, number] }
  >;
  const tensors: Record<string, Float32Array | Int32Array | Int16Array> = {};
  for (const [name, { dtype, data_offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [begin, end] = data_offsets.map((offset) => 8 + headerLength + offset);
    tensors[name] = new views[dtype](new Uint8Array(bytes.subarray(begin, end)).buffer);
  }
  return tensors;
}
