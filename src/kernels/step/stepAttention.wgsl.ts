import { CACHE_TYPES } from '../../engine/dtype.ts';
import { f32, groupReduce, unroll } from '../../engine/wgsl/functions.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { MASKED } from '../../rules/logitRules.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';
import { splitCount } from './partial.ts';

const GROUP = 256;

interface SplitSize {
  readonly nState: number;
  readonly nHead: number;
  readonly nCtx: number;
  readonly splits: number;
}

interface SplitParts {
  /**
   * `fn keyCount(row) -> u32`; `fn place(row, key) -> u32`, in rows of nState; `fn keyOf(at, c, isOwn)` and `valueOf`: four c of a head
   * at element 4 `at` of the cache.
   */
  readonly functions: string;
  /** The fours of a head's query and of what else is known of the row, one after another. */
  readonly staged: number;
  /** Expression for four c of what is staged. */
  readonly stagedAt: string;
  /** Statements after staging. */
  readonly store: string;
  /** Expression: is `key` the row's own, which is not in the cache yet? */
  readonly isOwn: (key: string) => string;
}

/**
 * One workgroup a row, head and split. For the scores, four neighbouring threads share a key, so that they read 64 bytes side by
 * side; then threads take four columns and every slices-th key of V.
 */
function groupPerSplit({ nState, nHead, nCtx, splits }: SplitSize, p: SplitParts): string {
  const vectors = nState / nHead / 4;
  const parts = vectors % 4 === 0 ? 4 : 1;
  const keys = GROUP / parts;
  const slices = Math.floor(GROUP / vectors);
  return /* wgsl */ `
var<workgroup> staged: array<vec4f, ${p.staged * vectors}>;
${p.functions}
var<workgroup> scores: array<f32, ${Math.ceil(nCtx / splits)}>;
${groupReduce('highest', GROUP, 'f32', 'max(a, b)')}
${groupReduce('total', GROUP, 'f32', 'a + b')}
var<workgroup> pieces: array<f32, ${2 * GROUP}>;
var<workgroup> sliceSums: array<vec4f, ${GROUP}>;
@compute @workgroup_size(${GROUP})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  let head = group.x * ${vectors}u;
  let row = group.y;
  let count = keyCount(row);
  let each = (count + ${splits - 1}u) / ${splits}u;
  let begin = min(group.z * each, count);
  let end = min(begin + each, count);
  for (var s = i; s < ${p.staged * vectors}u; s += ${GROUP}u) {
    let c = s % ${vectors}u;
    let which = s / ${vectors}u;
    staged[s] = ${p.stagedAt};
  }
  workgroupBarrier();
  ${p.store}
  let first = i % ${parts}u;
${unroll(vectors / parts, (s) => `  let q${s} = staged[first + ${s * parts}u] * ${f32(1 / Math.sqrt(4 * vectors))};`)}
  var best = ${f32(MASKED)};
  for (var round = 0u; begin + round * ${keys}u < end; round++) {
    let near = min(begin + round * ${keys}u + i / ${parts}u, end - 1u);
    let at = place(row, near) * ${nState / 4}u + head + first;
    let isOwn = ${p.isOwn('near')};
    var piece = 0f;
${unroll(vectors / parts, (s) => `    piece += dot(q${s}, keyOf(at + ${s * parts}u, first + ${s * parts}u, isOwn));`)}
    // Two halves in turn, so that one barrier a round is enough.
    let half = (round % 2u) * ${GROUP}u;
    pieces[half + i] = piece;
    workgroupBarrier();
    let key = round * ${keys}u + i;
    if (i < ${keys}u && begin + key < end) {
      let score = ${Array.from({ length: parts }, (_, s) => `pieces[half + i * ${parts}u + ${s}u]`).join(' + ')};
      scores[key] = score;
      best = max(best, score);
    }
  }
  let top = highest(best, i);
  var sum = 0f;
  for (var key = i; begin + key < end; key += ${GROUP}u) {
    let weight = exp(scores[key] - top);
    scores[key] = weight;
    sum += weight;
  }
  let all = total(sum, i);
  let d = i % ${vectors}u;
  let slice = i / ${vectors}u;
  var o = vec4f();
  if (slice < ${slices}u) {
    for (var key = begin + slice; key < end; key += ${slices}u) {
      let at = place(row, key) * ${nState / 4}u + head + d;
      o += scores[key - begin] * valueOf(at, d, ${p.isOwn('key')});
    }
  }
  sliceSums[i] = o;
  workgroupBarrier();
  let out = ((row * ${nHead}u + group.x) * ${splits}u + group.z) * ${vectors + 1}u;
  if (i < ${vectors}u) {
    for (var s = 1u; s < ${slices}u; s++) { o += sliceSums[s * ${vectors}u + d]; }
    partial[out + d] = o;
  }
  if (i == 0u) { partial[out + ${vectors}u] = vec4f(top, all, 0f, 0f); }
}`;
}

