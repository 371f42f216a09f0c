/**
 * 9 to 64 rows on hardware, as a batch of windows brings: tiles of 16 to 64 rows and few outputs, so that there are enough workgroups
 * (rowTile.ts), whose threads share the k among them in slices, so that each has enough to do.
 *
 * A thread sums 4 rows x 4 outputs over the fours of k of its slice; then the slices are added, in two rounds of about as many terms.
 */
import { unroll } from '../../../engine/wgsl/functions.ts';
import { BLOCK, FEW_ROWS, type Gemm, type GemmShape, hasVectors } from './gemm.ts';
import { type RowTile, rowTile, tileGrid } from './rowTile.ts';

const shapeOf = (name: string, rows: Required<GemmShape>['rows']): GemmShape => ({
  name,
  suits: 'hardware',
  rows,
  when: (p) => hasVectors(p) && p.rows > FEW_ROWS,
  vec4: ['x', 'w'],
  groups: (p, liveRows) => [...tileGrid(p, rowTile(p), liveRows), 1],
  wgsl: (p) => rowsText({ ...p, parts: 1, inputs: xInputs(p) }),
});

/** A shape for each number of rows that may share a tile; the last for more rows too, where tiles of W and x cannot be. */
export const rows16 = shapeOf('rows16', { min: FEW_ROWS + 1, max: 16 });
export const rows32 = shapeOf('rows32', { min: 17, max: 32 });
export const rows64 = shapeOf('rows64', { min: 33 });
export const EACH_ROWS = [rows16, rows32, rows64] as const;

export interface RowsProduct extends Omit<Gemm, 'put4' | 'xStride'> {
  /** Of the inputs, each of which gives sums of its own: k is a multiple of four times as many. */
  readonly parts: number;
  /** `fn inputs(row: u32, four: u32) -> vec4f`: inputs 4 four to 4 four + 3 of a row that is there. */
  readonly inputs: string;
  /** As Gemm's; where there are several parts, with a fourth argument that says which: `part: u32`. */
  readonly put: string;
}

/** `inputs` of a product whose x is bound in fours. */
export function xInputs({ xStride }: Pick<Gemm, 'xStride'>): string {
  return `fn inputs(row: u32, four: u32) -> vec4f { return x[row * ${xStride / 4}u + four]; }`;
}

/** Rows and outputs of a thread. */
const OWN = 4;

/** Threads of a workgroup: 256, or fewer where a slice would have no k. */
function threadsOf(across: number, fours: number): number {
  return [256, 128, 64].find((threads) => threads / across <= fours || threads === across) ?? Math.max(64, across);
}

/** A workgroup a tile and part; `w` in fours, 16 KiB of workgroup memory at most. */
export function rowsText(p: RowsProduct, tile: RowTile = rowTile(p, p.parts)): string {
  const { rows, n, k, panelWidth, parts } = p;
  const { lanes } = tile;
  // Threads of one slice, fours of k of a part, and how many slices there are.
  const across = (lanes * tile.rows) / OWN;
  const fours = k / 4 / parts;
  const threads = threadsOf(across, fours);
  const slices = threads / across;
  // In the first round a thread adds every so many-th slice of one row, and leaves that where the sums of row 0 were; then these are added.
  const few = Math.max(1, slices / OWN);
  const outputs = OWN * across;
  // Columns after the last panel and rows after the last repeat the last.
  const lastColumn = Math.ceil(n / panelWidth) * panelWidth - 4;
  const hasBlocks = (4 * fours) / slices > BLOCK;
  const isInParts = parts > 1;
  const add = /* wgsl */ `
${unroll(4, (s) => `    let w${s} = load4_w(wAt + (4u * four + ${s}u) * ${panelWidth / 4}u);`)}
${unroll(OWN, (r) => `    let x${r} = inputs(row${r}, four);`)}
${unroll(OWN, (r) => `    sum${r} += ${[0, 1, 2, 3].map((s) => `x${r}[${s}] * w${s}`).join(' + ')};`)}`;
  const loop = (end: string): string => `  for (; four < ${end}; four += ${slices}u) {${add}\n  }`;
  return /* wgsl */ `
${p.put}
${p.inputs}
var<workgroup> sums: array<array<vec4f, ${threads}>, ${OWN}>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let firstColumn = group.x * ${4 * lanes}u;
  let firstRow = group.y * ${tile.rows}u;
  let lane = thread % ${lanes}u;
  let row = firstRow + ${OWN}u * (thread / ${lanes}u % ${tile.rows / OWN}u);
  let slice = thread / ${across}u;
  let column = min(firstColumn + 4u * lane, ${lastColumn}u);
  let wAt = (column / ${panelWidth}u) * ${(k * panelWidth) / 4}u + (column % ${panelWidth}u) / 4u;
${unroll(OWN, (r) => `  let row${r} = min(row + ${r}u, ${rows - 1}u);\n  var sum${r} = vec4f();`)}
  let end = ${isInParts ? `(group.z + 1u) * ${fours}u` : `${fours}u`};
  var four = ${isInParts ? `group.z * ${fours}u + ` : ''}slice;
${
  hasBlocks
    ? /* wgsl */ `
${unroll(OWN, (r) => `  var total${r} = vec4f();`)}
  while (four < end) {
    let stop = min(four + ${(BLOCK / 4) * slices}u, end);
${loop('stop')}
${unroll(OWN, (r) => `    total${r} += sum${r};\n    sum${r} = vec4f();`)}
  }
${unroll(OWN, (r) => `  sum${r} = total${r};`)}`
    : loop('end')
}
${unroll(OWN, (r) => `  sums[${r}][thread] = sum${r};`)}
  workgroupBarrier();
${
  few > 1
    ? /* wgsl */ `
  let which = thread % ${outputs}u;
  var some = vec4f();
  for (var s = thread / ${outputs}u; s < ${slices}u; s += ${few}u) { some += sums[which / ${across}u][s * ${across}u + which % ${across}u]; }
  workgroupBarrier();
  sums[0][thread] = some;
  workgroupBarrier();`
    : ''
}
  for (var o = thread; o < ${4 * outputs}u; o += ${threads}u) {
    let r = o / ${4 * lanes}u;
    let c = o % ${4 * lanes}u;
    let own = r / ${OWN}u * ${lanes}u + c / 4u;
    var sum = 0f;
    for (var s = 0u; s < ${few > 1 ? few : slices}u; s++) { sum += ${
      few > 1 ? `sums[0][s * ${outputs}u + r % ${OWN}u * ${across}u + own]` : `sums[r % ${OWN}u][s * ${across}u + own]`
    }[c % 4u]; }
    if (firstRow + r < ${rows}u && firstColumn + c < ${n}u) { put(firstRow + r, firstColumn + c, sum${isInParts ? ', group.z' : ''}); }
  }
}`;
}
