/**
 * A greedy step's bookkeeping, on the device: each row takes its best token, writes it down and moves on.
 *
 * ids, logprobs: [rows, perRow] from chooseTokens.ts, of which the first is taken; rules, rowState, ruleState, loop,
 * picked: rowState.ts. A row is done when it sampled eot, when it sampled `loop[1]` tokens, or when its logits were not
 * finite (ruleState[5] = 1). It then keeps its token and position, so that further repetitions of a step change nothing.
 * `loop[0]` becomes 1 when all rows are done. One workgroup, one thread a row.
 */

import type {
  Kernel,
  KernelCase,
  KernelContext,
  ModuleBuilderLike,
  Reference,
  Tolerance,
} from '../../engine/kernel.ts';
import { select } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, kernelFunction, least } from '../../engine/wasm/signature.ts';
import { nonFiniteToken, rowStateWidth, ruleStateWidth } from './decodeState.ts';

export const advanceRows = {
  name: 'advanceRows',
  args: {
    ids: { access: 'read', dtype: 'u32', dims: ['rows', 'perRow'] },
    logprobs: { access: 'read', dtype: 'f32', dims: ['rows', 'perRow'] },
    rules: { access: 'read', dtype: 'u32', dims: [8] },
    rowState: { access: 'readwrite', dtype: 'u32', dims: ['rows', 4] },
    ruleState: { access: 'readwrite', dtype: 'u32', dims: ['rows', 8] },
    loop: { access: 'readwrite', dtype: 'u32', dims: [4] },
    picked: { access: 'readwrite', dtype: 'u32', dims: ['rows', 'steps', 2] },
  },
  params: {},
  check: (d) => (d.rows! <= 256 ? undefined : `${d.rows} rows do not fit one workgroup of 256`),
  cost: (d) => ({ flops: 0, bytes: 64 * d.rows! }),
  gpu: [
    {
      // As many workgroups as there are live rows, which is how the shader learns their number; the first does all.
      name: 'threadPerRow',
      groups: (_c, liveRows) => [liveRows, 1, 1],
      wgsl: ({ dims: { rows, perRow, steps } }) => /* wgsl */ `
var<workgroup> busy: atomic<u32>;
@compute @workgroup_size(${rows})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) live: vec3u,
  @builtin(local_invocation_index) row: u32,
) {
  if (group.x != 0u) { return; }
  if (row < live.x && advance(row)) { atomicAdd(&busy, 1u); }
  workgroupBarrier();
  if (row == 0u) { loop_[0] = select(1u, 0u, atomicLoad(&busy) > 0u); }
}
// Is there more to do for this row?
fn advance(row: u32) -> bool {
  let rule = row * ${ruleStateWidth}u;
  if (ruleState[rule + 4u] != 0u) { return false; }
  let token = ids[row * ${perRow}u];
  if (token == ${nonFiniteToken}u) {
    ruleState[rule + 4u] = 1u;
    ruleState[rule + 5u] = 1u;
    return false;
  }
  let sampled = ruleState[rule];
  let at = (row * ${steps}u + min(sampled, ${steps! - 1}u)) * 2u;
  picked[at] = token;
  picked[at + 1u] = bitcast<u32>(logprobs[row * ${perRow}u]);
  let isTimestamp = rules[3] != 0u && token >= rules[1];
  ruleState[rule + 3u] = select(ruleState[rule + 2u], 1u, sampled == 0u);
  ruleState[rule + 2u] = select(0u, 1u, isTimestamp);
  if (isTimestamp) { ruleState[rule + 1u] = token + 1u; }
  ruleState[rule] = sampled + 1u;
  if (token == rules[0] || sampled + 1u >= loop_[1]) {
    ruleState[rule + 4u] = 1u;
    return false;
  }
  rowState[row * ${rowStateWidth}u] = token;
  rowState[row * ${rowStateWidth}u + 1u] += 1u;
  return true;
}`,
    },
  ],
  // One unit: all rows.
  cpu: [{ name: 'allRows', units: () => 1, emit: emitAllRows }],
} as const satisfies Kernel;

