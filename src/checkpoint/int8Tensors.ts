/**
 * Int8 weights in a safetensors file: a matrix or the token embedding [rows, ...] as I8, and beside it, one number for each row,
 * [rows] or [rows, 1], `NAME_scale` (F32, F16 or BF16) and, unless all are 0, `NAME_zero_point` (I8);
 * weight = (integer - zero point) * scale. Any reader of safetensors opens it; names and meaning are those of the
 * compressed-tensors format (vLLM).
 */
import { WeightsError } from '../base/errors.ts';
import { floatsOf, type Int8Rows, joinPieces, type TensorData } from '../model/tensorData.ts';
import { isWeightMatrix, type TensorSpec } from '../model/tensorSpec.ts';
import type { TensorSet } from './tensorSet.ts';

export function scaleName(name: string): string {
  return `${name}_scale`;
}

export function zeroName(name: string): string {
  return `${name}_zero_point`;
}

/** The tensors of a set that have to do with one of its matrices, in the order in which they are read. */
export function partsOf(set: TensorSet, name: string): readonly string[] {
  if (set.dtype(name) !== 'I8') return [name];
  return [scaleName(name), zeroName(name), name].filter((part) => set.shape(part));
}

/** @param name of the tensor in the set. @throws {WeightsError} `badDtype`, `missingTensor`, `badShape` */
export function checkInt8(set: TensorSet, name: string, spec: TensorSpec): void {
  if (!isWeightMatrix(spec))
    throw new WeightsError('badDtype', `Tensor ${name} has the dtype I8; only matrices may be stored as int8.`);
  if (!set.shape(scaleName(name)))
    throw new WeightsError('missingTensor', `The weights have ${name} as int8, but no tensor ${scaleName(name)}.`);
  checkRows(set, scaleName(name), spec, ['F32', 'F16', 'BF16']);
  if (set.shape(zeroName(name))) checkRows(set, zeroName(name), spec, ['I8']);
}

function checkRows(set: TensorSet, name: string, { shape: [rows] }: TensorSpec, dtypes: readonly string[]): void {
  const shape = set.shape(name) ?? [];
  const isOneEach = shape[0] === rows && (shape.length === 1 || (shape.length === 2 && shape[1] === 1));
  if (!isOneEach || !dtypes.includes(set.dtype(name) ?? ''))
    throw new WeightsError(
      'badShape',
      `Tensor ${name} is not one ${dtypes.join(' or ')} for each of the ${rows} rows.`,
    );
}

/** A tensor of a set in pieces, as `TensorSet.pieces` gives them, int8 as the values that it stands for. */
export async function* valuesOf(
  set: TensorSet,
  name: string,
  { shape }: TensorSpec,
  signal?: AbortSignal,
): AsyncGenerator<TensorData, void, undefined> {
  if (set.dtype(name) !== 'I8') {
    yield* set.pieces(name, signal);
    return;
  }
  const { scales, zeros } = await readRows(set, name, signal);
  const perRow = countOf(shape) / scales.length;
  let at = 0;
  for await (const piece of set.pieces(name, signal)) {
    const scaled = floatsOf(piece);
    for (let from = 0; from < scaled.length; ) {
      const row = Math.floor(at / perRow);
      const end = Math.min(scaled.length, from + (row + 1) * perRow - at);
      at += end - from;
      const scale = scales[row]!;
      const zero = zeros?.[row] ?? 0;
      for (; from < end; from++) scaled[from] = (scaled[from]! - zero) * scale;
    }
    yield { dtype: 'f32', values: scaled };
  }
}

/** @param name of an int8 tensor */
export async function readRows(set: TensorSet, name: string, signal?: AbortSignal): Promise<Int8Rows> {
  const scales = floatsOf(await set.read(scaleName(name), signal));
  const zeros = set.shape(zeroName(name)) ? floatsOf(await set.read(zeroName(name), signal)) : undefined;
  return { scales, zeros };
}

/** The same as one array, which the caller owns. */
export async function readValues(
  set: TensorSet,
  name: string,
  spec: TensorSpec,
  signal?: AbortSignal,
): Promise<TensorData> {
  if (set.dtype(name) !== 'I8') return set.read(name, signal);
  return joinPieces(valuesOf(set, name, spec, signal), countOf(spec.shape));
}

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
