/** For references of kernels that normalize on the way. */
import type { HostArray } from '../../engine/dtype.ts';
import { EPSILON } from '../norm/epsilon.ts';

/** layerNorm of a row in parts, [parts, k], of which the sum counts. */
export function normalized(row: HostArray, gamma: HostArray, beta: HostArray): Float64Array {
  const k = gamma.length;
  const x = summed(row, k);
  const mean = x.reduce((sum, v) => sum + v, 0) / k;
  const variance = x.reduce((sum, v) => sum + (v - mean) ** 2, 0) / k;
  const scale = 1 / Math.sqrt(variance + EPSILON);
  return x.map((v, i) => (v - mean) * scale * gamma[i]! + beta[i]!);
}

/** The sum over parts of a row [parts, n]. */
export function summed(row: ArrayLike<number>, n: number): Float64Array {
  const sums = new Float64Array(n);
  for (let i = 0; i < row.length; i++) sums[i % n]! += row[i]!;
  return sums;
}
