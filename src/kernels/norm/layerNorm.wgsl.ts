import { groupReduce, groupReduceSubgroups, SUBGROUP_NEEDS } from '../../engine/wgsl/functions.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { EPSILON } from './epsilon.ts';

/** Threads of a workgroup that has a row. */
const THREADS = 128;

export const variants: readonly WgslVariant<'rows' | 'nState'>[] = [
  {
    // As groupPerRow, whose two sums go through subgroups.
    name: 'subgroups',
    suits: 'hardware',
    needs: SUBGROUP_NEEDS,
    groups: (_c, liveRows) => [liveRows, 1, 1],
    wgsl: ({ dims: { nState } }) => /* wgsl */ `
${groupReduceSubgroups('total', THREADS, 'f32', 'subgroupAdd', 'a + b')}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) row: vec3u, @builtin(local_invocation_index) i: u32,
  @builtin(subgroup_id) subgroup: u32, @builtin(num_subgroups) subgroups: u32) {
${groupPerRow(nState, (value) => `total(${value}, subgroup, subgroups)`)}
}`,
  },
  {
    // One workgroup a row; thread i takes columns i, i + 128, ...
    name: 'groupPerRow',
    suits: 'hardware',
    groups: (_c, liveRows) => [liveRows, 1, 1],
    wgsl: ({ dims: { nState } }) => /* wgsl */ `
${groupReduce('total', THREADS, 'f32', 'a + b')}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) row: vec3u, @builtin(local_invocation_index) i: u32) {
${groupPerRow(nState, (value) => `total(${value}, i)`)}
}`,
  },
  {
    // One thread a row, without barriers, four columns at a time.
    name: 'threadPerRow4',
    suits: 'software',
    when: (c) => c.dims.nState % 4 === 0,
    vec4: ['x', 'gamma', 'beta', 'y'],
    groups: (_c, liveRows) => [Math.ceil(liveRows / 32), 1, 1],
    wgsl: ({ dims: { rows, nState } }) => threadPerRow(rows, nState, nState / 4, 'vec4f', 'dot(v, vec4f(1f))'),
  },
  {
    // The same column by column, for every number of columns.
    name: 'threadPerRow',
    groups: (_c, liveRows) => [Math.ceil(liveRows / 32), 1, 1],
    wgsl: ({ dims: { rows, nState } }) => threadPerRow(rows, nState, nState, 'f32', 'v'),
  },
];

/** @param total sums a value over the workgroup */
function groupPerRow(n: number, total: (value: string) => string): string {
  return /* wgsl */ `
  let at = row.x * ${n}u;
  var sum = 0f;
  for (var k = i; k < ${n}u; k += ${THREADS}u) { sum += x[at + k]; }
  let mean = ${total('sum')} / ${n}f;
  var squares = 0f;
  for (var k = i; k < ${n}u; k += ${THREADS}u) {
    let d = x[at + k] - mean;
    squares += d * d;
  }
  let scale = inverseSqrt(${total('squares')} / ${n}f + ${EPSILON}f);
  for (var k = i; k < ${n}u; k += ${THREADS}u) { y[at + k] = (x[at + k] - mean) * scale * gamma[k] + beta[k]; }`;
}

/** Rows of `n` numbers as `count` elements of one type; `sum` adds up an element v. */
function threadPerRow(rows: number, n: number, count: number, type: 'f32' | 'vec4f', sum: string): string {
  return /* wgsl */ `
fn sum(v: ${type}) -> f32 { return ${sum}; }
@compute @workgroup_size(32)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= ${rows}u) { return; }
  let at = id.x * ${count}u;
  var all = ${type}();
  for (var k = 0u; k < ${count}u; k++) { all += x[at + k]; }
  let near = sum(all) / ${n}f;
  // A long sum of large numbers is off by some; the distances from it give the rest.
  var rest = ${type}();
  var squares = ${type}();
  for (var k = 0u; k < ${count}u; k++) {
    let d = x[at + k] - near;
    rest += d;
    squares += d * d;
  }
  let shift = sum(rest) / ${n}f;
  let mean = near + shift;
  let scale = inverseSqrt(max(sum(squares) / ${n}f - shift * shift, 0f) + ${EPSILON}f);
  for (var k = 0u; k < ${count}u; k++) { y[at + k] = (x[at + k] - mean) * scale * gamma[k] + beta[k]; }
}`;
}
