/**
 * Tiles of x and W in workgroup memory: many rows on hardware. 256 threads compute 64 or 128 rows x 64 outputs, a thread 4 or 8
 * rows x 4 outputs.
 *
 * There are two pairs of tiles, which fill 16 KiB at most, all that WebGPU promises: while one pair is multiplied, the next k
 * are on their way in registers, and go to the other pair before the only barrier of the round.
 */
import { unroll } from '../../../engine/wgsl/functions.ts';
import type { Grid } from '../../../engine/wgsl/variant.ts';
import { BLOCK, FEW_ROWS, type Gemm, type GemmShape, hasVectors, SOME_ROWS } from './gemm.ts';

interface Tile {
  readonly rows: 64 | 128;
  /** Of k; with more the tiles would not fit. */
  readonly depth: 8 | 16;
}

const COLUMNS = 64;
const THREADS = 256;

/** One workgroup for each of 132 cores: with fewer, smaller tiles win, though they fetch more. */
const LEAST_GROUPS = 132;

/** Workgroups from which on larger tiles win, since each number that they fetch is used more often: two on each of 132 cores. */
const ENOUGH_GROUPS = 264;

const shapeOf = (tile: Tile): GemmShape => ({
  name: `tiled${tile.rows}`,
  suits: 'hardware',
  rows: { min: SOME_ROWS + 1 },
  writesFours: true,
  when: (p) => hasVectors(p) && p.rows > FEW_ROWS,
  vec4: ['x', 'w'],
  groups: (p, liveRows) => tiledGroups(p, liveRows, tile),
  wgsl: (p) => tiledText(p, tile),
});

export const tiled64: GemmShape = {
  ...shapeOf({ rows: 64, depth: 16 }),
  pays: (p) => groupsOf(p, 64) >= LEAST_GROUPS,
};

export const tiled128: GemmShape = {
  ...shapeOf({ rows: 128, depth: 8 }),
  pays: (p) => groupsOf(p, 128) >= ENOUGH_GROUPS,
};

function groupsOf({ n, rows }: Gemm, tileRows: number): number {
  return Math.ceil(n / COLUMNS) * Math.ceil(rows / tileRows);
}

function tiledText(p: Gemm, tile: Tile): string {
  const { rows, n, k, panelWidth, xStride } = p;
  const { depth } = tile;
  // Vectors of four rows: in a tile, and of one thread.
  const inTile = tile.rows / 4;
  const ofThread = tile.rows / 64;
  const each = (line: (r: number) => string): string => unroll(4 * ofThread, line);
  // 64 threads fetch x, 128 fetch W, each up to four vec4f.
  const wParts = (depth * COLUMNS) / 4 / 128;
  const isRagged = k % depth !== 0;
  const inK = (at: string): string => (isRagged ? `${at} < ${k}u` : 'true');
  const fetch = (k0: string): string => /* wgsl */ `
    if (thread < 64u) {
      if (${inK(`${k0} + 4u * xQuad`)}) {
${unroll(4, (s) => `        part${s} = x[x${s}At + ${k0} / 4u];`)}
      }${isRagged ? ` else {\n${unroll(4, (s) => `        part${s} = vec4f();`)}\n      }` : ''}
    } else if (thread >= 128u) {
${unroll(
  wParts,
  (s) => `      {
        let kk = ${k0} + wK + ${8 * s}u;
        ${isRagged ? `part${s} = vec4f();` : ''}
        if (${inK('kk')}) { part${s} = load4_w(wAt + kk * ${panelWidth / 4}u); }
      }`,
)}
    }`;
  // x comes as four rows of four k each and goes as four k of four rows each.
  const keep = (pair: string): string => /* wgsl */ `
    if (thread < 64u) {
${unroll(4, (s) => `      xTiles[${pair}][4u * xQuad + ${s}u][xVector] = vec4f(part0[${s}], part1[${s}], part2[${s}], part3[${s}]);`)}
    } else if (thread >= 128u) {
${unroll(wParts, (s) => `      wTiles[${pair}][wK + ${8 * s}u][wVector] = part${s};`)}
    }`;
  const hasBlocks = k > BLOCK;
  return /* wgsl */ `
${p.put4}
var<workgroup> xTiles: array<array<array<vec4f, ${inTile}>, ${depth}>, 2>;
var<workgroup> wTiles: array<array<array<vec4f, ${COLUMNS / 4}>, ${depth}>, 2>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let firstRow = group.y * ${tile.rows}u;
  let firstColumn = group.x * ${COLUMNS}u;
  // Of x a thread fetches a block of 4 rows x 4 k; rows after the last repeat it.
  let xVector = thread % ${inTile}u;
  let xQuad = thread / ${inTile}u;
${unroll(4, (s) => `  let x${s}At = min(firstRow + 4u * xVector + ${s}u, ${rows - 1}u) * ${xStride / 4}u + xQuad;`)}
  // Of W a vec4f of columns of every eighth k; columns after the last panel repeat the last.
  let wVector = thread % ${COLUMNS / 4}u;
  let wK = thread % 128u / ${COLUMNS / 4}u;
  let column = min(firstColumn + 4u * wVector, ${Math.ceil(n / panelWidth) * panelWidth - 4}u);
  let wAt = (column / ${panelWidth}u) * ${(k * panelWidth) / 4}u + (column % ${panelWidth}u) / 4u;
  // It computes these.
  let tx = thread % ${COLUMNS / 4}u;
  let ty = thread / ${COLUMNS / 4}u;
${unroll(4, (s) => `  var part${s} = vec4f();`)}
${each((r) => `  var sum${r} = vec4f();${hasBlocks ? `\n  var total${r} = vec4f();` : ''}`)}
${fetch('0u')}
${keep('0u')}
  workgroupBarrier();
  for (var k0 = 0u; k0 < ${k}u; k0 += ${depth}u) {
    let pair = (k0 / ${depth}u) & 1u;
    let next = k0 + ${depth}u;
    if (next < ${k}u) {${fetch('next')}
    }
    for (var kk = 0u; kk < ${depth}u; kk++) {
      let v = wTiles[pair][kk][tx];
${unroll(
  ofThread,
  (i) => `      let a${i} = xTiles[pair][kk][${ofThread}u * ty + ${i}u];
${unroll(4, (r) => `      sum${4 * i + r} += a${i}[${r}] * v;`)}`,
)}
    }
    if (next < ${k}u) {${keep('1u - pair')}
    }
${hasBlocks ? `    if ((next & ${BLOCK - 1}u) == 0u) {\n${each((r) => `      total${r} += sum${r};\n      sum${r} = vec4f();`)}\n    }` : ''}
    workgroupBarrier();
  }
  let j = firstColumn + 4u * tx;
  let row = firstRow + ${4 * ofThread}u * ty;
  if (j >= ${n}u) { return; }
${each((r) => `  if (row + ${r}u < ${rows}u) { put4(row + ${r}u, j, ${hasBlocks ? `total${r} + ` : ''}sum${r}); }`)}
}`;
}

function tiledGroups(p: Gemm, liveRows: number, tile: Tile): Grid {
  return [Math.ceil(p.n / COLUMNS), Math.ceil(liveRows / tile.rows), 1];
}
