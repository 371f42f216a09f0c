import { byMemory, SUM } from '../../engine/wgsl/reducer.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { EPSILON } from './epsilon.ts';

/** Threads of a workgroup that has a row. */
const THREADS = 128;

export const variants: readonly WgslVariant<'rows' | 'nState'>[] = [
  {
    // One workgroup a row; thread i takes columns i, i + 128, ...
    name: 'groupPerRow',
    suits: 'hardware',
    reduces: true,
    groups: (_c, liveRows) => [liveRows, 1, 1],
    wgsl: ({ dims: { nState: n } }, _gpu, by = byMemory) => /* wgsl */ `
${by.team('total', THREADS, SUM)}
${by.main(
  THREADS,
  `  let at = group.x * ${n}u;
  var sum = 0f;
  for (var k = thread; k < ${n}u; k += ${THREADS}u) { sum += x[at + k]; }
  let mean = total(sum, thread) / ${n}f;
  var squares = 0f;
  for (var k = thread; k < ${n}u; k += ${THREADS}u) {
    let d = x[at + k] - mean;
    squares += d * d;
  }
  let scale = inverseSqrt(total(squares, thread) / ${n}f + ${EPSILON}f);
  for (var k = thread; k < ${n}u; k += ${THREADS}u) { y[at + k] = (x[at + k] - mean) * scale * gamma[k] + beta[k]; }`,
)}`,
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

/**
 * Rows of `n` numbers as `count` elements of one type; `sum` adds up an element v. A long sum of large numbers is off by some, so the
 * mean is found in two steps: `near`, and what the distances from it give.
 */
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
