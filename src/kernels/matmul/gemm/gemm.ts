/** A product y = x W^T with W in panels, as the shapes of its WGSL see it; what they share. */
import type { RowRange } from '../../../engine/variant.ts';
import type { GpuFeatures } from '../../../engine/wgsl/features.ts';
import type { Grid, WgslVariant } from '../../../engine/wgsl/variant.ts';

export interface Gemm {
  /** Rows at most; rows below it may be computed though they are not live. */
  readonly rows: number;
  readonly n: number;
  readonly k: number;
  readonly panelWidth: number;
  /** Elements of x from the start of one row to the next. */
  readonly xStride: number;
  /** `fn put(row: u32, j: u32, value: f32)`: finishes and stores one output; row and j are in range. */
  readonly put: string;
}

/** A way to compute it: a variant of every kernel that is such a product. */
export interface GemmShape extends Pick<WgslVariant, 'name' | 'suits' | 'needs' | 'vec4'> {
  readonly rows?: RowRange;
  when?(p: Gemm): boolean;
  groups(p: Gemm, liveRows: number): Grid;
  wgsl(p: Gemm, gpu: GpuFeatures): string;
}

/** Most live rows of the variants for few rows: above, tiles read W less often. */
export const FEW_ROWS = 8;

/**
 * Terms that are summed in a row before they go to the sum of the whole. In one chain over k the rounding errors grow
 * with k: tiny's encoder was off by 2.7e-3 from PyTorch's on lavapipe, where 2e-3 is allowed. 256 as on the CPU.
 */
export const BLOCK = 256;

/** x bound in groups of four: its last dim and `xStride` are multiples of 4. W's last dim is the panel's width. */
export function hasVectors(p: Pick<Gemm, 'k' | 'panelWidth' | 'xStride'>): boolean {
  return p.k % 4 === 0 && p.xStride % 4 === 0 && p.panelWidth % 4 === 0;
}

/**
 * Stores a block of `sums`, in a loop: unrolled, the code of `put` (GELU, bias) would be there once for each output and
 * cost a software adapter seconds to compile.
 */
export function putAll(row: string, column: string, rows: number, vectors: number, { rows: allRows, n }: Gemm): string {
  return /* wgsl */ `
  for (var i = 0u; i < ${rows * vectors * 4}u; i++) {
    let r = ${row} + i / ${vectors * 4}u;
    let c = ${column} + i % ${vectors * 4}u;
    if (r < ${allRows}u && c < ${n}u) { put(r, c, sums[i / 4u][i % 4u]); }
  }`;
}
