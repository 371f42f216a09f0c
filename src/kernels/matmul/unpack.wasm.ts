/**
 * A block of one panel of weights, whatever its storage type, as f32 in scratch: where many rows meet the same weights,
 * widening them once costs less than doing so in the inner loop.
 */
import { type DType, scaleLayout, storageType } from '../../engine/dtype.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import type { ModuleBuilder } from '../../engine/wasm/module.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { f32x4, v128 } from '../../engine/wasm/simd.ts';

export interface UnpackOptions {
  readonly dtype: DType;
  /** Shape of the weights: [panels, k, panelWidth]. */
  readonly panels: number;
  readonly k: number;
  readonly panelWidth: number;
  /** Rows of k that are unpacked, from this one on. */
  readonly begin: number;
  readonly size: number;
}

/** The function (w, panel, to): `w` is the tensor's address, `panel` the panel's number. */
export function unpackPanel(module: ModuleBuilder, o: UnpackOptions): FunctionBuilder {
  const key = `unpackPanel ${JSON.stringify(o)}`;
  return module.once(key, () => {
    const f = module.function(key, { w: 'i32', panel: 'i32', to: 'i32' });
    const { w, panel, to } = f.args;
    const { elementBytes, scaleBlock, wasm } = storageType(o.dtype);
    if (!wasm) throw new TypeError(`${o.dtype} holds no weights`);
    const rowBytes = elementBytes * o.panelWidth;
    const vectors = o.panelWidth / 4;
    const from = f.let(i32.add(w, i32.add(i32.mul(panel, i32.const(o.k * rowBytes)), i32.const(o.begin * rowBytes))));
    const values = f.locals('v128', vectors);
    const rows = (count: number, scales: readonly (typeof values)[number][] | undefined): void =>
      f.repeat(i32.const(count), () => {
        for (const [q, value] of values.entries()) {
          const loaded = wasm.load4(f, from, 4 * elementBytes * q);
          f.set(value, scales ? f32x4.mul(loaded, scales[q]!) : loaded);
        }
        for (let q = vectors - 1; q >= 0; q--) f.do(v128.store(to, values[q]!, 16 * q));
        f.increase(from, rowBytes);
        f.increase(to, 4 * o.panelWidth);
      });
    if (scaleBlock === undefined) {
      rows(o.size, undefined);
      return f;
    }
    const layout = scaleLayout([o.panels, o.k, o.panelWidth], scaleBlock);
    const inPanel = i32.mul(panel, i32.const(4 * layout.blocks * o.panelWidth));
    const panelScales = f.let(i32.add(i32.add(w, i32.const(layout.scales)), inPanel));
    const scales = f.locals('v128', vectors);
    for (let row = o.begin; row < o.begin + o.size; ) {
      const block = Math.floor(row / layout.blockSize);
      const end = Math.min((block + 1) * layout.blockSize, o.begin + o.size);
      for (const [q, scale] of scales.entries())
        f.set(scale, v128.load(panelScales, 4 * (block * o.panelWidth + 4 * q)));
      rows(end - row, scales);
      row = end;
    }
    return f;
  });
}
