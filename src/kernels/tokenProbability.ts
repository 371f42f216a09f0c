/**
 * y[row] = softmax(logits[row])[id], unfiltered, for the id in rules[4]: the probability of `<|nospeech|>`.
 * logits: [rows, nVocab]; rules: [8] (rowState.ts); y: [rows]. 0 when the model has no such id.
 */
import type { FunctionBuilder } from '../wasm/function.js';
import { f32, i32 } from '../wasm/scalar.js';
import { f32x4, v128 } from '../wasm/simd.js';
import type {
  CpuCaps,
  Kernel,
  KernelCase,
  KernelContext,
  ModuleBuilderLike,
  Reference,
  Tolerance,
} from './contract.js';
import { exp, first, maxOfLanes, sumOfLanes } from './cpu/math.js';
import { firstLanes, forVectors, otherLanes } from './cpu/rows.js';
import { at, forUnits, kernelFunction } from './cpu/signature.js';
import { lowest } from './cpu/softmax.js';
import { noToken } from './rowState.js';
import { LOWEST } from './wgsl.js';

export const tokenProbability = {
  name: 'tokenProbability',
  args: {
    logits: { access: 'read', dtype: 'f32', dims: ['rows', 'nVocab'] },
    rules: { access: 'read', dtype: 'u32', dims: [8] },
    y: { access: 'write', dtype: 'f32', dims: ['rows'] },
  },
  params: {},
  cost: (d) => ({ flops: 4 * d.rows! * d.nVocab!, bytes: 4 * d.rows! * d.nVocab! }),
  gpu: [
    {
      // One workgroup a row; thread i takes ids i, i + 256, ...
      name: 'groupPerRow',
      suits: 'hardware',
      groups: (_c, liveRows) => [liveRows, 1, 1],
      wgsl: ({ dims: { nVocab } }) => /* wgsl */ `
var<workgroup> part: array<f32, 256>;
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) i: u32) {
  let row = group.x;
  let at = row * ${nVocab}u;
  var best = ${LOWEST};
  for (var id = i; id < ${nVocab}u; id += 256u) { best = max(best, logits[at + id]); }
  part[i] = best;
  for (var half = 128u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (i < half) { part[i] = max(part[i], part[i + half]); }
  }
  let top = workgroupUniformLoad(&part[0]);
  var sum = 0f;
  for (var id = i; id < ${nVocab}u; id += 256u) { sum += exp(logits[at + id] - top); }
  part[i] = sum;
  for (var half = 128u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (i < half) { part[i] += part[i + half]; }
  }
  if (i == 0u) {
    let id = rules[4];
    y[row] = select(exp(logits[at + min(id, ${nVocab! - 1}u)] - top) / part[0], 0f, id == ${noToken}u);
  }
}`,
    },
    {
      name: 'threadPerRow',
      suits: 'software',
      groups: (_c, liveRows) => [liveRows, 1, 1],
      wgsl: ({ dims: { nVocab } }) => /* wgsl */ `
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3u) {
  let row = group.x;
  let at = row * ${nVocab}u;
  var top = ${LOWEST};
  for (var id = 0u; id < ${nVocab}u; id++) { top = max(top, logits[at + id]); }
  var sum = 0f;
  for (var id = 0u; id < ${nVocab}u; id++) { sum += exp(logits[at + id] - top); }
  let id = rules[4];
  y[row] = select(exp(logits[at + min(id, ${nVocab! - 1}u)] - top) / sum, 0f, id == ${noToken}u);
}`,
    },
  ],
  // A unit is a row.
  cpu: [{ name: 'rows', units: (_c, liveRows) => liveRows, emit: emitRows }],
} as const satisfies Kernel;

function emitRows(w: ModuleBuilderLike, { dims }: KernelContext, caps: CpuCaps): FunctionBuilder {
  const n = dims.nVocab!;
  const f = kernelFunction(w, tokenProbability);
  const { logits, rules, y } = f.args;
  const p = f.local('i32');
  const four = f.locals('v128', 4);
  const value = f.local('v128');
  const id = f.let(i32.load(rules, 16));
  forUnits(f, (row) => {
    const line = f.let(at(logits, row, 4 * n));
    const result = f.let(f.splat(0));
    f.if(i32.ne(id, i32.const(-1)), () => {
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

export const reference: Reference = ({ logits, rules, y }, { nVocab }, _params, liveRows) => {
  for (let row = 0; row < liveRows; row++) {
    const at = row * nVocab!;
    const id = rules![4]!;
    let max = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < nVocab!; i++) max = Math.max(max, logits![at + i]!);
    let sum = 0;
    for (let i = 0; i < nVocab!; i++) sum += Math.exp(logits![at + i]! - max);
    y![row] = id === noToken ? 0 : Math.exp(logits![at + id]! - max) / sum;
  }
};

function wanted(id: number): NonNullable<KernelCase['fill']>[string] {
  return (rules) => {
    rules[4] = id;
  };
}

export const cases: readonly KernelCase[] = [
  { dims: { rows: 1, nVocab: 1 }, fill: { rules: wanted(0) } },
  { dims: { rows: 3, nVocab: 1000 }, fill: { rules: wanted(999) } },
  { dims: { rows: 4, nVocab: 65 }, fill: { rules: wanted(64) }, liveRows: 2 },
  { dims: { rows: 1, nVocab: 300 }, fill: { rules: wanted(noToken) }, note: 'no such id' },
  {
    dims: { rows: 2, nVocab: 51865 },
    fill: {
      rules: wanted(50362),
      logits: (x, _d, random) => {
        for (let i = 0; i < x.length; i++) x[i] = 30 * random() - 20;
      },
    },
    note: 'real size',
  },
];

export const tolerance = (): Tolerance => ({ absolute: 1e-6, relative: 2e-5 });
