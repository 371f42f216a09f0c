/**
 * The safetensors format (huggingface/safetensors), read strictly, and written as a stream.
 *
 *     OFFSET   SIZE   DESCRIPTION
 *     0        8      n: length of the header in bytes, u64 little-endian; at most 2^22 here (the format allows 100 000 000)
 *     8        n      header: one JSON object in UTF-8, its first byte `{`, trailing spaces allowed
 *     8 + n    ...    data: the tensors, one after the other, to the end of the file
 *
 * Header: tensor name -> `{ "dtype": "F32", "shape": [384, 80, 3], "data_offsets": [begin, end] }`, offsets from the start
 * of the data; and, optionally, `"__metadata__"` -> an object of strings. Rules, all checked:
 * - no duplicate key, no unknown dtype, no other field in an entry;
 * - end - begin is the product of the shape times the size of the dtype;
 * - the tensors cover the data without a gap, an overlap or trailing bytes. Any order and odd offsets are allowed.
 *
 * Elements are row-major, little-endian. No field is trusted before it is checked: reading a header allocates no more than
 * its own length, which is at most that of the file.
 */
import type { ErrorCode } from '../base/codes.ts';
import { WeightsError } from '../base/errors.ts';
import { narrowF16, widenBf16 } from '../base/float16.ts';
import { floatsOf, joinPieces, type TensorData } from '../model/tensorData.ts';
import { refuseLfsPointer } from './lfsPointer.ts';
import { readAhead } from './readAhead.ts';
import { type BufferPool, readPieces } from './readPieces.ts';
import { decodeUtf8, type WeightSource } from './source.ts';
import { isObject, type JsonObject, parseJsonObject } from './strictJson.ts';
import type { TensorSet } from './tensorSet.ts';

const DTYPE_BYTES: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};

/** Twenty times large-v3's. Parsed, JSON can take many times its bytes. */
const MAX_HEADER_BYTES = 2 ** 22;

export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Byte offsets in the file. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Reads and checks the header.
 *
 * @throws {WeightsError} `lfsPointer`, `truncated`, `tooLarge`, `badHeader`, `badUtf8`, `badJson`, `duplicateKey`, `badDtype`,
 *   `badShape`, `badOffsets`, `sizeMismatch`, `overlap`, `gap`, `trailing`
 */
async function readSafetensorsHeader(source: WeightSource, signal?: AbortSignal): Promise<SafetensorsHeader> {
  const { name, size } = source;
  if (size < 8) throw fail('truncated', `${name} has ${size} bytes; a safetensors file has at least 8.`);
  const prefix = await source.read(0, 8, signal);
  refuseLfsPointer(name, prefix);
  const headerBytes = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (headerBytes > BigInt(MAX_HEADER_BYTES)) {
    throw fail(
      'tooLarge',
      `${name} announces a header of ${headerBytes} bytes; at most ${MAX_HEADER_BYTES} are allowed.`,
    );
  }
  const dataBegin = 8 + Number(headerBytes);
  if (dataBegin > size) {
    throw fail('truncated', `${name} announces a header of ${headerBytes} bytes, the file ends at ${size}.`);
  }
  const where = `the header of ${name}`;
  const text = decodeUtf8(where, await source.read(8, dataBegin, signal));
  if (!text.startsWith('{')) throw fail('badHeader', `${where} does not begin with "{" (at byte 8).`);
  const header = parseJsonObject(where, text);
  const tensors = new Map<string, TensorEntry>();
  let metadata: Readonly<Record<string, string>> = {};
  for (const [key, value] of Object.entries(header)) {
    if (key === '__metadata__') metadata = checkMetadata(where, value);
    else tensors.set(key, checkEntry(`tensor ${shorten(key)} in ${where}`, value, dataBegin, size));
  }
  checkCover(name, tensors, dataBegin, size);
  return { tensors, metadata };
}

