/** A product y = x W^T with W in panels, as the shapes of its WGSL see it; what they share. */
import type { DType } from '../../../engine/dtype.ts';
import type { RowRange } from '../../../engine/variant.ts';
import type { GpuFeatures } from '../../../engine/wgsl/features.ts';
import type { Reducer } from '../../../engine/wgsl/reducer.ts';
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
  /**
   * `fn put4(row: u32, j: u32, value: vec4f)`: the same for four neighbouring outputs, j a multiple of 4. Given where n is one;
   * the arguments that it touches are then bound in fours.
   */
  readonly put4?: string | undefined;
}

/** A way to compute it: a variant of every kernel that is such a product. */
export interface GemmShape extends Pick<WgslVariant, 'name' | 'suits' | 'needs' | 'vec4' | 'halves' | 'reduces'> {
  readonly rows?: RowRange;
  /** What W may be stored in; any type when absent. */
  readonly takes?: readonly DType[];
  /** Finishes its outputs by `put4`. */
  readonly writesFours?: boolean;
  when?(p: Gemm): boolean;
  pays?(p: Gemm): boolean;
  groups(p: Gemm, liveRows: number): Grid;
  wgsl(p: Gemm, gpu: GpuFeatures, by?: Reducer): string;
}

/** Most live rows of the variants for few rows: above, rows share what is read of W. */
export const FEW_ROWS = 8;

/** Most live rows of what is made for a batch of windows: above, there are tiles enough to fill a GPU. */
export const SOME_ROWS = 64;

/**
 * Terms that are summed in a row before they go to the sum of the whole. In one chain over k the rounding errors grow
 * with k: tiny's encoder was off by 2.7e-3 from PyTorch's on lavapipe, where 2e-3 is allowed. 256 as on the CPU.
 */
export const BLOCK = 256;

/** x bound in groups of four: its last dim and `xStride` are multiples of 4. W's last dim is the panel's width. */
export function hasVectors(p: Pick<Gemm, 'k' | 'panelWidth' | 'xStride'>): boolean {
  return p.k % 4 === 0 && p.xStride % 4 === 0 && p.panelWidth % 4 === 0;
}
