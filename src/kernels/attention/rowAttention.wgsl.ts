/**
 * Attention of a few new rows over cached rows of nState: the variants that self-attention and cross-attention share.
 */
import { CACHE_TYPES } from '../../engine/dtype.ts';
import type { KernelContext } from '../../engine/variant.ts';
import { f32, LOWEST, unroll } from '../../engine/wgsl/functions.ts';
import { byMemory, type Reducer } from '../../engine/wgsl/reducer.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { GROUP, headText } from './headOverKeys.wgsl.ts';

export interface RowAttentionSizes {
  readonly rows: number;
  readonly nState: number;
  /** From row to row of q. */
  readonly qWidth: number;
  readonly nCtx: number;
  readonly nHead: number;
}

/** What a kernel says of its rows. */
export interface RowAttention<D extends string> {
  sizes(c: KernelContext<D | 'rows', 'nHead'>): RowAttentionSizes;
  /**
   * Two functions: `keyCount(row)`, how many positions a row sees, and `place(row, key)`, where each lies in the cache, in rows
   * of nState.
   */
  keyPlace(c: KernelContext<D | 'rows', 'nHead'>): string;
  /** Are keys and values cached as rows? */
  hasRows(c: KernelContext<D | 'rows', 'nHead'>): boolean;
}

export function rowAttention<D extends string>(kernel: RowAttention<D>): readonly WgslVariant<D | 'rows', 'nHead'>[] {
  const takes = { keys: CACHE_TYPES, values: CACHE_TYPES };
  return [
    {
      name: 'groupPerHead',
      suits: 'hardware',
      takes,
      when: (c) => kernel.hasRows(c) && fitsGroup(kernel.sizes(c)),
      vec4: ['q', 'keys', 'values', 'y'],
      groups: (c, liveRows) => [liveRows, c.params.nHead, 1],
      reduces: true,
      wgsl: (c, _gpu, by = byMemory) => groupPerHead(kernel.sizes(c), kernel.keyPlace(c), by),
    },
    {
      name: 'threadPerHead',
      suits: 'software',
      takes,
      when: kernel.hasRows,
      groups: (c, liveRows) => [Math.ceil((liveRows * c.params.nHead) / 8), 1, 1],
      wgsl: (c) => threadPerHead(kernel.sizes(c), kernel.keyPlace(c)),
    },
  ];
}

function headVectors({ nState, nHead }: RowAttentionSizes): number {
  return nState / nHead / 4;
}

/** Are these sizes for `groupPerHead`? */
function fitsGroup(s: RowAttentionSizes): boolean {
  return GROUP % headVectors(s) === 0 && s.nCtx <= 1920 && s.qWidth % 4 === 0;
}

/**
 * One workgroup a row and head, the rows of a head side by side: those of one window then find each other's keys in the GPU's cache.
 * All arguments but the tables in groups of four.
 */
function groupPerHead(s: RowAttentionSizes, keyPlace: string, by: Reducer): string {
  const vectors = headVectors(s);
  const overKeys = headText(
    {
      vectors,
      across: s.nState / 4,
      mostKeys: s.nCtx,
      query: (c) => `q[row * ${s.qWidth / 4}u + head + ${c}]`,
      key: (at) => `load4_keys(${at})`,
      value: (at) => `load4_values(${at})`,
      put: `y[group.x * ${s.nState / 4}u + head + lane] = sum / all;`,
    },
    by,
  );
  return /* wgsl */ `
${keyPlace}
${overKeys.functions}
${by.main(
  GROUP,
  `  let row = group.x;
  let head = group.y * ${vectors}u;
  let begin = 0u;
  let end = keyCount(row);
  ${overKeys.statements}`,
)}`;
}

/** One thread a row and head, over blocks of 8 keys. The sums of values stay in y between blocks, see attention.wgsl.ts. */
function threadPerHead(s: RowAttentionSizes, keyPlace: string): string {
  const { rows, nState, qWidth, nHead } = s;
  const headDim = nState / nHead;
  const four = (value: (i: number) => string, v: number): string =>
    `vec4f(${[0, 1, 2, 3].map((i) => value(4 * v + i)).join(', ')})`;
  return /* wgsl */ `
${keyPlace}
@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let row = id.x / ${nHead}u;
  if (row >= ${rows}u) { return; }
  let head = (id.x % ${nHead}u) * ${headDim}u;
  let count = keyCount(row);
  let qAt = row * ${qWidth}u;
  let yAt = row * ${nState}u;
  var top = ${LOWEST};
  var sum = 0f;
  for (var d = head; d < head + ${headDim}u; d++) { y[yAt + d] = 0f; }
  for (var key = 0u; key < count; key += 8u) {
${unroll(8, (i) => `    let k${i} = place(row, min(key + ${i}u, count - 1u)) * ${nState}u;`)}
    var p0 = vec4f();
    var p1 = vec4f();
    for (var d = head; d < head + ${headDim}u; d++) {
      let qd = q[qAt + d];
${unroll(2, (v) => `      p${v} += qd * ${four((i) => `load_keys(k${i} + d)`, v)};`)}
    }
${unroll(
  2,
  (v) =>
    `    p${v} = select(vec4f(-1e30f), p${v} * ${f32(1 / Math.sqrt(headDim))}, key + ${four((i) => `${i}`, v).replace('vec4f', 'vec4u')} < vec4u(count));`,
)}
    let four = max(p0, p1);
    let higher = max(top, max(max(four.x, four.y), max(four.z, four.w)));
    let shrink = exp(top - higher);
    top = higher;
    p0 = exp(p0 - higher);
    p1 = exp(p1 - higher);
    sum = sum * shrink + dot(p0 + p1, vec4f(1f));
    for (var d = head; d < head + ${headDim}u; d++) {
      let v0 = ${four((i) => `load_values(k${i} + d)`, 0)};
      let v1 = ${four((i) => `load_values(k${i} + d)`, 1)};
      y[yAt + d] = y[yAt + d] * shrink + dot(p0, v0) + dot(p1, v1);
    }
  }
  for (var d = head; d < head + ${headDim}u; d++) { y[yAt + d] /= sum; }
}`;
}
