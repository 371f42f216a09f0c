/**
 * WGSL of products y = x W^T with W in panels, shared by `matmul`, `conv1d` and `logits`.
 *
 * Shapes of the same sum, all accumulated in f32, where many terms come one after another in blocks of 256:
 * - `plain`: one thread an output, any sizes. The reference of the others, and what odd sizes run.
 * - `direct`: one thread a block of outputs in registers, no workgroup memory. Software adapters, where a barrier splits a
 *   kernel into coroutines. `directFew` is the same for few rows.
 * - `tiled`: 64 x 64 outputs a workgroup, tiles of x and W in workgroup memory. Many rows on hardware.
 * - `sliced`: few rows on hardware, where the bytes of W are the limit: a workgroup takes 16 to 64 outputs and cuts k into
 *   slices.
 *
 * The kernel gives `fn put(row: u32, j: u32, value: f32)`, which finishes and stores one output; row and j are in range.
 */
import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import type { KernelContext } from '../../engine/variant.ts';
import { unroll } from '../../engine/wgsl/functions.ts';
import type { Grid, WgslVariant } from '../../engine/wgsl/variant.ts';

export interface Gemm {
  /** Rows at most; rows below it may be computed though they are not live. */
  readonly rows: number;
  readonly n: number;
  readonly k: number;
  readonly panelWidth: number;
  /** Elements of x from the start of one row to the next. */
  readonly xStride: number;
  readonly put: string;
}

/**
 * Terms that are summed in a row before they go to the sum of the whole. In one chain over k the rounding errors grow
 * with k: tiny's encoder was off by 2.7e-3 from PyTorch's on lavapipe, where 2e-3 is allowed. 256 as on the CPU.
 */
const BLOCK = 256;

/** x and w bound value by value. */
function plainText({ n, k, panelWidth, xStride, put }: Gemm): string {
  return /* wgsl */ `
${put}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let j = id.x;
  let row = id.y;
  if (j >= ${n}u) { return; }
  var at = (j / ${panelWidth}u) * ${k * panelWidth}u + j % ${panelWidth}u;
  var sum = 0f;
  for (var i = 0u; i < ${k}u; i++) {
    sum += x[row * ${xStride}u + i] * load_w(at);
    at += ${panelWidth}u;
  }
  put(row, j, sum);
}`;
}

function plainGroups(p: Gemm, liveRows: number): Grid {
  return [Math.ceil(p.n / 64), liveRows, 1];
}

/** x bound in groups of four: its last dim and `xStride` are multiples of 4. W's last dim is the panel's width. */
function hasVectors(p: Pick<Gemm, 'k' | 'panelWidth' | 'xStride'>): boolean {
  return p.k % 4 === 0 && p.xStride % 4 === 0 && p.panelWidth % 4 === 0;
}

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
  const vectors = shape.columns / 4;
  const each = (line: (r: number, c: number) => string): string =>
    unroll(shape.rows, (r) => unroll(vectors, (c) => line(r, c)));
  const totals = Array.from(
    { length: shape.rows * vectors },
    (_, i) => `total${Math.floor(i / vectors)}_${i % vectors}`,
  );
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
  // k, so that Mesa's compiler cannot know it: two blocks it would unroll, which takes it 17 s and gigabytes.
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
  // A copy, since what is indexed by a variable leaves registers.
  var sums = array<vec4f, ${shape.rows * vectors}>(${totals.join(', ')});
${putAll('row', 'j', shape.rows, vectors, p)}
}`;
}

function directGroups(p: Gemm, liveRows: number): Grid {
  const shape = directShape(p);
  const columns = shape.columns * shape.groupX;
  return [Math.ceil(p.n / columns), Math.ceil(liveRows / (shape.rows * shape.groupY)), 1];
}

/**
 * Stores a block of `sums`, in a loop: unrolled, the code of `put` (GELU, bias) would be there once for each output and
 * cost a software adapter seconds to compile.
 */
function putAll(row: string, column: string, rows: number, vectors: number, { rows: allRows, n }: Gemm): string {
  return /* wgsl */ `
  for (var i = 0u; i < ${rows * vectors * 4}u; i++) {
    let r = ${row} + i / ${vectors * 4}u;
    let c = ${column} + i % ${vectors * 4}u;
    if (r < ${allRows}u && c < ${n}u) { put(r, c, sums[i / 4u][i % 4u]); }
  }`;
}

const TILE = 64;
const TILE_K = 16;

/**
 * One workgroup of 128 threads computes 64 x 64 outputs, a thread 8 rows x 4 columns. For each 16 of k: x is stored
 * transposed, so a thread reads its 8 rows as two vec4f, and W as it lies in the panel.
 */
function tiledText(p: Gemm): string {
  const { rows, n, k, panelWidth } = p;
  const isRagged = k % TILE_K !== 0;
  const inK = (i: string): string => (isRagged ? `${i} < ${k}u` : 'true');
  return /* wgsl */ `
