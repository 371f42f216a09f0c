/** For references of products whose inputs are cut in parts. */
import type { HostArray } from '../../engine/dtype.ts';
import { panelIndex } from '../matmul/panels.ts';

/** One row of y [parts, n]: what the first part begins with, and each part's share of the sum over k. */
export function referenceParts({
  inputs,
  w,
  first,
  y,
  panelWidth,
}: {
  readonly inputs: ArrayLike<number>;
  /** [n, k] in panels. */
  readonly w: HostArray;
  /** n values. */
  readonly first: ArrayLike<number>;
  readonly y: HostArray;
  readonly panelWidth: number;
}): void {
  const [k, n] = [inputs.length, first.length];
  const perPart = Math.ceil((k * n) / y.length);
  for (let at = 0; at < y.length; at++) {
    const [part, j] = [Math.floor(at / n), at % n];
    let sum = part === 0 ? first[j]! : 0;
    for (let i = part * perPart; i < Math.min((part + 1) * perPart, k); i++)
      sum += inputs[i]! * w[panelIndex(j, i, k, panelWidth)]!;
    y[at] = sum;
  }
}
