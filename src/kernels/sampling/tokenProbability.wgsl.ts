import type { KernelContext } from '../../engine/variant.ts';
import { LOWEST } from '../../engine/wgsl/functions.ts';
import { byMemory, HIGHEST, SUM } from '../../engine/wgsl/reducer.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';

export const variants: readonly WgslVariant<'rows' | 'nVocab', 'end'>[] = [
  {
    // One workgroup a row; thread i takes ids i, i + 256, ...
    name: 'groupPerRow',
    suits: 'hardware',
    groups: (_c, liveRows) => [liveRows, 1, 1],
    reduces: true,
    wgsl: (c, _gpu, by = byMemory) => /* wgsl */ `
${by.team('highest', 256, HIGHEST)}
${by.team('total', 256, SUM)}
${by.main(
  256,
  `  let row = group.x;
  let at = row * ${c.dims.nVocab}u;
  var best = ${LOWEST};
  for (var id = thread; id < ${endOf(c)}u; id += 256u) { best = max(best, logits[at + id]); }
  let top = highest(best, thread);
  var sum = 0f;
  for (var id = thread; id < ${endOf(c)}u; id += 256u) { sum += exp(logits[at + id] - top); }
  let all = total(sum, thread);
  if (thread == 0u) {
    let id = ids[row];
    y[row] = select(exp(logits[at + min(id, ${endOf(c) - 1}u)] - top) / all, 0f, id >= ${endOf(c)}u);
  }`,
)}`,
  },
  {
    name: 'threadPerRow',
    suits: 'software',
    groups: (_c, liveRows) => [liveRows, 1, 1],
    wgsl: (c) => /* wgsl */ `
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3u) {
  let row = group.x;
  let at = row * ${c.dims.nVocab}u;
  var top = ${LOWEST};
  for (var id = 0u; id < ${endOf(c)}u; id++) { top = max(top, logits[at + id]); }
  var sum = 0f;
  for (var id = 0u; id < ${endOf(c)}u; id++) { sum += exp(logits[at + id] - top); }
  let id = ids[row];
  y[row] = select(exp(logits[at + min(id, ${endOf(c) - 1}u)] - top) / sum, 0f, id >= ${endOf(c)}u);
}`,
  },
];

/** Ids below this one share the probability. */
function endOf({ dims, params }: KernelContext<'nVocab', 'end'>): number {
  return params.end || dims.nVocab;
}
