/**
 * One thread a block of outputs in registers, no workgroup memory: for software adapters, where a barrier splits a kernel into
 * coroutines.
 */
import { unroll } from '../../../engine/wgsl/functions.ts';
import type { Grid } from '../../../engine/wgsl/variant.ts';
import { FEW_ROWS, type Gemm, type GemmShape } from './gemm.ts';
import { registerBlock } from './registerBlock.ts';

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

function directText(p: Gemm): string {
  const { rows, n, k, panelWidth } = p;
  const shape = directShape(p);
  return /* wgsl */ `
${p.put}
@compute @workgroup_size(${shape.groupX}, ${shape.groupY})
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let j = id.x * ${shape.columns}u;
  let row = id.y * ${shape.rows}u;
  if (j >= ${n}u || row >= ${rows}u) { return; }
  var at = (j / ${panelWidth}u) * ${(k * panelWidth) / 4}u + (j % ${panelWidth}u) / 4u;
${unroll(shape.rows, (r) => `  let row${r}At = min(row + ${r}u, ${rows - 1}u) * ${p.xStride}u;`)}
${registerBlock({ ...shape, value: (r) => `x[row${r}At + i]` }, p)}
}`;
}

function directGroups(p: Gemm, liveRows: number): Grid {
  const shape = directShape(p);
  const columns = shape.columns * shape.groupX;
  return [Math.ceil(p.n / columns), Math.ceil(liveRows / (shape.rows * shape.groupY)), 1];
}
