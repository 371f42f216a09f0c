/**
 * Int8 weights in a safetensors file: a matrix or the token embedding [rows, ...] as I8, and beside it, as
 * `NAME_scale`, one number for each row (F32, F16 or BF16; [rows] or [rows, 1]); weight = integer * scale. Any reader of
 * safetensors opens it; the names are those of the compressed-tensors format (vLLM), without zero points.
 */
import { WeightsError } from '../base/errors.ts';
import { floatsOf, joinPieces, type TensorData } from '../model/tensorData.ts';
import { isWeightMatrix, type TensorSpec } from '../model/tensorSpec.ts';
import type { TensorSet } from './tensorSet.ts';

export function scaleName(name: string): string {
  return `${name}_scale`;
}

/** @param name of the tensor in the set. @throws {WeightsError} `badDtype`, `missingTensor`, `badShape` */
export function checkInt8(set: TensorSet, name: string, spec: TensorSpec): void {
  if (!isWeightMatrix(spec))
    throw new WeightsError('badDtype', `Tensor ${name} has the dtype I8; only matrices may be stored as int8.`);
  const shape = set.shape(scaleName(name));
  if (!shape)
    throw new WeightsError('missingTensor', `The weights have ${name} as int8, but no tensor ${scaleName(name)}.`);
  const [rows] = spec.shape;
  const isOneEach = shape[0] === rows && (shape.length === 1 || (shape.length === 2 && shape[1] === 1));
  const dtype = set.dtype(scaleName(name));
  if (!isOneEach || !['F32', 'F16', 'BF16'].includes(dtype ?? ''))
    throw new WeightsError('badShape', `Tensor ${scaleName(name)} is not one number for each of the ${rows} rows.`);
}

/** A tensor of a set in pieces, as `TensorSet.pieces` gives them, int8 times its scales. */
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
  const scales = await readScales(set, name, signal);
  const perRow = countOf(shape) / scales.length;
  let at = 0;
  for await (const piece of set.pieces(name, signal)) {
    const scaled = floatsOf(piece);
    for (let from = 0; from < scaled.length; ) {
      const row = Math.floor(at / perRow);
      const end = Math.min(scaled.length, from + (row + 1) * perRow - at);
      at += end - from;
      for (const scale = scales[row]!; from < end; from++) scaled[from] = scaled[from]! * scale;
    }
    yield { dtype: 'f32', values: scaled };
  }
}

/** What the rows of an int8 tensor are multiplied by: [rows]. */
export async function readScales(set: TensorSet, name: string, signal?: AbortSignal): Promise<Float32Array> {
  return floatsOf(await set.read(scaleName(name), signal));
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
