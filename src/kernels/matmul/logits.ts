/**
 * y[row, begin + j] = x[row] . E[j], j < count: the decoder's output through the token embedding, without bias.
 * x: [rows, k]; E: [count, k] in panels, a shard of the [nVocab, k] embedding; y: [rows, nVocab].
 *
 * Seven tenths of the weight bytes of one of tiny's tokens. The embedding of larger models exceeds the 128 MiB that a
 * WebGPU binding may have by default, so it comes in shards of whole panels, one command each.
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
import { i32 } from '../../engine/wasm/scalar.ts';
import { forUnits, kernelFunction } from '../../engine/wasm/signature.ts';
import { type ProductOptions, product, productUnits } from './gemm.wasm.ts';
import { productVariants } from './gemm.wgsl.ts';
import { panelCount, panelIndex } from './panels.ts';

export const logits = {
  name: 'logits',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['rows', 'k'] },
    w: { access: 'read', dtype: 'f32', dims: ['panels', 'k', 'panelWidth'] },
    y: { access: 'readwrite', dtype: 'f32', dims: ['rows', 'nVocab'] },
  },
  params: { begin: 0, count: 0 },
  check: (d, p) =>
    d.panels !== panelCount(p.count!, d.panelWidth!)
      ? `${p.count} ids need ${panelCount(p.count!, d.panelWidth!)} panels of ${d.panelWidth}, there are ${d.panels}`
      : p.begin! + p.count! > d.nVocab!
        ? `ids ${p.begin} to ${p.begin! + p.count!} are beyond ${d.nVocab}`
        : undefined,
  cost: (d, p) => ({
    flops: 2 * d.rows! * p.count! * d.k!,
    bytes: 4 * (d.rows! * d.k! + p.count! * d.k! + d.rows! * p.count!),
  }),
  gpu: productVariants((c) => ({
    rows: c.dims.rows!,
    n: c.params.count!,
    k: c.dims.k!,
    panelWidth: c.dims.panelWidth!,
    xStride: c.dims.k!,
    put: /* wgsl */ `
fn put(row: u32, j: u32, sum: f32) { y[row * ${c.dims.nVocab}u + ${c.params.begin}u + j] = sum; }`,
  })),
  cpu: [{ name: 'tiles', units: (c, liveRows) => productUnits(productOptions(c), liveRows), emit: emitProduct }],
} as const satisfies Kernel;

function productOptions({ dims: d, params }: KernelContext): ProductOptions {
  return {
    capacity: d.rows!,
    k: d.k!,
    n: params.count!,
    panelWidth: d.panelWidth!,
    xStride: 4 * d.k!,
    yStride: 4 * d.nVocab!,
    bias: false,
    gelu: false,
    added: false,
  };
}

function emitProduct(w: ModuleBuilderLike, c: KernelContext, caps: CpuCaps): FunctionBuilder {
  const f = kernelFunction(w, logits);
  const { x, w: weights, y, liveRows } = f.args;
  const none = i32.const(0);
  const shard = i32.add(y, i32.const(4 * c.params.begin!));
  const args = { x, w: weights, y: shard, bias: none, added: none, rows: liveRows };
  forUnits(f, (unit) => product(w, caps, f, productOptions(c), args, unit));
  return f;
}

export const reference: Reference = ({ x, w, y }, { k, nVocab, panelWidth }, { begin, count }, liveRows) => {
  for (let row = 0; row < liveRows; row++)
    for (let j = 0; j < count!; j++) {
      let sum = 0;
      for (let i = 0; i < k!; i++) sum += x![row * k! + i]! * w![panelIndex(j, i, k!, panelWidth!)]!;
      y![row * nVocab! + begin! + j] = sum;
    }
};

function shard(rows: number, k: number, nVocab: number, begin: number, count: number, more?: object): KernelCase {
  return {
    dims: { rows, k, nVocab, panelWidth: 16, panels: panelCount(count, 16) },
    params: { begin, count },
    ...more,
  };
}

export const cases: readonly KernelCase[] = [
  shard(1, 1, 1, 0, 1),
  shard(1, 32, 77, 0, 77),
  shard(3, 64, 200, 48, 100, { note: 'a shard in the middle: the rest stays' }),
  shard(8, 20, 133, 128, 5, { liveRows: 3 }),
  shard(2, 384, 1501, 0, 1501),
  shard(5, 48, 1000, 0, 1000, { note: 'five beams' }),
  shard(20, 64, 133, 0, 133, { liveRows: 17, note: 'twenty rows' }),
  shard(1, 384, 51865, 0, 51865, { bench: true, benchOnly: true, note: 'tiny' }),
  shard(5, 384, 51865, 0, 51865, { bench: true, benchOnly: true, note: 'tiny, five beams' }),
];

export const tolerance = (d: Readonly<Record<string, number>>): Tolerance => ({
  absolute: 1e-7 * d.k! + 1e-6,
  relative: 2e-6,
});