${p.put}
var<workgroup> xTile: array<array<vec4f, ${TILE / 4}>, ${TILE_K}>;
var<workgroup> wTile: array<array<vec4f, ${TILE / 4}>, ${TILE_K}>;
@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let firstRow = group.y * ${TILE}u;
  let firstColumn = group.x * ${TILE}u;
  // For loading x: this thread's row of the tile, and which half of the vec4f along k.
  let loadRow = thread % ${TILE}u;
  let loadHalf = thread / ${TILE}u;
  let xAt = min(firstRow + loadRow, ${rows - 1}u) * ${p.xStride / 4}u;
  // For loading W: this thread's vec4f of columns, and its first k; columns after the last panel repeat the last.
  let loadVector = thread % ${TILE / 4}u;
  let loadK = thread / ${TILE / 4}u;
  let column = min(firstColumn + 4u * loadVector, ${Math.ceil(n / panelWidth) * panelWidth - 4}u);
  let wAt = (column / ${panelWidth}u) * ${(k * panelWidth) / 4}u + (column % ${panelWidth}u) / 4u;
  // For computing.
  let tx = thread % ${TILE / 4}u;
  let ty = thread / ${TILE / 4}u;
${unroll(8, (r) => `  var total${r} = vec4f();`)}
${unroll(8, (r) => `  var sum${r} = vec4f();`)}
  for (var k0 = 0u; k0 < ${k}u; k0 += ${TILE_K}u) {
${unroll(
  2,
  (h) => `    {
      let kq = 2u * ${h}u + loadHalf;
      var value = vec4f();
      if (${inK('k0 + 4u * kq')}) { value = x[xAt + k0 / 4u + kq]; }
${unroll(4, (s) => `      xTile[4u * kq + ${s}u][loadRow / 4u][loadRow % 4u] = value[${s}];`)}
    }
    {
      let kk = ${8 * h}u + loadK;
      var value = vec4f();
      if (${inK('k0 + kk')}) { value = load4_w(wAt + (k0 + kk) * ${panelWidth / 4}u); }
      wTile[kk][loadVector] = value;
    }`,
)}
    workgroupBarrier();
    for (var kk = 0u; kk < ${TILE_K}u; kk++) {
      let a = xTile[kk][2u * ty];
      let b = xTile[kk][2u * ty + 1u];
      let v = wTile[kk][tx];
${unroll(4, (r) => `      sum${r} += a[${r}] * v;\n      sum${r + 4} += b[${r}] * v;`)}
    }
    workgroupBarrier();
    if (k0 % ${BLOCK}u == ${BLOCK - TILE_K}u) {
${unroll(8, (r) => `      total${r} += sum${r};\n      sum${r} = vec4f();`)}
    }
  }
  let j = firstColumn + 4u * tx;
  let row = firstRow + 8u * ty;
  // A copy, since what is indexed by a variable leaves registers.
  var sums = array<vec4f, 8>(${Array.from({ length: 8 }, (_, r) => `total${r} + sum${r}`).join(', ')});
${putAll('row', 'j', 8, 1, p)}
}`;
}

function tiledGroups(p: Gemm, liveRows: number): Grid {
  return [Math.ceil(p.n / TILE), Math.ceil(liveRows / TILE), 1];
}

const SLICED_THREADS = 128;

/** vec4f of outputs that a workgroup of `sliced` takes: fewer for small n, so that there are enough groups. */
function slicedLanes(n: number): number {
  return n >= 4096 ? 16 : n >= 1024 ? 8 : 4;
}

/**
 * One workgroup of 128 threads computes up to 64 outputs of all rows (at most 8, so that their parts fill the 16 KiB of
 * workgroup memory). Neighbouring threads read neighbouring vec4f of a panel, the next ones the next k; each thread sums
 * every slices-th k, then one thread an output adds the slices in order.
 */
function slicedText(p: Gemm): string {
  const { rows, n, k, panelWidth } = p;
  const lanes = slicedLanes(n);
  const slices = SLICED_THREADS / lanes;
  const lastColumn = Math.ceil(n / panelWidth) * panelWidth - 4;
  return /* wgsl */ `
