/**
 * y = (x - mean) / sqrt(variance + 1e-5) * gamma + beta over the last axis; x, y: [rows, nState].
 *
 * Two passes in f32: one pass (E[x^2] - E[x]^2) loses all digits when |mean| is far above the deviation, and Whisper's
 * residual stream has such channels. Biased variance. Ba, Kiros, Hinton 2016, "Layer Normalization".
 */

import type {
  CpuCaps,
  Kernel,
  KernelCase,
  KernelContext,
  ModuleBuilderLike,
  Reference,
  Tolerance,
} from '../../engine/kernel.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { madd, sumOfLanes } from '../../engine/wasm/math.ts';
import { firstLanes, forVectors, storeVector } from '../../engine/wasm/rows.ts';
import { at, forUnits, kernelFunction } from '../../engine/wasm/signature.ts';
import { f32x4, v128 } from '../../engine/wasm/simd.ts';
import { groupReduce } from '../../engine/wgsl.ts';

export const epsilon = 1e-5;

export const layerNorm = {
  name: 'layerNorm',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['rows', 'nState'] },
    gamma: { access: 'read', dtype: 'f32', dims: ['nState'] },
    beta: { access: 'read', dtype: 'f32', dims: ['nState'] },
    y: { access: 'write', dtype: 'f32', dims: ['rows', 'nState'] },
  },
  params: {},
  cost: (d) => ({ flops: 8 * d.rows! * d.nState!, bytes: 8 * d.rows! * d.nState! }),
  gpu: [
    {
      // One workgroup a row; thread i takes columns i, i + 128, ...
      name: 'groupPerRow',
      suits: 'hardware',
      groups: (_c, liveRows) => [liveRows, 1, 1],
      wgsl: ({ dims: { nState: n } }) => /* wgsl */ `
${groupReduce('total', 128, 'f32', 'a + b')}
@compute @workgroup_size(128)
fn main(@builtin(workgroup_id) row: vec3u, @builtin(local_invocation_index) i: u32) {
  let at = row.x * ${n}u;
  var sum = 0f;
  for (var k = i; k < ${n}u; k += 128u) { sum += x[at + k]; }
  let mean = total(sum, i) / ${n}f;
  var squares = 0f;
  for (var k = i; k < ${n}u; k += 128u) {
    let d = x[at + k] - mean;
    squares += d * d;
  }
  let scale = inverseSqrt(total(squares, i) / ${n}f + ${epsilon}f);
  for (var k = i; k < ${n}u; k += 128u) { y[at + k] = (x[at + k] - mean) * scale * gamma[k] + beta[k]; }
}`,
    },
    {
      // One thread a row.
      name: 'threadPerRow4',
      suits: 'software',
      when: (c) => c.dims.nState! % 4 === 0,
      vec4: ['x', 'gamma', 'beta', 'y'],
      groups: (_c, liveRows) => [Math.ceil(liveRows / 32), 1, 1],
      wgsl: ({ dims: { rows, nState } }) => threadPerRow(rows!, nState!, nState! / 4, 'vec4f', 'dot(v, vec4f(1f))'),
    },
    {
      name: 'threadPerRow',
      groups: (_c, liveRows) => [Math.ceil(liveRows / 32), 1, 1],
      wgsl: ({ dims: { rows, nState } }) => threadPerRow(rows!, nState!, nState!, 'f32', 'v'),
    },
  ],
  // A unit is a row.
  cpu: [{ name: 'rows', units: (_c, liveRows) => liveRows, emit: emitRows }],
} as const satisfies Kernel;

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
  let scale = inverseSqrt(max(sum(squares) / ${n}f - shift * shift, 0f) + ${epsilon}f);
  for (var k = 0u; k < ${count}u; k++) { y[at + k] = (x[at + k] - mean) * scale * gamma[k] + beta[k]; }
}`;
}

function emitRows(w: ModuleBuilderLike, { dims }: KernelContext, caps: CpuCaps): FunctionBuilder {
  const n = dims.nState!;
  const f = kernelFunction(w, layerNorm);
  const sums = f.locals('v128', 4);
  const values = f.locals('v128', 4);
  const [p, gamma, beta, q] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
  /** The mean over the row of what `term` gives of a vector, in all lanes. */
  const mean = (term: (slot: number, lanes: number, offset: number) => void): ReturnType<typeof sumOfLanes> => {
    for (const sum of sums) f.set(sum, f.splat(0));
    forVectors(f, n, [p], (offset, slot, lanes) => term(slot, lanes, offset));
    const pairs = f32x4.add(f32x4.add(sums[0]!, sums[1]!), f32x4.add(sums[2]!, sums[3]!));
    return f.let(f32x4.mul(sumOfLanes(f, pairs), f.splat(1 / n)));
  };
  forUnits(f, (row) => {
    const x = f.let(at(f.args.x, row, 4 * n));
    f.set(p, x);
    const average = mean((slot, lanes, offset) =>
      f.set(sums[slot]!, f32x4.add(sums[slot]!, firstLanes(f, v128.load(p, offset), lanes))),
    );
    f.set(p, x);
    const variance = mean((slot, lanes, offset) => {
      f.set(values[slot]!, firstLanes(f, f32x4.sub(v128.load(p, offset), average), lanes));
      f.set(sums[slot]!, madd(caps, values[slot]!, values[slot]!, sums[slot]!));
    });
    const scale = f.let(f32x4.div(f.splat(1), f32x4.sqrt(f32x4.add(variance, f.splat(epsilon)))));
    f.set(p, x);
    f.set(gamma, f.args.gamma);
    f.set(beta, f.args.beta);
    f.set(q, at(f.args.y, row, 4 * n));
    forVectors(f, n, [p, gamma, beta, q], (offset, slot, lanes) => {
      const normal = f32x4.mul(f32x4.sub(v128.load(p, offset), average), scale);
      f.set(values[slot]!, f32x4.add(f32x4.mul(normal, v128.load(gamma, offset)), v128.load(beta, offset)));
      storeVector(f, q, values[slot]!, offset, lanes);
    });
  });
  return f;
}

export const reference: Reference = ({ x, gamma, beta, y }, { nState }, _params, liveRows) => {
  const n = nState!;
  for (let row = 0; row < liveRows; row++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += x![row * n + i]!;
    const mean = sum / n;
    let squares = 0;
    for (let i = 0; i < n; i++) squares += (x![row * n + i]! - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / n + epsilon);
    for (let i = 0; i < n; i++) y![row * n + i] = (x![row * n + i]! - mean) * scale * gamma![i]! + beta![i]!;
  }
};

const offset =
  (mean: number, spread = 1): NonNullable<KernelCase['fill']>[string] =>
  (x, _dims, random) => {
    for (let i = 0; i < x.length; i++) x[i] = mean + spread * (2 * random() - 1);
  };

export const cases: readonly KernelCase[] = [
  { dims: { rows: 1, nState: 1 } },
  { dims: { rows: 3, nState: 77 } },
  { dims: { rows: 8, nState: 64 }, liveRows: 5, note: 'part of the rows live' },
  { dims: { rows: 2, nState: 384 }, fill: { x: offset(1000) }, note: 'mean far above the deviation' },
  { dims: { rows: 2, nState: 384 }, fill: { x: offset(3, 0) }, note: 'constant rows: beta comes out' },
  { dims: { rows: 1, nState: 1280 } },
  { dims: { rows: 1500, nState: 384 }, bench: true, note: 'encoder, tiny' },
  { dims: { rows: 1, nState: 512 }, bench: true, note: 'one token, base' },
];

// The mean of values near 1000 has an error of about 1e-4 absolute in f32, a row of deviation 0.6 so 2e-4 after scaling.
export const tolerance = (): Tolerance => ({ absolute: 3e-4, relative: 0 });
