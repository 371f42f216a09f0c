/**
 * A block of one panel of weights, whatever its storage type, as f32 in scratch: where many rows meet the same weights,
 * widening them once costs less than doing so in the inner loop.
 */
import { type DType, storageType } from '../../engine/dtype.ts';
import { INTERLEAVED, int8Layout } from '../../engine/int8.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import type { ModuleBuilder } from '../../engine/wasm/module.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { f32x4, i32x4, v128 } from '../../engine/wasm/simd.ts';

export interface UnpackOptions {
  readonly dtype: DType;
  /** Shape of the weights: [panels, k, panelWidth]. */
  readonly panels: number;
  readonly k: number;
  readonly panelWidth: number;
  /** Rows of k that are unpacked, from this one on, an even one. */
  readonly begin: number;
  readonly size: number;
}

/** Rows of k that scratch must have room for: int8 comes two at a time. */
export function unpackedRows(size: number): number {
  return Math.ceil(size / INTERLEAVED) * INTERLEAVED;
}

/** The function (w, panel, to): `w` is the tensor's address, `panel` the panel's number. */
export function unpackPanel(module: ModuleBuilder, o: UnpackOptions): FunctionBuilder {
  const key = `unpackPanel ${JSON.stringify(o)}`;
  return module.once(key, () => {
    const f = module.function(key, { w: 'i32', panel: 'i32', to: 'i32' });
    const { scaleBlock } = storageType(o.dtype);
    if (scaleBlock === undefined) unpackFloats(f, o);
    else unpackInt8(f, o, scaleBlock);
    return f;
  });
}

type UnpackFunction = FunctionBuilder<Record<'w' | 'panel' | 'to', 'i32'>>;

function unpackFloats(f: UnpackFunction, o: UnpackOptions): void {
  const { w, panel, to } = f.args;
  const { elementBytes, wasm } = storageType(o.dtype);
  if (!wasm) throw new TypeError(`${o.dtype} holds no weights`);
  const rowBytes = elementBytes * o.panelWidth;
  const from = f.let(i32.add(w, i32.add(i32.mul(panel, i32.const(o.k * rowBytes)), i32.const(o.begin * rowBytes))));
  const values = f.locals('v128', o.panelWidth / 4);
  f.repeat(i32.const(o.size), () => {
    for (const [q, value] of values.entries()) f.set(value, wasm.load4(f, from, 4 * elementBytes * q));
    for (let q = values.length - 1; q >= 0; q--) f.do(v128.store(to, values[q]!, 16 * q));
    f.increase(from, rowBytes);
    f.increase(to, 4 * o.panelWidth);
  });
}

function unpackInt8(f: UnpackFunction, o: UnpackOptions, scaleBlock: number): void {
  const { w, panel, to } = f.args;
  const layout = int8Layout([o.panels, o.k, o.panelWidth], scaleBlock);
  const groupBytes = INTERLEAVED * o.panelWidth;
  const first = i32.add(i32.mul(panel, i32.const(layout.groups)), i32.const(o.begin / INTERLEAVED));
  const from = f.let(i32.add(w, i32.mul(first, i32.const(groupBytes))));
  const scaleBytes = 4 * layout.blocks * o.panelWidth;
  const panelScales = f.let(i32.add(i32.add(w, i32.const(layout.scales)), i32.mul(panel, i32.const(scaleBytes))));
  const panelZeros = f.let(i32.add(panelScales, i32.const(layout.zeros - layout.scales)));
  const vectors = o.panelWidth / 4;
  const scales = f.locals('v128', vectors);
  const zeros = f.locals('v128', vectors);
  const both = f.local('v128');
  for (let row = o.begin; row < o.begin + o.size; ) {
    const block = Math.floor(row / layout.blockSize);
    const end = Math.min((block + 1) * layout.blockSize, o.begin + o.size);
    for (const [q, scale] of scales.entries()) {
      f.set(scale, v128.load(panelScales, 4 * (block * o.panelWidth + 4 * q)));
      f.set(zeros[q]!, v128.load(panelZeros, 4 * (block * o.panelWidth + 4 * q)));
    }
    f.repeat(i32.const(Math.ceil((end - row) / INTERLEAVED)), () => {
      for (const [q, scale] of scales.entries()) {
        // Four outputs, each with two inputs of 16 bits: the lower one is moved up and down again, with its sign.
        f.set(both, v128.load8x8_s(from, 8 * q));
        for (let i = 0; i < INTERLEAVED; i++) {
          const whole = i32x4.shr_s(i === 0 ? i32x4.shl(both, i32.const(16)) : both, i32.const(16));
          const value = f32x4.mul(f32x4.sub(f32x4.convert_i32x4_s(whole), zeros[q]!), scale);
          f.do(v128.store(to, value, 4 * (i * o.panelWidth + 4 * q)));
        }
      }
      f.increase(from, groupBytes);
      f.increase(to, 4 * groupBytes);
    });
    row = end;
  }
}