function emitAllRows(w: ModuleBuilderLike, { dims }: KernelContext): FunctionBuilder {
  const { perRow, steps } = dims;
  const f = kernelFunction(w, advanceRows);
  const { ids, logprobs, rules, rowState, ruleState, loop, picked, liveRows } = f.args;
  const zero = i32.const(0);
  const one = i32.const(1);
  const allDone = f.let(one);
  const row = f.local('i32');
  f.for(row, zero, liveRows, 1, () =>
    f.block((next) => {
      const rule = f.let(at(ruleState, row, 4 * ruleStateWidth));
      f.brIf(next, i32.load(rule, 16));
      const token = f.let(i32.load(at(ids, row, 4 * perRow!)));
      f.if(i32.eq(token, i32.const(nonFiniteToken)), () => {
        f.do(i32.store(rule, one, 16));
        f.do(i32.store(rule, one, 20));
        f.br(next);
      });
      const sampled = f.let(i32.load(rule));
      const place = least(f, sampled, i32.const(steps! - 1));
      const entry = f.let(at(at(picked, row, 8 * steps!), place, 8));
      f.do(i32.store(entry, token));
      f.do(i32.store(entry, i32.load(at(logprobs, row, 4 * perRow!)), 4));
      const isTimestamp = f.let(i32.and(i32.ne(i32.load(rules, 12), zero), i32.ge_u(token, i32.load(rules, 4))));
      f.do(i32.store(rule, select(i32.load(rule, 8), one, sampled), 12));
      f.do(i32.store(rule, isTimestamp, 8));
      f.if(isTimestamp, () => f.do(i32.store(rule, i32.add(token, one), 4)));
      f.do(i32.store(rule, i32.add(sampled, one)));
      const isLast = i32.ge_u(i32.add(sampled, one), i32.load(loop, 4));
      f.if(i32.or(i32.eq(token, i32.load(rules)), isLast), () => {
        f.do(i32.store(rule, one, 16));
        f.br(next);
      });
      const state = f.let(at(rowState, row, 4 * rowStateWidth));
      f.do(i32.store(state, token));
      f.do(i32.store(state, i32.add(i32.load(state, 4), one), 4));
      f.set(allDone, zero);
    }),
  );
  f.do(i32.store(loop, allDone));
  return f;
}

const bits = new DataView(new ArrayBuffer(4));

export const reference: Reference = (
  { ids, logprobs, rules, rowState, ruleState, loop, picked },
  { perRow, steps },
  _params,
  liveRows,
) => {
  let allDone = 1;
  for (let row = 0; row < liveRows; row++) {
    const rule = row * ruleStateWidth;
    if (ruleState![rule + 4] !== 0) continue;
    const token = ids![row * perRow!]!;
    if (token === nonFiniteToken) {
      ruleState![rule + 4] = 1;
      ruleState![rule + 5] = 1;
      continue;
    }
    const sampled = ruleState![rule]!;
    bits.setFloat32(0, logprobs![row * perRow!]!);
    picked!.set([token, bits.getUint32(0)], (row * steps! + sampled) * 2);
    const isTimestamp = rules![3] !== 0 && token >= rules![1]! ? 1 : 0;
    const wasTimestamp = ruleState![rule + 2]!;
    ruleState![rule] = sampled + 1;
    if (isTimestamp) ruleState![rule + 1] = token + 1;
    ruleState![rule + 2] = isTimestamp;
    ruleState![rule + 3] = sampled === 0 ? 1 : wasTimestamp;
    if (token === rules![0] || sampled + 1 >= loop![1]!) {
      ruleState![rule + 4] = 1;
      continue;
    }
    rowState![row * rowStateWidth] = token;
    rowState![row * rowStateWidth + 1]! += 1;
    allDone = 0;
  }
  loop![0] = allDone;
};

const fill: Required<KernelCase>['fill'] = {
  // Rows: text, timestamp, eot, done already, non-finite, at the limit.
  ids: (ids, d) => {
    const tokens = [7, 60, 40, 9, nonFiniteToken, 8];
    for (let row = 0; row < d.rows!; row++) ids[row * d.perRow!] = tokens[row % 6]!;
  },
  rules: (rules) => rules.set([40, 50, 0, 1, 0xffffffff, 0, 0, 0]),
  rowState: (state, d) => {
    for (let row = 0; row < d.rows!; row++) state.set([3, 10 + row, row, 0], row * 4);
  },
  ruleState: (state, d) => {
    const sampled = [0, 1, 2, 3, 4, 5];
    for (let row = 0; row < d.rows!; row++)
      state.set([sampled[row % 6]!, row === 2 ? 56 : 0, row % 2, 1, row % 6 === 3 ? 1 : 0, 0, 0, 0], row * 8);
  },
  loop: (loop) => loop.set([0, 6, 0, 0]),
  picked: (picked) => picked.fill(77),
};

export const cases: readonly KernelCase[] = [
  { dims: { rows: 1, perRow: 1, steps: 9 }, fill },
  { dims: { rows: 6, perRow: 2, steps: 7 }, fill, note: 'text, timestamp, eot, done, non-finite, limit' },
  { dims: { rows: 13, perRow: 1, steps: 7 }, fill, liveRows: 3 },
  {
    dims: { rows: 3, perRow: 1, steps: 8 },
    fill: { ...fill, ids: (ids) => ids.fill(40) },
    note: 'all rows end',
  },
];

export const tolerance = (): Tolerance => ({ absolute: 0, relative: 0 });
