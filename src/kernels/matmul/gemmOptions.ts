/** What code for a product over weights in panels is generated for. */
import type { DType } from '../../engine/dtype.ts';
import type { I32 } from '../../engine/wasm/scalar.ts';

export interface GemmOptions {
  /** Live rows at most. */
  readonly rows: number;
  /** Decides whether a long k is summed in blocks, so that a row's sum is the same for any live rows: `KernelContext`. */
  readonly sumsAs: number;
  readonly k: number;
  /** Columns of y that are written. */
  readonly n: number;
  readonly panelWidth: number;
  /** How W is stored. */
  readonly dtype: DType;
  /** From row to row, in bytes. Rows of x may overlap. */
  readonly xStride: number;
  readonly yStride: number;
  readonly bias: boolean;
  readonly gelu: boolean;
  /** + added[row, column] after GELU, rows `yStride` apart. */
  readonly added: boolean;
}

/** Addresses of row 0, column 0. */
export interface GemmArgs {
  readonly x: I32;
  readonly w: I32;
  readonly y: I32;
  readonly bias: I32;
  readonly added: I32;
  /** Rows that are there. */
  readonly rows: I32;
  /** Of the thread; not used for weights that need no unpacking. */
  readonly scratch: I32;
}

/** What one work item has to do. */
export interface GemmRange {
  readonly firstRow: I32;
  readonly endRow: I32;
  readonly firstPanel: I32;
  readonly endPanel: I32;
}
