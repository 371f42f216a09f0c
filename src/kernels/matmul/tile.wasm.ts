/**
 * The inner loop of all matrix products: MR rows of x against NR columns of one panel.
 *
 *   for i in 0..k:  for r in 0..MR, q in 0..NR/4:  acc[r][q] += x[r][i] * w[i][4q..4q+3]
 *
 * k and all strides are constants of the code, so the rows of a tile are one pointer and offsets, and a tile needs three
 * integer registers. x is read where it is: a broadcast load does not care about its layout.
 *
 * Which tile: x64 leaves 15 vector registers. Turboshaft (V8 from 13) keeps the order of the code, so 12 accumulators, two
 * vectors of w and one broadcast fit; the TurboFan before it puts all loads of a loop body first, so its tiles are smaller
 * and must not be unrolled; without a multiply-add the product takes a register too. Where V8 pairs vectors into 256 bits
 * it wants loads and stores in pairs at offsets 16 apart from one pointer, all arithmetic before the stores, and the
 * stores from the highest address down.
 */
import { type DType, storageType } from '../../engine/dtype.ts';
import type { Local } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { madd } from '../../engine/wasm/math.ts';
import type { ModuleBuilder } from '../../engine/wasm/module.ts';
import { storeVector } from '../../engine/wasm/rows.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { f32x4, v128 } from '../../engine/wasm/simd.ts';
import type { WasmFeatures } from '../../engine/wasm/variant.ts';

export interface TileShape {
  readonly rows: number;
  /** A multiple of 4 that divides `panelWidth`. */
  readonly columns: number;
}

export interface TileOptions extends TileShape {
  readonly k: number;
  readonly panelWidth: number;
  /** How w is stored; a type without scales. */
  readonly dtype: DType;
  /** From row to row, in bytes. */
  readonly xStride: number;
  readonly yStride: number;
  /** Columns that are there: the others are computed and not stored. */
  readonly stored: number;
  /** Added to the sum: `bias[column]`, or what y holds from an earlier block of k. Sums begin at zero: see `blocksOfK`. */
  readonly base?: 'bias' | 'y' | undefined;
  /** `add`: + added[row, column] at the end, strides as y. `scaleRows`: * added[row]. */
  readonly added?: 'add' | 'scaleRows' | undefined;
}

/** The best shape of a full tile. */
export function fullTile(features: WasmFeatures): TileShape {
  if (features.preloadsOperands) return { rows: 4, columns: 8 };
  if (features.relaxedSimd) return features.revectorize ? { rows: 6, columns: 16 } : { rows: 6, columns: 8 };
  return { rows: 4, columns: 8 };
}

/** The function (x, w, y, bias, added) that does one tile; `bias` and `added` are 0 when they are not used. */
export function tile(module: ModuleBuilder, features: WasmFeatures, o: TileOptions): FunctionBuilder {
  const key = `tile ${JSON.stringify(o)}`;
  return module.once(key, () => {
    const f = module.function(key, { x: 'i32', w: 'i32', y: 'i32', bias: 'i32', added: 'i32' });
    const { x, w: weights, y, bias, added } = f.args;
    const { elementBytes, wasm } = storageType(o.dtype);
    if (!wasm) throw new TypeError(`${o.dtype} holds no weights`);
    const vectors = o.columns / 4;
    const acc = Array.from({ length: o.rows }, () => f.locals('v128', vectors));
    const column = f.locals('v128', vectors);
    const value = f.local('v128');
    const each = (visit: (sum: Local<'v128'>, row: number, vector: number) => void): void =>
      acc.forEach((row, r) => {
        row.forEach((sum, q) => {
          visit(sum, r, q);
        });
      });

    const unroll = features.preloadsOperands ? 1 : [4, 2, 1].find((u) => o.k % u === 0)!;
    f.repeat(i32.const(o.k / unroll), () => {
      for (let u = 0; u < unroll; u++) {
        for (let q = 0; q < vectors; q++)
          f.set(column[q]!, wasm.load4(f, weights, elementBytes * (u * o.panelWidth + 4 * q)));
        for (let r = 0; r < o.rows; r++) {
          f.set(value, v128.load32_splat(x, r * o.xStride + 4 * u));
          for (let q = 0; q < vectors; q++) f.set(acc[r]![q]!, madd(features, value, column[q]!, acc[r]![q]!));
        }
      }
      f.increase(x, 4 * unroll);
      f.increase(weights, elementBytes * unroll * o.panelWidth);
    });
    if (o.base === 'bias') each((sum, _, q) => f.set(sum, f32x4.add(sum, v128.load(bias, 16 * q))));
    if (o.base === 'y') each((sum, r, q) => f.set(sum, f32x4.add(sum, v128.load(y, r * o.yStride + 16 * q))));
    if (o.added === 'add') each((sum, r, q) => f.set(sum, f32x4.add(sum, v128.load(added, r * o.yStride + 16 * q))));
    if (o.added === 'scaleRows') each((sum, r) => f.set(sum, f32x4.mul(sum, v128.load32_splat(added, 4 * r))));
    for (let r = 0; r < o.rows; r++)
      for (let q = vectors - 1; q >= 0; q--) storeVector(f, y, acc[r]![q]!, r * o.yStride + 16 * q, o.stored - 4 * q);
    return f;
  });
}
