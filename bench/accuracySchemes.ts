/**
 * Ways to store weights and to compute with them, one row each, that `accuracy.ts` holds against f32; and the weights that
 * they are tried on.
 */
import { randomStream, seedOf } from '../src/base/random.ts';
import { elementCount } from '../src/engine/dtype.ts';
import type { ModelDimensions } from '../src/model/dims.ts';
import type { InferenceOptions } from '../src/model/inference.ts';
import { floatsOf, joinPieces, type TensorReader } from '../src/model/tensorData.ts';
import { isWeightMatrix, storedAs, type TensorSpec, tensorSpecs } from '../src/model/tensorSpec.ts';

export interface Scheme {
  readonly what: string;
  /** What the table asks of it; a row without is there to be compared with. */
  readonly goal?: 'f16' | 'int8';
  readonly options: Pick<InferenceOptions, 'dtype' | 'cacheDtype'>;
  /**
   * Round the int8 matrices to absmax / 127 of so many inputs of an output beforehand, whatever grid they come on; to the
   * grid of a whole row where infinite.
   */
  readonly absmaxOf?: number;
}

export const SCHEMES: Readonly<Record<string, Scheme>> = {
  f32: { what: 'f32', options: { dtype: 'f32' } },
  f16: { what: 'f16', goal: 'f16', options: { dtype: 'f16' } },
  'f16-caches': { what: 'f16, keys and values in f16', goal: 'f16', options: { dtype: 'f16', cacheDtype: 'f16' } },
  int8: { what: 'int8 by row', goal: 'int8', options: { dtype: 'int8' } },
  // As the library has it where nobody chooses how keys and values are stored.
  'int8-caches': {
    what: 'int8 by row, keys and values in f16',
    goal: 'int8',
    options: { dtype: 'int8', cacheDtype: 'f16' },
  },
  'int8-absmax': {
    what: 'int8 by row, grid not kept',
    goal: 'int8',
    options: { dtype: 'int8' },
    absmaxOf: Number.POSITIVE_INFINITY,
  },
  int8b32: { what: 'int8 by 32 inputs', goal: 'int8', options: { dtype: 'int8b32' } },
  'int8b32-absmax': {
    what: 'int8 by 32 inputs, grid not kept',
    goal: 'int8',
    options: { dtype: 'int8b32' },
    absmaxOf: 32,
  },
  'int8-weights': {
    what: 'int8 by row, grid not kept, inputs in f32',
    options: { dtype: 'f32' },
    absmaxOf: Number.POSITIVE_INFINITY,
  },
};

/** What weights the schemes are tried on. */
export const WEIGHTS = {
  /** As the model's files have them. */
  stored: {
    what: 'as stored',
    schemes: ['f16', 'f16-caches', 'int8', 'int8-caches', 'int8-absmax', 'int8b32', 'int8b32-absmax', 'int8-weights'],
  },
  /** Off the grid that an 8-bit export has put them on; no grid is left to be kept. */
  shaken: { what: 'shaken off the grid', schemes: ['f16', 'int8', 'int8-caches', 'int8b32'] },
} as const satisfies Readonly<Record<string, { readonly what: string; readonly schemes: readonly string[] }>>;
export type WeightsName = keyof typeof WEIGHTS;

/** The weights that a scheme is loaded with. */
export function weightsFor(
  reader: TensorReader,
  dims: ModelDimensions,
  weights: WeightsName,
  { absmaxOf }: Scheme,
): TensorReader {
  const specs = tensorSpecs(dims);
  return {
    dtype: () => 'f32',
    async *pieces(name, signal) {
      const spec = specs.get(name)!; // what is asked for are names of tensorSpecs
      const values = floatsOf(await joinPieces(reader.pieces(name, signal), elementCount(spec.shape)));
      if (weights === 'shaken' && isWeightMatrix(spec)) shake(values, seedOf(name));
      if (absmaxOf !== undefined && isInt8(spec)) roundToAbsmax(values, values.length / spec.shape[0]!, absmaxOf);
      yield { dtype: 'f32', values };
    },
  };
}

function isInt8(spec: TensorSpec): boolean {
  return storedAs(spec, 'int8') === 'int8';
}

/** An 8-bit export has at most 511 values a tensor, zero point and all. */
const MOST_ON_GRID = 511;

/** Moves each value by up to half a step of the grid that they lie on; values on no grid stay. */
export function shake(values: Float32Array, seed: number): void {
  const step = gridStep(values);
  const random = randomStream(seed);
  for (let i = 0; i < values.length; i++) values[i] = values[i]! + step * (random() - 0.5);
}

/** The least distance of two values of a tensor that an 8-bit export made; 0 of any other. */
function gridStep(values: Float32Array): number {
  const distinct = new Set<number>();
  for (const value of values) {
    distinct.add(Math.abs(value));
    if (distinct.size > MOST_ON_GRID) return 0;
  }
  const sorted = [...distinct].sort((a, b) => a - b);
  let step = Number.POSITIVE_INFINITY;
  for (let i = 1; i < sorted.length; i++) step = Math.min(step, sorted[i]! - sorted[i - 1]!);
  return Number.isFinite(step) ? step : 0;
}

/** @param k inputs of an output; `size`: of them that share a step */
export function roundToAbsmax(values: Float32Array, k: number, size: number): void {
  const length = Math.min(size, k);
  for (let row = 0; row < values.length; row += k)
    for (let begin = row; begin < row + k; begin += length) {
      const block = values.subarray(begin, Math.min(begin + length, row + k));
      const step = block.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / 127;
      if (step > 0) for (let i = 0; i < block.length; i++) block[i] = Math.round(block[i]! / step) * step;
    }
}
