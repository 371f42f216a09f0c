import { byMemory, type Reducer } from '../../engine/wgsl/reducer.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { moveBeamsText } from '../sampling/advanceBeams.wgsl.ts';
import { advanceText } from '../sampling/advanceRows.wgsl.ts';
import { LOOP_STATE } from '../sampling/decodeState.ts';
import { CHOOSERS, chooseText } from './choose.wgsl.ts';

/** As many workgroups as there are live rows, which is how the shader learns their number; the first does all. */
function main(by: Reducer, body: string): string {
  return by.main(
    CHOOSERS,
    /* wgsl */ `
  if (group.x != 0u) { return; }
  choose(thread);
${body}`,
    ', @builtin(num_workgroups) live: vec3u',
  );
}

export const rowVariants: readonly WgslVariant<'rows' | 'steps' | 'entries' | 'summaryWidth'>[] = [
  {
    name: 'oneGroup',
    groups: (_c, liveRows) => [liveRows, 1, 1],
    reduces: true,
    wgsl: ({ dims }, _gpu, by = byMemory) => /* wgsl */ `
${chooseText(dims, by)}
${advanceText({ perRow: 1, steps: dims.steps })}
var<workgroup> busy: atomic<u32>;
${main(
  by,
  /* wgsl */ `
  if (thread < live.x && advance(thread)) { atomicAdd(&busy, 1u); }
  workgroupBarrier();
  if (thread == 0u) { ${LOOP_STATE.wgsl('loopState', '0').done} = select(1u, 0u, atomicLoad(&busy) > 0u); }`,
)}`,
  },
];

export const beamVariants: readonly WgslVariant<
  'rows' | 'steps' | 'entries' | 'summaryWidth',
  'beamSize' | 'wanted'
>[] = [
  {
    name: 'oneGroup',
    groups: (_c, liveRows) => [liveRows, 1, 1],
    reduces: true,
    wgsl: ({ dims, params }, _gpu, by = byMemory) => /* wgsl */ `
${chooseText(dims, by)}
${moveBeamsText({ ...dims, ...params, perRow: params.beamSize + 1, threads: CHOOSERS })}
${main(by, '  moveBeams(thread, live.x);')}`,
  },
];
