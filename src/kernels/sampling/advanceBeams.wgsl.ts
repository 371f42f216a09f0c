import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { LOOP_STATE, NO_TOKEN, NON_FINITE_TOKEN, ROW_STATE, RULE_STATE, RULES } from './decodeState.ts';
import { ENDED, GROUP_DONE, GROUPS, MOVES, PATH, type SearchSize, searchLayout } from './searchState.ts';

type Sizes = SearchSize & { readonly perRow: number; readonly threads: number };

/**
 * `fn moveBeams(thread: u32, liveRows: u32)`, for all threads of a workgroup: a thread a group ranks, then a thread a row moves its state,
 * and a thread a position the places of all beams. For shaders that bind what the kernel does, with `ids` and `logprobs` under
 * these names.
 */
export function moveBeamsText({ rows, perRow, steps, beamSize, wanted, threads }: Sizes): string {
  const begin = searchLayout({ rows, beamSize, wanted, steps });
  const rule = RULE_STATE.wgsl('ruleState', 'row');
  const ofFirst = RULE_STATE.wgsl('ruleState', 'first');
  const ofBest = RULE_STATE.wgsl('ruleState', 'first + best');
  const rules = RULES.wgsl('rules', 'ruleSet');
  const state = ROW_STATE.wgsl('rowState', 'row');
  const stateOfFirst = ROW_STATE.wgsl('rowState', 'first');
  const loop = LOOP_STATE.wgsl('loopState', '0');
  const group = GROUPS.wgsl('search', `${begin.groups}u + group`);
  const old = MOVES.wgsl('search', 'first + beam');
  const ofBestMove = MOVES.wgsl('search', 'first + best');
  const kept = MOVES.wgsl('search', 'first + count');
  const move = MOVES.wgsl('search', 'row');
  const entry = PATH.wgsl('search', `${begin.path}u + min(step, ${steps - 1}u) * ${rows}u + row`);
  const candidate = ENDED.wgsl('search', `${begin.ended}u + group * ${wanted}u + place`);
  return /* wgsl */ `
var<workgroup> busy: atomic<u32>;
// Of each group: does it move, and is it over with that?
var<workgroup> moving: array<u32, ${rows / beamSize}>;
fn moveBeams(thread: u32, liveRows: u32) {
  let liveGroups = liveRows / ${beamSize}u;
  for (var group = thread; group < liveGroups; group += ${threads}u) {
    moving[group] = rank(group);
    if (moving[group] == 1u) { atomicAdd(&busy, 1u); }
  }
  storageBarrier();
  workgroupBarrier();
  if (thread == 0u) { ${loop.done} = select(1u, 0u, atomicLoad(&busy) > 0u); }
  for (var position = thread; position < ${steps}u; position += ${threads}u) {
    for (var group = 0u; group < liveGroups; group++) {
      if (moving[group] == 1u) { movePlaces(group * ${beamSize}u, position); }
    }
  }
  // Every thread has read the positions of its groups.
  storageBarrier();
  workgroupBarrier();
  for (var row = thread; row < liveRows; row += ${threads}u) {
    let how = moving[row / ${beamSize}u];
    if (how > 0u) { moveRow(row, how == 1u); }
  }
}
// 0: it stands still; 1: its beams move; 2: they do, for the last time.
fn rank(group: u32) -> u32 {
  if (${group.done} != 0u) { return 0u; }
  let first = group * ${beamSize}u;
  for (var beam = 0u; beam < ${beamSize}u; beam++) {
    if (ids[(first + beam) * ${perRow}u] == ${NON_FINITE_TOKEN}u) {
      ${group.done} = ${GROUP_DONE.nonFinite}u;
      return 0u;
    }
  }
  for (var beam = 0u; beam < ${beamSize}u; beam++) { ${old.cursor} = 0u; }
  let ruleSet = ${ofFirst.set};
  let eot = ${rules.eot};
  let step = ${ofFirst.sampled};
  let heads = select(${beamSize}u, 1u, step == 0u);
  var count = 0u;
  while (count < ${beamSize}u) {
    var best = ${beamSize}u;
    var bestSum = 0f;
    for (var beam = 0u; beam < heads; beam++) {
      let cursor = ${old.cursor};
      if (cursor == ${perRow}u) { continue; }
      let sum = bitcast<f32>(${old.total}) + logprobs[(first + beam) * ${perRow}u + cursor];
      if (best == ${beamSize}u || sum > bestSum) {
        best = beam;
        bestSum = sum;
      }
    }
    var token = ${NO_TOKEN}u;
    var at = 0u;
    if (best < ${beamSize}u) {
      at = (first + best) * ${perRow}u + ${ofBestMove.cursor};
      token = ids[at];
    }
    if (token == ${NO_TOKEN}u) {
      ${group.done} = ${GROUP_DONE.short}u;
      return 0u;
    }
    ${ofBestMove.cursor} += 1u;
    if (token != eot) {
      ${kept.source} = best;
      ${kept.token} = token;
      ${kept.logprob} = bitcast<u32>(logprobs[at]);
      ${kept.sum} = bitcast<u32>(bestSum);
      ${kept.lastTimestamp} = ${ofBest.lastTimestamp};
      ${kept.lastIsTimestamp} = ${ofBest.lastIsTimestamp};
      count++;
      continue;
    }
    let place = ${group.ended};
    if (place < ${wanted}u) {
      ${candidate.beam} = best;
      ${candidate.step} = step;
      ${candidate.logprob} = bitcast<u32>(logprobs[at]);
      ${candidate.sum} = bitcast<u32>(bestSum);
      ${group.ended} = place + 1u;
    }
  }
  ${group.steps} = step + 1u;
  if (${group.ended} < ${wanted}u && step + 1u < ${loop.limit}) { return 1u; }
  ${group.done} = ${GROUP_DONE.over}u;
  return 2u;
}
fn movePlaces(first: u32, position: u32) {
  var places: array<u32, ${beamSize}>;
  for (var beam = 0u; beam < ${beamSize}u; beam++) { places[beam] = slotOf[(first + beam) * ${steps}u + position]; }
  let isNew = ${stateOfFirst.position} + 1u == position;
  for (var beam = 0u; beam < ${beamSize}u; beam++) {
    let row = first + beam;
    slotOf[row * ${steps}u + position] = select(places[${move.source}], row, isNew);
  }
}
fn moveRow(row: u32, goesOn: bool) {
  let token = ${move.token};
  let step = ${rule.sampled};
  let ruleSet = ${rule.set};
  let sum = ${move.sum};
  ${move.total} = sum;
  ${entry.token} = token;
  ${entry.logprob} = ${move.logprob};
  ${entry.source} = ${move.source};
  ${entry.sum} = sum;
  let isTimestamp = ${rules.hasTimestamps} != 0u && token >= ${rules.timestampBegin};
  ${rule.penultimateIsTimestamp} = select(${move.lastIsTimestamp}, 1u, step == 0u);
  ${rule.lastIsTimestamp} = select(0u, 1u, isTimestamp);
  ${rule.lastTimestamp} = select(${move.lastTimestamp}, token + 1u, isTimestamp);
  ${rule.sampled} = step + 1u;
  if (goesOn) {
    ${state.token} = token;
    ${state.position} += 1u;
  }
}`;
}

const THREADS = 64;

export const variants: readonly WgslVariant<'rows' | 'perRow' | 'steps', 'beamSize' | 'wanted'>[] = [
  {
    // As many workgroups as there are live rows, which is how the shader learns their number; the first does all.
    name: 'threadPerGroup',
    groups: (_c, liveRows) => [liveRows, 1, 1],
    wgsl: ({ dims, params }) => /* wgsl */ `
${moveBeamsText({ ...dims, ...params, threads: THREADS })}
@compute @workgroup_size(${THREADS})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) live: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  if (group.x != 0u) { return; }
  moveBeams(thread, live.x);
}`,
  },
];
