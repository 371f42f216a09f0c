/**
 * y[row] = softmax(logits[row, 0 .. end])[ids[row]], unfiltered: the probability of `<|nospeech|>` (`end` 0: all ids), or of
 * the token that is known to follow, among the ids of text. logits: [rows, nVocab]; ids, y: [rows]. 0 for `noToken` and for
 * ids from `end` on. Not finite if the logits are not.
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
import { exp, first, maxOfLanes, sumOfLanes } from '../../engine/wasm/math.ts';
import { firstLanes, forVectors, otherLanes } from '../../engine/wasm/rows.ts';
import { f32, i32 } from '../../engine/wasm/scalar.ts';
import { at, forUnits, kernelFunction } from '../../engine/wasm/signature.ts';
import { f32x4, v128 } from '../../engine/wasm/simd.ts';
import { groupReduce, LOWEST } from '../../engine/wgsl.ts';
import { lowest } from '../attention/softmax.wasm.ts';
import { noToken } from './decodeState.ts';

export const tokenProbability = {
  name: 'tokenProbability',
  args: {
    logits: { access: 'read', dtype: 'f32', dims: ['rows', 'nVocab'] },
    ids: { access: 'read', dtype: 'u32', dims: ['rows'] },
    y: { access: 'write', dtype: 'f32', dims: ['rows'] },
  },
  params: { end: 0 },
  check: (d, p) => (p.end! <= d.nVocab! ? undefined : `${p.end} is beyond ${d.nVocab} ids`),
  cost: (d) => ({ flops: 4 * d.rows! * d.nVocab!, bytes: 4 * d.rows! * d.nVocab! }),
  gpu: [
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
  ],
  // A unit is a row.
  cpu: [{ name: 'rows', units: (_c, liveRows) => liveRows, emit: emitRows }],
} as const satisfies Kernel;

/** Ids below this one share the probability. */
function endOf({ dims, params }: Pick<KernelContext, 'dims' | 'params'>): number {
  return params.end || dims.nVocab!;
}

function emitRows(w: ModuleBuilderLike, c: KernelContext, caps: CpuCaps): FunctionBuilder {
  const n = endOf(c);
  const f = kernelFunction(w, tokenProbability);
  const { logits, ids, y } = f.args;
  const p = f.local('i32');
  const four = f.locals('v128', 4);
  const value = f.local('v128');
  const id = f.local('i32');
  forUnits(f, (row) => {
    const line = f.let(at(logits, row, 4 * c.dims.nVocab!));
    f.set(id, i32.load(at(ids, row, 4)));
    const result = f.let(f.splat(0));
    f.if(i32.lt_u(id, i32.const(n)), () => {
      for (const max of four) f.set(max, f.splat(lowest));
      f.set(p, line);
      forVectors(f, n, [p], (offset, slot, lanes) => {
        f.set(value, v128.load(p, offset));
        if (lanes < 4) f.set(value, v128.or(firstLanes(f, value, lanes), otherLanes(f, f.splat(lowest), lanes)));
        f.set(four[slot]!, f32x4.pmax(four[slot]!, value));
      });
      const max = maxOfLanes(f, f32x4.pmax(f32x4.pmax(four[0]!, four[1]!), f32x4.pmax(four[2]!, four[3]!)));
      for (const sum of four) f.set(sum, f.splat(0));
      f.set(p, line);
      forVectors(f, n, [p], (offset, slot, lanes) => {
        f.set(value, exp(f, caps, f32x4.sub(v128.load(p, offset), max)));
        f.set(four[slot]!, f32x4.add(four[slot]!, firstLanes(f, value, lanes)));
      });
      const sum = sumOfLanes(f, f32x4.add(f32x4.add(four[0]!, four[1]!), f32x4.add(four[2]!, four[3]!)));
      const wanted = v128.load32_splat(at(line, id, 4));
      f.set(result, f32x4.div(exp(f, caps, f32x4.sub(wanted, max)), sum));
    });
    f.do(f32.store(at(y, row, 4), first(result)));
  });
  return f;
}

export const reference: Reference = ({ logits, ids, y }, dims, params, liveRows) => {
  const end = endOf({ dims, params });
  for (let row = 0; row < liveRows; row++) {
    const at = row * dims.nVocab!;
    const id = ids![row]!;
    let max = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < end; i++) max = Math.max(max, logits![at + i]!);
    let sum = 0;
    for (let i = 0; i < end; i++) sum += Math.exp(logits![at + i]! - max);
    y![row] = id >= end ? 0 : Math.exp(logits![at + id]! - max) / sum;
  }
};

function wanted(...list: readonly number[]): NonNullable<KernelCase['fill']> {
  return {
    ids: (ids) => {
      for (let i = 0; i < ids.length; i++) ids[i] = list[i % list.length]!;
    },
  };
}

export const cases: readonly KernelCase[] = [
  { dims: { rows: 1, nVocab: 1 }, fill: wanted(0) },
  { dims: { rows: 3, nVocab: 1000 }, fill: wanted(999, 0, 17) },
  { dims: { rows: 4, nVocab: 65 }, fill: wanted(64), liveRows: 2 },
  { dims: { rows: 2, nVocab: 300 }, fill: wanted(noToken, 3), note: 'no such id' },
  { dims: { rows: 4, nVocab: 301 }, params: { end: 203 }, fill: wanted(202, 203, 0, 300), note: 'ids of text only' },
  {
    dims: { rows: 2, nVocab: 51865 },
    fill: {
      ...wanted(50362, 50361),
      logits: (x, _d, random) => {
        for (let i = 0; i < x.length; i++) x[i] = 30 * random() - 20;
      },
    },
    note: 'real size',
  },
];

export const tolerance = (): Tolerance => ({ absolute: 1e-6, relative: 2e-5 });
