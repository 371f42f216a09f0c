/**
 * One thread a block of outputs in registers, no workgroup memory: for software adapters, where a barrier splits a kernel into
 * coroutines.
 */
import { unroll } from '../../../engine/wgsl/functions.ts';
import type { Grid } from '../../../engine/wgsl/variant.ts';
import { BLOCK, FEW_ROWS, type Gemm, type GemmShape } from './gemm.ts';

export const direct: GemmShape = {
  name: 'direct',
  suits: 'software',
  rows: { min: FEW_ROWS + 1 },
  when: ({ rows, panelWidth }) => panelWidth % 4 === 0 && rows > FEW_ROWS,
  vec4: ['w'],
  groups: directGroups,
  wgsl: directText,
};

/** The same for few rows. */
export const directFew: GemmShape = {
  ...direct,
  name: 'directFew',
  rows: { max: FEW_ROWS },
  when: ({ rows, panelWidth }) => panelWidth % 4 === 0 && rows <= FEW_ROWS,
};

/**
 * What one thread of `direct` computes, and the threads of a workgroup along outputs and rows. Measured on lavapipe 25: a
 * load costs as much as six multiply-adds and 25 ms of compilation for each scalar in the text, so the loop over k is not
 * unrolled, and 8 x 8 outputs of a thread are as fast as 16 x 16 and compile in a quarter of the time.
 */
interface DirectShape {
  readonly rows: number;
  /** Multiple of 4 that divides the panel. */
  readonly columns: number;
  readonly groupX: number;
  readonly groupY: number;
}

function directShape({ rows, panelWidth }: Gemm): DirectShape {
  const columns = panelWidth % 8 === 0 ? 8 : 4;
  return rows <= FEW_ROWS ? { rows, columns, groupX: 64, groupY: 1 } : { rows: 8, columns, groupX: 8, groupY: 8 };
}

/**
 * `terms` is k, so that Mesa's compiler cannot know it: two blocks it would unroll, which takes it 17 s and gigabytes.
 */
function directText(p: Gemm): string {
  const { rows, n, k, panelWidth } = p;
  const shape = directShape(p);
  const vectors = shape.columns / 4;
  const each = (line: (r: number, c: number) => string): string =>
    unroll(shape.rows, (r) => unroll(vectors, (c) => line(r, c)));
  return /* wgsl */ `
${p.put}
@compute @workgroup_size(${shape.groupX}, ${shape.groupY})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let j = id.x * ${shape.columns}u;
  let row = id.y * ${shape.rows}u;
  if (j >= ${n}u || row >= ${rows}u) { return; }
  var at = (j / ${panelWidth}u) * ${(k * panelWidth) / 4}u + (j % ${panelWidth}u) / 4u;
${unroll(shape.rows, (r) => `  let row${r}At = min(row + ${r}u, ${rows - 1}u) * ${p.xStride}u;`)}
${each((r, c) => `  var total${r}_${c} = vec4f();`)}
  let terms = ${k}u * groups.z;
  for (var start = 0u; start < terms; start += ${BLOCK}u) {
    let end = min(start + ${BLOCK}u, terms);
${each((r, c) => `    var sum${r}_${c} = vec4f();`)}
    for (var i = start; i < end; i++) {
${unroll(vectors, (c) => `      let w${c} = load4_w(at + ${c}u);`)}
${unroll(
  shape.rows,
  (r) => `      {
        let x = x[row${r}At + i];
${unroll(vectors, (c) => `        sum${r}_${c} += x * w${c};`)}
      }`,
)}
      at += ${panelWidth / 4}u;
    }
${each((r, c) => `    total${r}_${c} += sum${r}_${c};`)}
  }
${putBlock({ total: (r, c) => `total${r}_${c}`, rows: shape.rows, vectors }, p)}
}`;
}

function directGroups(p: Gemm, liveRows: number): Grid {
  const shape = directShape(p);
  const columns = shape.columns * shape.groupX;
  return [Math.ceil(p.n / columns), Math.ceil(liveRows / (shape.rows * shape.groupY)), 1];
}

/**
 * Stores a thread's block of outputs, from `row` and `j` on, in a loop: unrolled, the code of `put` (GELU, bias) would be there once
 * for each output and cost a software adapter seconds to compile. From a copy, since what is indexed by a variable leaves registers.
 *
 * @param total the variable, a vec4f, of a row and four columns of the block
 */
export function putBlock(
  block: { readonly total: (r: number, c: number) => string; readonly rows: number; readonly vectors: number },
  { rows, n }: Gemm,
): string {
  const { vectors } = block;
  const count = block.rows * vectors;
  const totals = Array.from({ length: count }, (_, i) => block.total(Math.floor(i / vectors), i % vectors));
  return /* wgsl */ `
  var sums = array<vec4f, ${count}>(${totals.join(', ')});
  for (var i = 0u; i < ${count * 4}u; i++) {
    let r = row + i / ${vectors * 4}u;
    let c = j + i % ${vectors * 4}u;
    if (r < ${rows}u && c < ${n}u) { put(r, c, sums[i / 4u][i % 4u]); }
  }`;
}
