import { CACHE_TYPES } from '../../engine/dtype.ts';
import type { KernelContext } from '../../engine/variant.ts';
import { f32 } from '../../engine/wgsl/functions.ts';
import { byMemory, type Reducer } from '../../engine/wgsl/reducer.ts';
import type { Grid, WgslVariant } from '../../engine/wgsl/variant.ts';
import { MASKED } from '../../rules/logitRules.ts';
import { GROUP, type HeadOverKeys, headText } from '../attention/headOverKeys.wgsl.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';
import { splitCount } from './partial.ts';

interface SplitSize {
  readonly nState: number;
  readonly nHead: number;
  readonly nCtx: number;
  readonly splits: number;
}

interface SplitParts {
  /** `fn keyCount(row) -> u32`; `fn place(row, key) -> u32`, in rows of nState; and what the expressions below need. */
  readonly functions: string;
  /** The fours of a head's query and of what else is known of the row, one after another. */
  readonly staged: number;
  /** Expression for four c of what is staged. */
  readonly stagedAt: string;
  /** Statements after staging. */
  readonly store: string;
  readonly key: HeadOverKeys['key'];
  readonly value: HeadOverKeys['value'];
}

/**
 * One workgroup a row, head and split, the rows of each side by side: those of one window find each other's keys in the GPU's cache,
 * and so they come from memory once for all beams.
 */
function groupPerSplit({ nState, nHead, nCtx, splits }: SplitSize, p: SplitParts, by: Reducer): string {
  const vectors = nState / nHead / 4;
  const out = `((group.x * ${nHead}u + group.y) * ${splits}u + group.z) * ${vectors + 1}u`;
  const overKeys = headText(
    {
      vectors,
      across: nState / 4,
      mostKeys: Math.ceil(nCtx / splits),
      query: (c) => `staged[${c}]`,
      key: p.key,
      value: p.value,
      put: `partial[${out} + lane] = sum;`,
    },
    by,
  );
  return /* wgsl */ `
var<workgroup> staged: array<vec4f, ${p.staged * vectors}>;
${p.functions}
${overKeys.functions}
${by.main(
  GROUP,
  `  let row = group.x;
  let head = group.y * ${vectors}u;
  let count = keyCount(row);
  let each = (count + ${splits - 1}u) / ${splits}u;
  let begin = min(group.z * each, count);
  let end = min(begin + each, count);
  for (var s = thread; s < ${p.staged * vectors}u; s += ${GROUP}u) {
    let c = s % ${vectors}u;
    let which = s / ${vectors}u;
    staged[s] = ${p.stagedAt};
  }
  workgroupBarrier();
  ${p.store}
  ${overKeys.statements}
  if (thread == 0u) { partial[${out} + ${vectors}u] = vec4f(max(top, ${f32(MASKED)}), all, 0f, 0f); }`,
)}`;
}

function splitGroups(
  { dims, params: { nHead } }: KernelContext<'nState' | 'partialWidth', 'nHead'>,
  liveRows: number,
): Grid {
  return [liveRows, nHead, splitCount(dims.partialWidth, dims.nState, nHead)];
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
    groups: splitGroups,
    reduces: true,
    wgsl({ dims: { nState, nCtx, qkvWidth, partialWidth }, params: { nHead } }, _gpu, by = byMemory) {
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
// The row's own key is not in the cache yet.
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
          store: /* wgsl */ `if (begin < end && end == count && thread < ${vectors}u) {
    let at = (${state.sequence} * ${nCtx}u + count - 1u) * ${nState / 4}u + head + thread;
    store4_keys(at, staged[${vectors}u + thread]);
    store4_values(at, staged[${2 * vectors}u + thread]);
  }`,
          key: (at, c, key) => `keyOf(${at}, ${c}, ${key} + 1u == count)`,
          value: (at, c, key) => `valueOf(${at}, ${c}, ${key} + 1u == count)`,
        },
        by,
      );
    },
  },
];

export const crossVariants: readonly WgslVariant<'nState' | 'nCtx' | 'qWidth' | 'partialWidth', 'nHead'>[] = [
  {
    name: 'groupPerSplit',
    takes: { keys: CACHE_TYPES, values: CACHE_TYPES },
    vec4: ['q', 'keys', 'values', 'partial'],
    groups: splitGroups,
    reduces: true,
    wgsl({ dims: { nState, nCtx, qWidth, partialWidth }, params: { nHead } }, _gpu, by = byMemory) {
      const splits = splitCount(partialWidth, nState, nHead);
      return groupPerSplit(
        { nState, nHead, nCtx, splits },
        {
          functions: /* wgsl */ `
fn keyCount(row: u32) -> u32 { return ${nCtx}u; }
fn place(row: u32, key: u32) -> u32 { return ${ROW_STATE.wgsl('rowState', 'row').audio} * ${nCtx}u + key; }`,
          staged: 1,
          stagedAt: sumOfParts('q', qWidth / nState, nState, 'head + c'),
          store: '',
          key: (at) => `load4_keys(${at})`,
          value: (at) => `load4_values(${at})`,
        },
        by,
      );
    },
  },
];
