/** A thread's block of outputs in registers, for software adapters, where workgroup memory and barriers cost more than they save. */
import { unroll } from '../../../engine/wgsl/functions.ts';
import { BLOCK, type Gemm } from './gemm.ts';

export interface RegisterBlock {
  readonly rows: number;
  /** A multiple of 4. */
  readonly columns: number;
  /** Statements for each input `i` before its values are asked for. */
  readonly load?: string;
  /** Expression for input `i` of a row of the block. */
  value(r: number): string;
}

/**
 * Statements that sum and store the outputs from `row` and `j` on. `at` is where the fours of columns j and on lie in W, a variable;
 * `groups` are num_workgroups, of which the last is 1.
 *
 * `terms` is k, so that Mesa's compiler cannot know it: two blocks it would unroll, which takes it 17 s and gigabytes. The outputs
 * are stored in a loop: unrolled, the code of `put` (GELU, bias) would be there once for each and cost seconds to compile; from a
 * copy, since what is indexed by a variable leaves registers.
 */
export function registerBlock({ rows, columns, load = '', value }: RegisterBlock, p: Gemm): string {
  const vectors = columns / 4;
  const count = rows * vectors;
  const each = (line: (r: number, c: number) => string): string =>
    unroll(rows, (r) => unroll(vectors, (c) => line(r, c)));
  const totals = Array.from({ length: count }, (_, i) => `total${Math.floor(i / vectors)}_${i % vectors}`);
  return /* wgsl */ `
${each((r, c) => `  var total${r}_${c} = vec4f();`)}
  let terms = ${p.k}u * groups.z;
  for (var start = 0u; start < terms; start += ${BLOCK}u) {
    let end = min(start + ${BLOCK}u, terms);
${each((r, c) => `    var sum${r}_${c} = vec4f();`)}
    for (var i = start; i < end; i++) {
${unroll(vectors, (c) => `      let w${c} = load4_w(at + ${c}u);`)}
${load}
${unroll(
  rows,
  (r) => `      {
        let value = ${value(r)};
${unroll(vectors, (c) => `        sum${r}_${c} += value * w${c};`)}
      }`,
)}
      at += ${p.panelWidth / 4}u;
    }
${each((r, c) => `    total${r}_${c} += sum${r}_${c};`)}
  }
  var sums = array<vec4f, ${count}>(${totals.join(', ')});
  for (var i = 0u; i < ${count * 4}u; i++) {
    let r = row + i / ${columns}u;
    let c = j + i % ${columns}u;
    if (r < ${p.rows}u && c < ${p.n}u) { put(r, c, sums[i / 4u][i % 4u]); }
  }`;
}
