import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { moveBeamsText } from '../sampling/advanceBeams.wgsl.ts';
import { advanceText } from '../sampling/advanceRows.wgsl.ts';
import { LOOP_STATE } from '../sampling/decodeState.ts';
import { CHOOSERS, chooseText } from './choose.wgsl.ts';

/** As many workgroups as there are live rows, which is how the shader learns their number; the first does all. */
function main(body: string): string {
  return /* wgsl */ `
@compute @workgroup_size(${CHOOSERS})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) live: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  if (group.x != 0u) { return; }
  choose(thread);
${body}
}`;
}

export const rowVariants: readonly WgslVariant<'rows' | 'steps' | 'entries' | 'summaryWidth'>[] = [
  {
    name: 'oneGroup',
    groups: (_c, liveRows) => [liveRows, 1, 1],
    wgsl: ({ dims }) => /* wgsl */ `
${chooseText(dims)}
${advanceText({ perRow: 1, steps: dims.steps })}
var<workgroup> busy: atomic<u32>;
${main(/* wgsl */ `
  if (thread < live.x && advance(thread)) { atomicAdd(&busy, 1u); }
  workgroupBarrier();
  if (thread == 0u) { ${LOOP_STATE.wgsl('loopState', '0').done} = select(1u, 0u, atomicLoad(&busy) > 0u); }`)}`,
  },
];

export const beamVariants: readonly WgslVariant<
  'rows' | 'steps' | 'entries' | 'summaryWidth',
  'beamSize' | 'wanted'
>[] = [
  {
    name: 'oneGroup',
    groups: (_c, liveRows) => [liveRows, 1, 1],
    wgsl: ({ dims, params }) => /* wgsl */ `
${chooseText(dims)}
${moveBeamsText({ ...dims, ...params, perRow: params.beamSize + 1, threads: CHOOSERS })}
${main('  moveBeams(thread, live.x);')}`,
  },
];
