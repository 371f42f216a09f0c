import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { LOOP_STATE, NON_FINITE_TOKEN, PICKED, ROW_STATE, RULE_STATE, RULES } from './decodeState.ts';

/**
 * `fn advance(row: u32) -> bool`: the row takes its best token; is there more to do for it? For shaders that bind what the kernel does,
 * with `ids` and `logprobs` under these names.
 */
export function advanceText({ perRow, steps }: { readonly perRow: number; readonly steps: number }): string {
  const rule = RULE_STATE.wgsl('ruleState', 'row');
  const state = ROW_STATE.wgsl('rowState', 'row');
  const rules = RULES.wgsl('rules', rule.set);
  const loop = LOOP_STATE.wgsl('loopState', '0');
  const entry = PICKED.wgsl('picked', `row * ${steps}u + min(sampled, ${steps - 1}u)`);
  return /* wgsl */ `
fn advance(row: u32) -> bool {
  if (${rule.done} != 0u) { return false; }
  let token = ids[row * ${perRow}u];
  if (token == ${NON_FINITE_TOKEN}u) {
    ${rule.done} = 1u;
    ${rule.nonFinite} = 1u;
    return false;
  }
  let sampled = ${rule.sampled};
  ${entry.token} = token;
  ${entry.logprob} = bitcast<u32>(logprobs[row * ${perRow}u]);
  let isTimestamp = ${rules.hasTimestamps} != 0u && token >= ${rules.timestampBegin};
  ${rule.penultimateIsTimestamp} = select(${rule.lastIsTimestamp}, 1u, sampled == 0u);
  ${rule.lastIsTimestamp} = select(0u, 1u, isTimestamp);
  if (isTimestamp) { ${rule.lastTimestamp} = token + 1u; }
  ${rule.sampled} = sampled + 1u;
  if (token == ${rules.eot} || sampled + 1u >= ${loop.limit}) {
    ${rule.done} = 1u;
    return false;
  }
  ${state.token} = token;
  ${state.position} += 1u;
  return true;
}`;
}

export const variants: readonly WgslVariant<'rows' | 'perRow' | 'steps'>[] = [
  {
    // As many workgroups as there are live rows, which is how the shader learns their number; the first does all.
    name: 'threadPerRow',
    groups: (_c, liveRows) => [liveRows, 1, 1],
    wgsl: ({ dims }) => /* wgsl */ `
var<workgroup> busy: atomic<u32>;
${advanceText(dims)}
@compute @workgroup_size(${dims.rows})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) live: vec3u,
  @builtin(local_invocation_index) row: u32,
) {
  if (group.x != 0u) { return; }
  if (row < live.x && advance(row)) { atomicAdd(&busy, 1u); }
  workgroupBarrier();
  if (row == 0u) { ${LOOP_STATE.wgsl('loopState', '0').done} = select(1u, 0u, atomicLoad(&busy) > 0u); }
}`,
  },
];
