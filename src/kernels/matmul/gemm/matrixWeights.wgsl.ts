/**
 * What matrices of subgroups take as W: f16 as it lies in its panels, or int8, whose integers become f16 in workgroup memory.
 *
 * An integer less its zero is a whole number of at most 255, which f16 holds as it is. The scale of an output is the same for all of
 * its inputs, so it waits until the sum is there: int8 loses nothing here that the rounding of x has not lost.
 */
import { int8Layout } from '../../../engine/int8.ts';
import { unroll } from '../../../engine/wgsl/functions.ts';
import type { Gemm } from './gemm.ts';

/** Outputs of a workgroup, those of a panel, and its threads. */
export const COLUMNS = 64;
export const THREADS = 128;

/** The texts that know how W is stored. `group` and `thread` are known in all of them. */
export interface MatrixWeights {
  /** Of k in a round; a workgroup has 16 KiB for all tiles. */
  readonly depth: 16 | 32;
  readonly declarations: string;
  /** Statements before the first round. */
  readonly prepare: string;
  /** Statements that ask for what the round from `k0` on wants, and those that put it in its place. */
  fetch(k0: string): string;
  keep(tile: string): string;
  /** The array that matrices are loaded from, elements from one k to the next, and where k0 + kk begins. */
  readonly from: string;
  readonly stride: number;
  at(k0: string, kk: string): string;
  /** Expression for the outputs of four sums, of outputs `j` to j + 3. */
  finished(sums: string, j: string): string;
}

export function storedHalves({ k }: Gemm): MatrixWeights {
  return {
    depth: k % 32 === 0 ? 32 : 16,
    declarations: '',
    prepare: '',
    fetch: () => '',
    keep: () => '',
    from: 'w',
    stride: COLUMNS,
    at: (k0, kk) => `(group.x * ${k}u + ${k0} + ${kk}) * ${COLUMNS}u`,
    finished: (sums) => sums,
  };
}

/** Two pairs of tiles as those of x; a thread has two inputs of four outputs of each. @see int8.ts: how they are stored */
export function int8Weights({ n, k }: Gemm): MatrixWeights {
  const depth = 16;
  const { groups, scales, zeros } = int8Layout([Math.ceil(n / COLUMNS), k, COLUMNS], Number.POSITIVE_INFINITY);
  const fours = COLUMNS / 4;
  // A k begins a few banks after the one before.
  const stride = COLUMNS + 8;
  const floats = (bytes: number, j: string): string => {
    const at = `${bytes / 8}u + (${j}) / 2u`;
    return `vec4f(bitcast<vec2f>(w[${at}]), bitcast<vec2f>(w[${at} + 1u]))`;
  };
  return {
    depth,
    declarations: `var<workgroup> wTiles: array<f16, ${2 * depth * stride}>;`,
    prepare: /* wgsl */ `
  let wFour = thread % ${fours}u;
  let wPair = thread / ${fours}u;
  let zeros = ${floats(zeros, `group.x * ${COLUMNS}u + 4u * wFour`)};
  var pairs: vec2u;`,
    fetch: (k0) => `\n    pairs = w[(group.x * ${groups}u + ${k0} / 2u + wPair) * ${fours}u + wFour];`,
    keep: (tile) => /* wgsl */ `
    {
      let a = vec4f(unpack4xI8(pairs.x));
      let b = vec4f(unpack4xI8(pairs.y));
      let first = vec4f(a.xz, b.xz) - zeros;
      let second = vec4f(a.yw, b.yw) - zeros;
      let to = (${tile} * ${depth}u + 2u * wPair) * ${stride}u + 4u * wFour;
${unroll(4, (i) => `      wTiles[to + ${i}u] = f16(first[${i}]);\n      wTiles[to + ${stride + i}u] = f16(second[${i}]);`)}
    }`,
    from: 'wTiles',
    stride,
    at: (k0, kk) => `(((${k0} / ${depth}u) & 1u) * ${depth}u + ${kk}) * ${stride}u`,
    finished: (sums, j) => `${sums} * ${floats(scales, j)}`,
  };
}
