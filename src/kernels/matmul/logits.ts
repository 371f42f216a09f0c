/**
 * y[row, begin + j] = x[row] . E[j], j < count: the decoder's output through the token embedding, without bias.
 * x: [rows, k]; E: [count, k] in panels, a shard of the [nVocab, k] embedding; y: [rows, nVocab].
 *
 * Seven tenths of the weight bytes of one of tiny's tokens. The embedding of larger models exceeds the 128 MiB that a
 * WebGPU binding may have by default, so it comes in shards of whole panels, one command each.
 */
import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import type { Dims, Params } from '../../engine/variant.ts';
import { MATRIX_FEATURE } from '../../engine/wgsl/matrixFeature.ts';
import { integerTolerance } from './int8Inputs.ts';
import { roundInputs as roundForMatrices } from './matrixInputs.ts';
import { panelCount, panelIndex } from './panels.ts';

export const logits = defineKernel({
  name: 'logits',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['rows', 'k'] },
    w: { access: 'read', dtype: WEIGHT_TYPES, dims: ['panels', 'k', 'panelWidth'] },
    y: { access: 'readwrite', dtype: 'f32', dims: ['rows', 'nVocab'] },
  },
  params: { begin: 0, count: 0 },
  check: ({ panels, panelWidth, nVocab }, { begin, count }) =>
    panels !== panelCount(count, panelWidth)
      ? `${count} ids need ${panelCount(count, panelWidth)} panels of ${panelWidth}, there are ${panels}`
      : begin + count > nVocab
        ? `ids ${begin} to ${begin + count} are beyond ${nVocab}`
        : undefined,
  cost: ({ rows, k }, { count }) => ({ flops: 2 * rows * count * k, bytes: 4 * (rows * k + count * k + rows * count) }),
  variants: {
    webgpu: async (_uses, has) => [
      ...(has(MATRIX_FEATURE) ? (await import('../matrices.ts')).logits : []),
      ...(has('subgroups') ? (await import('../broadcasts.ts')).logits : []),
      ...(await import('../webgpu.ts')).logits,
    ],
    wasm: async (uses) => [
      ...(uses.some(({ args }) => args.w?.dtype === 'int8') ? (await import('../integers.ts')).logits : []),
      ...(await import('../wasm.ts')).logits,
    ],
  },
});

export const reference: Reference<typeof logits> = (
  { x, w, y },
  { k, nVocab, panelWidth },
  { begin, count },
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++)
    for (let j = 0; j < count; j++) {
      let sum = 0;
      for (let i = 0; i < k; i++) sum += x[row * k + i]! * w[panelIndex(j, i, k, panelWidth)]!;
      y[row * nVocab + begin + j] = sum;
    }
};

function shard(
  rows: number,
  k: number,
  nVocab: number,
  begin: number,
  count: number,
  more?: Partial<KernelCase>,
): KernelCase {
  return {
    dims: { rows, k, nVocab, panelWidth: 16, panels: panelCount(count, 16) },
    params: { begin, count },
    ...more,
  };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ shard(1, 1, 1, 0, 1),
  /* @__PURE__ */ shard(1, 32, 77, 0, 77),
  /* @__PURE__ */ shard(3, 64, 200, 48, 100, { note: 'a shard in the middle: the rest stays' }),
  /* @__PURE__ */ shard(8, 20, 133, 128, 5, { liveRows: 3 }),
  /* @__PURE__ */ shard(2, 384, 1501, 0, 1501),
  /* @__PURE__ */ shard(5, 48, 1000, 0, 1000, { note: 'five beams' }),
  /* @__PURE__ */ shard(12, 64, 133, 0, 133, { note: 'twelve rows' }),
  /* @__PURE__ */ shard(20, 64, 133, 0, 133, { liveRows: 17, note: 'twenty rows' }),
  /* @__PURE__ */ shard(70, 48, 400, 128, 133, { liveRows: 67, note: 'more rows than a tile of 64, n off the panel' }),
  /* @__PURE__ */ shard(1, 384, 51865, 0, 51865, { bench: true, benchOnly: true, note: 'tiny' }),
  /* @__PURE__ */ shard(5, 384, 51865, 0, 51865, { bench: true, benchOnly: true, note: 'tiny, five beams' }),
];

export const tolerance = (d: Dims, _params: Params, _arg: string, variant: string): Tolerance => {
  const rounding = integerTolerance(variant, d.k!);
  return { absolute: 1e-7 * d.k! + 1e-6 + rounding.absolute, relative: 2e-6 + rounding.relative };
};

export const roundInputs = roundForMatrices;