/** The sum over parts of the four at `at` of a row. */
function sumOfParts(name: string, parts: number, width: number, at: string): string {
  return Array.from(
    { length: parts },
    (_, p) => `${name}[row * ${(parts * width) / 4}u + ${(p * width) / 4}u + ${at}]`,
  ).join(' + ');
}

export const variants: readonly WgslVariant<'nState' | 'nCtx' | 'qkvWidth' | 'partialWidth', 'nHead'>[] = [
  {
    name: 'groupPerSplit',
    takes: { keys: CACHE_TYPES, values: CACHE_TYPES },
    vec4: ['qkv', 'keys', 'values', 'partial'],
    groups: ({ dims, params: { nHead } }, liveRows) => [
      nHead,
      liveRows,
      splitCount(dims.partialWidth, dims.nState, nHead),
    ],
    wgsl({ dims: { nState, nCtx, qkvWidth, partialWidth }, params: { nHead } }) {
      const splits = splitCount(partialWidth, nState, nHead);
      const state = ROW_STATE.wgsl('rowState', 'row');
      const vectors = nState / nHead / 4;
      const width = 3 * nState;
      return groupPerSplit(
        { nState, nHead, nCtx, splits },
        {
          functions: /* wgsl */ `
fn keyCount(row: u32) -> u32 { return min(${state.position} + 1u, ${nCtx}u); }
fn place(row: u32, key: u32) -> u32 { return slotOf[${state.sequence} * ${nCtx}u + key] * ${nCtx}u + key; }
fn keyOf(at: u32, c: u32, isOwn: bool) -> vec4f {
  if (isOwn) { return staged[${vectors}u + c]; }
  return load4_keys(at);
}
fn valueOf(at: u32, c: u32, isOwn: bool) -> vec4f {
  if (isOwn) { return staged[${2 * vectors}u + c]; }
  return load4_values(at);
}`,
          staged: 3,
          stagedAt: sumOfParts('qkv', qkvWidth / width, width, `which * ${nState / 4}u + head + c`),
          // By the split that has it; no other looks there.
          store: /* wgsl */ `if (begin < end && end == count && i < ${vectors}u) {
    let at = (${state.sequence} * ${nCtx}u + count - 1u) * ${nState / 4}u + head + i;
    store4_keys(at, staged[${vectors}u + i]);
    store4_values(at, staged[${2 * vectors}u + i]);
  }`,
          isOwn: (key) => `${key} + 1u == count`,
        },
      );
    },
  },
];

export const crossVariants: readonly WgslVariant<'nState' | 'nCtx' | 'qWidth' | 'partialWidth', 'nHead'>[] = [
  {
    name: 'groupPerSplit',
    takes: { keys: CACHE_TYPES, values: CACHE_TYPES },
    vec4: ['q', 'keys', 'values', 'partial'],
    groups: ({ dims, params: { nHead } }, liveRows) => [
      nHead,
      liveRows,
      splitCount(dims.partialWidth, dims.nState, nHead),
    ],
    wgsl({ dims: { nState, nCtx, qWidth, partialWidth }, params: { nHead } }) {
      const splits = splitCount(partialWidth, nState, nHead);
      return groupPerSplit(
        { nState, nHead, nCtx, splits },
        {
          functions: /* wgsl */ `
fn keyCount(row: u32) -> u32 { return ${nCtx}u; }
fn place(row: u32, key: u32) -> u32 { return ${ROW_STATE.wgsl('rowState', 'row').audio} * ${nCtx}u + key; }
fn keyOf(at: u32, c: u32, isOwn: bool) -> vec4f { return load4_keys(at); }
fn valueOf(at: u32, c: u32, isOwn: bool) -> vec4f { return load4_values(at); }`,
          staged: 1,
          stagedAt: sumOfParts('q', qWidth / nState, nState, 'head + c'),
          store: '',
          isOwn: () => 'false',
        },
      );
    },
  },
];