/** Opens one file; f16 is read as it is, bf16 as f32. @throws {WeightsError} as `readSafetensorsHeader` does */
export async function openSafetensors(source: WeightSource, signal?: AbortSignal): Promise<TensorSet> {
  const { tensors, metadata } = await readSafetensorsHeader(source, signal);
  let ahead = source;
  const pool: BufferPool = [];
  const entryOf = (name: string): TensorEntry => {
    const entry = tensors.get(name);
    if (entry) return entry;
    throw fail('missingTensor', `${source.name} has no tensor ${shorten(name)}.`);
  };
  const set: TensorSet = {
    names: [...tensors.keys()],
    metadata,
    shape: (name) => tensors.get(name)?.shape,
    dtype: (name) => tensors.get(name)?.dtype,
    async read(name, readSignal) {
      const { dtype, begin, end } = entryOf(name);
      // Widened in pieces, so that it is not in memory twice.
      if (dtype === 'BF16') return joinPieces(set.pieces(name, readSignal), (end - begin) / 2);
      const bytes = await ahead.read(begin, end, readSignal);
      return elementsOf(
        bytes.byteOffset % 4 === 0 ? bytes : bytes.slice(),
        dtype,
        `Tensor ${shorten(name)} of ${source.name}`,
      );
    },
    async *pieces(name, readSignal) {
      const { dtype, begin, end } = entryOf(name);
      for await (const bytes of readPieces(ahead, begin, end, pool, readSignal))
        yield elementsOf(bytes, dtype, `Tensor ${shorten(name)} of ${source.name}`);
    },
    plan(names) {
      if (!source.isRemote || ahead !== source) return;
      ahead = readAhead(
        source,
        names.flatMap((name) => tensors.get(name) ?? []),
        signal,
      );
    },
    close: async () => ahead.close?.(),
  };
  return set;
}

/** @param bytes whole elements, at a multiple of four. @throws {WeightsError} `badDtype` */
function elementsOf(bytes: Uint8Array<ArrayBuffer>, dtype: string, what: string): TensorData {
  const { buffer, byteOffset, length } = bytes;
  if (dtype === 'F32') return { dtype: 'f32', values: new Float32Array(buffer, byteOffset, length / 4) };
  if (dtype === 'I8') return { dtype: 'int8', values: new Int8Array(buffer, byteOffset, length) };
  if (dtype !== 'F16' && dtype !== 'BF16')
    throw fail('badDtype', `${what} has the dtype ${dtype}; weights are F32, F16, BF16 or I8.`);
  const bits = new Uint16Array(buffer, byteOffset, length / 2);
  if (dtype === 'F16') return { dtype: 'f16', values: bits };
  const values = new Float32Array(bits.length);
  widenBf16(bits, values);
  return { dtype: 'f32', values };
}

function checkMetadata(where: string, value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) throw fail('badHeader', `__metadata__ in ${where} is not an object.`);
  const strings: Record<string, string> = Object.create(null);
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== 'string') throw fail('badHeader', `__metadata__ ${shorten(key)} in ${where} is not a string.`);
    strings[key] = text;
  }
  return strings;
}

