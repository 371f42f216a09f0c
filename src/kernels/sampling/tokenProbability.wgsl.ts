import type { KernelContext } from '../../engine/variant.ts';
import { groupReduce, LOWEST } from '../../engine/wgsl/functions.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';

export const variants: readonly WgslVariant<'rows' | 'nVocab', 'end'>[] = [
  {
    // One workgroup a row; thread i takes ids i, i + 256, ...
    name: 'groupPerRow',
    suits: 'hardware',
    groups: (_c, liveRows) => [liveRows, 1, 1],
    wgsl: (c) => /* wgsl */ `
${groupReduce('highest', 256, 'f32', 'max(a, b)')}
${groupReduce('total', 256, 'f32', 'a + b')}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  let row = group.x;
  let at = row * ${c.dims.nVocab}u;
  var best = ${LOWEST};
  for (var id = i; id < ${endOf(c)}u; id += 256u) { best = max(best, logits[at + id]); }
  let top = highest(best, i);
  var sum = 0f;
  for (var id = i; id < ${endOf(c)}u; id += 256u) { sum += exp(logits[at + id] - top); }
  let all = total(sum, i);
  if (i == 0u) {
    let id = ids[row];
    y[row] = select(exp(logits[at + min(id, ${endOf(c) - 1}u)] - top) / all, 0f, id >= ${endOf(c)}u);
  }
}`,
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