${p.put}
var<workgroup> parts: array<vec4f, ${rows * SLICED_THREADS}>;
@compute @workgroup_size(${SLICED_THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let lane = thread % ${lanes}u;
  let slice = thread / ${lanes}u;
  let column = min((group.x * ${lanes}u + lane) * 4u, ${lastColumn}u);
  let wAt = (column / ${panelWidth}u) * ${(k * panelWidth) / 4}u + (column % ${panelWidth}u) / 4u;
${unroll(rows, (r) => `  var sum${r} = vec4f();`)}
  for (var i = slice; i < ${k}u; i += ${slices}u) {
    let value = load4_w(wAt + i * ${panelWidth / 4}u);
${unroll(rows, (r) => `    sum${r} += x[${r * p.xStride}u + i] * value;`)}
  }
${unroll(rows, (r) => `  parts[${r * SLICED_THREADS}u + thread] = sum${r};`)}
  workgroupBarrier();
  for (var o = thread; o < ${rows * lanes * 4}u; o += ${SLICED_THREADS}u) {
    let row = o / ${lanes * 4}u;
    let c = o % ${lanes * 4}u;
    let j = group.x * ${lanes * 4}u + c;
    var sum = 0f;
    for (var s = 0u; s < ${slices}u; s++) { sum += parts[row * ${SLICED_THREADS}u + s * ${lanes}u + c / 4u][c % 4u]; }
    if (j < ${n}u) { put(row, j, sum); }
  }
}`;
}

function slicedGroups(p: Gemm): Grid {
  return [Math.ceil(p.n / (4 * slicedLanes(p.n))), 1, 1];
}

/** Most live rows of the variants for few rows: above, tiles read W less often. */
const FEW_ROWS = 8;

/** The variants of a kernel that is such a product. */
export function gemmWgsl<D extends string, P extends string>(
  gemm: (c: KernelContext<D | 'rows', P>) => Gemm,
): readonly WgslVariant<D | 'rows', P>[] {
  // A kernel without a dim `rows` always runs them all.
  const rowsToRun = (c: KernelContext<D | 'rows', P>, liveRows: number): number =>
    c.sumsAs === 0 ? gemm(c).rows : liveRows;
  const takes = { w: WEIGHT_TYPES };
  return [
    {
      name: 'tiled',
      suits: 'hardware',
      takes,
      rows: { min: FEW_ROWS + 1 },
      when: (c) => hasVectors(gemm(c)) && gemm(c).rows > FEW_ROWS,
      vec4: ['x', 'w'],
      groups: (c, liveRows) => tiledGroups(gemm(c), rowsToRun(c, liveRows)),
      wgsl: (c) => tiledText(gemm(c)),
    },
    {
      name: 'sliced',
      suits: 'hardware',
      takes,
      rows: { max: FEW_ROWS },
      when: (c) => gemm(c).panelWidth % 4 === 0 && gemm(c).rows <= FEW_ROWS,
      vec4: ['w'],
      groups: (c) => slicedGroups(gemm(c)),
      wgsl: (c) => slicedText(gemm(c)),
    },
    {
      name: 'directFew',
      suits: 'software',
      takes,
      rows: { max: FEW_ROWS },
      when: (c) => gemm(c).panelWidth % 4 === 0 && gemm(c).rows <= FEW_ROWS,
      vec4: ['w'],
      groups: (c, liveRows) => directGroups(gemm(c), rowsToRun(c, liveRows)),
      wgsl: (c) => directText(gemm(c)),
    },
    {
      name: 'direct',
      suits: 'software',
      takes,
      rows: { min: FEW_ROWS + 1 },
      when: (c) => gemm(c).panelWidth % 4 === 0 && gemm(c).rows > FEW_ROWS,
      vec4: ['w'],
      groups: (c, liveRows) => directGroups(gemm(c), rowsToRun(c, liveRows)),
      wgsl: (c) => directText(gemm(c)),
    },
    {
      name: 'plain',
      takes,
      groups: (c, liveRows) => plainGroups(gemm(c), rowsToRun(c, liveRows)),
      wgsl: (c) => plainText(gemm(c)),
    },
  ];
}