function checkEntry(what: string, value: unknown, dataBegin: number, size: number): TensorEntry {
  if (!isObject(value)) throw fail('badHeader', `The ${what} is not an object.`);
  const unknown = Object.keys(value).find((key) => !['dtype', 'shape', 'data_offsets'].includes(key));
  if (unknown !== undefined) throw fail('badHeader', `The ${what} has the unknown field ${shorten(unknown)}.`);
  const {
    dtype,
    shape,
    data_offsets: offsets,
  } = value as JsonObject & Record<'dtype' | 'shape' | 'data_offsets', unknown>;
  const elementBytes = typeof dtype === 'string' && Object.hasOwn(DTYPE_BYTES, dtype) ? DTYPE_BYTES[dtype] : undefined;
  if (typeof dtype !== 'string' || elementBytes === undefined) {
    throw fail('badDtype', `The ${what} has the dtype ${shorten(JSON.stringify(dtype) ?? 'none')}.`);
  }
  if (!isCounts(shape)) throw fail('badShape', `The ${what} has no shape of non-negative integers.`);
  if (!isCounts(offsets) || offsets.length !== 2) {
    throw fail('badOffsets', `The ${what} has no data_offsets of two non-negative integers.`);
  }
  const [from, to] = offsets as [number, number];
  if (from > to) throw fail('badOffsets', `The ${what} ends at ${to}, before its start ${from}.`);
  if (to > size - dataBegin) {
    throw fail(
      'truncated',
      `The ${what} needs bytes ${dataBegin + from}..${dataBegin + to}, the file ends at ${size}.`,
    );
  }
  // A product too large to be exact is far above the size of any file, so the comparison fails as it should.
  const bytes = shape.includes(0) ? 0 : shape.reduce((product, n) => product * n, elementBytes);
  if (bytes !== to - from) {
    const list = shape.length <= 8 ? `[${shape.join(', ')}]` : `of ${shape.length} dimensions`;
    throw fail(
      'sizeMismatch',
      `The ${what} has shape ${list} of ${dtype}: ${bytes} bytes, but ${to - from} by its offsets.`,
    );
  }
  return { dtype, shape, begin: dataBegin + from, end: dataBegin + to };
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function checkCover(file: string, tensors: ReadonlyMap<string, TensorEntry>, dataBegin: number, size: number): void {
  const order = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let at = dataBegin;
  let before = 'the header';
  for (const [name, { begin, end }] of order) {
    const between = `between ${before} and tensor ${shorten(name)} of ${file}`;
    if (begin > at) throw fail('gap', `Bytes ${at}..${begin} ${between} belong to no tensor.`);
    if (begin < at) throw fail('overlap', `Bytes ${begin}..${Math.min(at, end)} are shared ${between}.`);
    at = end;
    before = `tensor ${shorten(name)}`;
  }
  if (at !== size) throw fail('trailing', `Bytes ${at}..${size} at the end of ${file} belong to no tensor.`);
}

/** Names come from the file and may be of any length. */
function shorten(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}...`;
}

function fail(code: ErrorCode<'WeightsError'>, message: string): WeightsError {
  return new WeightsError(code, message, {
    hint: 'The file is damaged or no safetensors file: fetch or convert it again.',
  });
}

export interface TensorToWrite {
  readonly name: string;
  readonly dtype: 'F32' | 'F16' | 'I8';
  readonly shape: readonly number[];
  /** Called when it is written; as many values as the product of the shape. */
  data(): Promise<TensorData>;
}

/**
 * The bytes of a safetensors file, piece by piece: the header, then one tensor after another in the given order, so that
 * only one is in memory. The data begins at a multiple of 64.
 *
 * @throws {WeightsError} `sizeMismatch` if a tensor's number of values is not that of its shape; `outOfRange` if a value is
 *   too large for F16
 */
export async function* writeSafetensors(
  tensors: readonly TensorToWrite[],
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array> {
  const header: [string, unknown][] = [['__metadata__', metadata]];
  let at = 0;
  for (const { name, dtype, shape } of tensors) {
    const end = at + shape.reduce((product, n) => product * n, DTYPE_BYTES[dtype]!);
    header.push([name, { dtype, shape, data_offsets: [at, end] }]);
    at = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const prefix = new Uint8Array(Math.ceil((8 + json.length) / 64) * 64).fill(0x20);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(prefix.length - 8), true);
  prefix.set(json, 8);
  yield prefix;
  for (const tensor of tensors) {
    const data = await tensor.data();
    const { length } = data.values;
    const count = tensor.shape.reduce((product, n) => product * n, 1);
    if (length !== count) {
      throw fail('sizeMismatch', `Tensor ${tensor.name} has ${length} values, its shape has ${count}.`);
    }
    const values = floatsOf(data);
    if (data.dtype === 'int8') {
      yield new Uint8Array(data.values.buffer, data.values.byteOffset, data.values.byteLength);
    } else if (tensor.dtype === 'I8') {
      yield new Uint8Array(new Int8Array(values).buffer);
    } else if (tensor.dtype === 'F32') {
      yield new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    } else if (data.dtype === 'f16') {
      yield new Uint8Array(data.values.buffer, data.values.byteOffset, data.values.byteLength);
    } else {
      const halves = new Uint16Array(count);
      const lost = narrowF16(values, halves);
      if (lost >= 0) {
        throw new WeightsError('outOfRange', `Tensor ${tensor.name} contains ${values[lost]}, too large for f16.`, {
          hint: 'Convert with --dtype f32.',
        });
      }
      yield new Uint8Array(halves.buffer);
    }
  }
}
