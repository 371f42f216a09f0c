/** What products of a step of more than a few rows share: tiles of rows (matmul/gemm/rows.wgsl.ts), whose outputs are stored in parts. */
import type { RowRange } from '../../engine/variant.ts';
import type { Grid, WgslVariant } from '../../engine/wgsl/variant.ts';
import { EACH_ROWS } from '../matmul/gemm/rows.wgsl.ts';
import { rowTile, tileGrid } from '../matmul/gemm/rowTile.ts';

/** A variant for each range of rows that has tiles of its own. */
export function ofManyRows<D extends string, P extends string = string>(
  variant: (rows: RowRange) => Omit<WgslVariant<D, P>, 'name'>,
): readonly WgslVariant<D, P>[] {
  return EACH_ROWS.map(({ name, rows = {} }) => ({ name, ...variant(rows) }));
}

/** Workgroups of such a product, y: [rows, parts, n]. */
export function tileGroups(d: Readonly<Record<'rows' | 'n' | 'k' | 'yWidth', number>>, liveRows: number): Grid {
  const parts = d.yWidth / d.n;
  return [...tileGrid(d, rowTile(d, parts), liveRows), parts];
}

/**
 * `put` of `rowsText`: the first part has the bias and the residual, all of whose parts it adds up.
 *
 * @param residualParts 0: there is no residual
 */
export function putPart({
  n,
  parts,
  residualParts,
}: Readonly<Record<'n' | 'parts' | 'residualParts', number>>): string {
  const whole = /* wgsl */ `
    value += bias[j];
    ${residualParts > 0 ? `for (var p = 0u; p < ${residualParts}u; p++) { value += residual[(row * ${residualParts}u + p) * ${n}u + j]; }` : ''}`;
  return parts > 1
    ? /* wgsl */ `
fn put(row: u32, j: u32, sum: f32, part: u32) {
  var value = sum;
  if (part == 0u) {${whole}
  }
  y[(row * ${parts}u + part) * ${n}u + j] = value;
}`
    : /* wgsl */ `
fn put(row: u32, j: u32, sum: f32) {
  var value = sum;${whole}
  y[row * ${n}u + j] = value;
}`;
}
