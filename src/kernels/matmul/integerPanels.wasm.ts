/**
 * Products in integers: rows rounded to 16 bits (roundRow.wasm.ts) with panels of integers, two inputs of an output side by
 * side (engine/int8.ts), of 8 or 16 bits. The sum of an output, less its zero times the sum of the row, times the row's step and its
 * own scale is a float.
 *
 * `i32x4.dot_i16x8_s` takes two inputs of four outputs at once. It is plain SIMD, so every machine computes these very
 * integers. What was measured beside it (Zen with AVX2, tiles in the first-level cache, Gop/s, f32 93): these 145;
 * `relaxed_dot_i8x16_i7x16` 176, for half of the bits of x.
 */
import { INTERLEAVED } from '../../engine/int8.ts';
import type { Local } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import type { ModuleBuilder } from '../../engine/wasm/module.ts';
import { storeVector } from '../../engine/wasm/rows.ts';
import { type I32, i32 } from '../../engine/wasm/scalar.ts';
import { at } from '../../engine/wasm/signature.ts';
import { f32x4, i32x4, v128 } from '../../engine/wasm/simd.ts';
import type { EmitContext, WasmFeatures } from '../../engine/wasm/variant.ts';
import type { GemmRange } from './gemmOptions.ts';
import { panelCount } from './panels.ts';
import { ROW_SUM, roundedRowBytes, stepOffset } from './roundRow.wasm.ts';
import type { TileShape } from './tile.wasm.ts';

export interface IntegerProduct {
  /** Rows of a range at most. */
  readonly rows: number;
  readonly k: number;
  /** Columns of y that are written. */
  readonly n: number;
  readonly panelWidth: number;
  /** Of an integer in the panels: 1 or 2. */
  readonly elementBytes: 1 | 2;
  /** Inputs whose sum of products fits 32 bits; sums of longer rows are joined in f32. Even. */
  readonly longestSum: number;
  /** From row to row, in bytes. */
  readonly yStride: number;
  /** Do outputs have zeros besides their scales? The rows' sums are looked at then. */
  readonly zeros: boolean;
  readonly bias: boolean;
  readonly added: boolean;
}

export interface IntegerArgs {
  /** The range's rows, rounded. */
  readonly x: I32;
  /** Panels [panels, ceil(k / 2), panelWidth, 2]. */
  readonly w: I32;
  /** f32 [panels, panelWidth] */
  readonly scales: I32;
  /** f32 [panels, panelWidth] */
  readonly zeros: I32;
  /** Row 0, column 0, as of `bias` and `added`. */
  readonly y: I32;
  readonly bias: I32;
  readonly added: I32;
}

/** As many rows and columns as there are registers for, with what the sums are made of (tile.wasm.ts says when). */
function fullTile({ preloadsOperands, revectorize }: WasmFeatures, panelWidth: number): TileShape {
  return { rows: preloadsOperands ? 4 : 5, columns: Math.min(panelWidth, revectorize ? 16 : 8) };
}

function tileShapes(features: WasmFeatures, { rows, panelWidth }: IntegerProduct): readonly TileShape[] {
  const full = fullTile(features, panelWidth);
  return [...new Set([full.rows, 4, 2, 1])]
    .filter((height) => height <= rows)
    .map((height) => ({ rows: height, columns: height <= 2 ? Math.min(panelWidth, 16) : full.columns }));
}

/** Emits the product of a range's rows with its panels. */
export function emitIntegerPanels(
  f: FunctionBuilder,
  { module, features }: Pick<EmitContext, 'module' | 'features'>,
  o: IntegerProduct,
  args: IntegerArgs,
  range: GemmRange,
): void {
  const panels = panelCount(o.n, o.panelWidth);
  const groupBytes = INTERLEAVED * o.elementBytes * o.panelWidth;
  const panelBytes = Math.ceil(o.k / INTERLEAVED) * groupBytes;
  const inTail = o.n % o.panelWidth;
  const panel = f.local('i32');
  const row = f.local('i32');
  const tiles = (shape: TileShape, count: number, begin: number): void => {
    const end = Math.min(begin + o.longestSum, o.k);
    for (let column = 0; column < count; column += shape.columns) {
      const callee = integerTile(module, features, {
        ...shape,
        groups: Math.ceil((end - begin) / INTERLEAVED),
        panelWidth: o.panelWidth,
        elementBytes: o.elementBytes,
        xStride: roundedRowBytes(o.k),
        yStride: o.yStride,
        stored: Math.min(shape.columns, count - column),
        isFirst: begin === 0,
        last: end === o.k ? { zeros: o.zeros, bias: o.bias, added: o.added } : undefined,
      });
      const inRow = i32.add(i32.mul(panel, i32.const(4 * o.panelWidth)), i32.const(4 * column));
      const inY = f.let(i32.add(i32.mul(row, i32.const(o.yStride)), inRow));
      const rounded = f.let(at(args.x, i32.sub(row, range.firstRow), roundedRowBytes(o.k)));
      f.call(
        callee,
        i32.add(rounded, i32.const(2 * begin)),
        i32.add(
          at(args.w, panel, panelBytes),
          i32.const((begin / INTERLEAVED) * groupBytes + INTERLEAVED * o.elementBytes * column),
        ),
        i32.add(args.y, inY),
        i32.add(rounded, i32.const(stepOffset(o.k))),
        i32.add(args.scales, inRow),
        o.zeros ? i32.add(args.zeros, inRow) : i32.const(0),
        o.bias ? i32.add(args.bias, inRow) : i32.const(0),
        o.added ? i32.add(args.added, inY) : i32.const(0),
      );
    }
  };
  f.for(panel, range.firstPanel, range.endPanel, 1, () => {
    for (let begin = 0; begin < o.k; begin += o.longestSum) {
      f.set(row, range.firstRow);
      for (const shape of tileShapes(features, o)) {
        f.while(i32.le_s(i32.add(row, i32.const(shape.rows)), range.endRow), () => {
          if (inTail === 0) tiles(shape, o.panelWidth, begin);
          else
            f.if(
              i32.eq(panel, i32.const(panels - 1)),
              () => tiles(shape, inTail, begin),
              () => tiles(shape, o.panelWidth, begin),
            );
          f.increase(row, shape.rows);
        });
      }
    }
  });
}

interface IntegerTileOptions extends TileShape {
  /** Of inputs that lie side by side. */
  readonly groups: number;
  readonly panelWidth: number;
  readonly elementBytes: 1 | 2;
  /** From row to row, in bytes. */
  readonly xStride: number;
  readonly yStride: number;
  /** Columns that are there: the others are computed and not stored. */
  readonly stored: number;
  /** Otherwise y holds the sums of the inputs before, without their scales. */
  readonly isFirst: boolean;
  /** What the last inputs bring with them besides the scales. */
  readonly last: Pick<IntegerProduct, 'zeros' | 'bias' | 'added'> | undefined;
}

/**
 * The function (x, w, y, step, scales, zeros, bias, added) that does one tile: x are rounded rows, `step` is that of the first of
 * them, w, scales, zeros and bias are of the first column.
 */
function integerTile(module: ModuleBuilder, features: WasmFeatures, o: IntegerTileOptions): FunctionBuilder {
  const key = `integerTile ${JSON.stringify(o)}`;
  return module.once(key, () => {
    const f = module.function(key, {
      x: 'i32',
      w: 'i32',
      y: 'i32',
      step: 'i32',
      scales: 'i32',
      zeros: 'i32',
      bias: 'i32',
      added: 'i32',
    });
    const { x, w, y, step, scales, zeros, bias, added } = f.args;
    const vectors = o.columns / 4;
    const sums = Array.from({ length: o.rows }, () => f.locals('v128', vectors));
    const weights = f.locals('v128', vectors);
    const input = f.local('v128');
    const each = (visit: (sum: Local<'v128'>, row: number, vector: number) => void): void =>
      sums.forEach((row, r) => {
        row.forEach((sum, q) => {
          visit(sum, r, q);
        });
      });

    const groupBytes = INTERLEAVED * o.elementBytes * o.panelWidth;
    const load = o.elementBytes === 1 ? v128.load8x8_s : v128.load;
    const unroll = features.preloadsOperands || o.groups % 2 === 1 ? 1 : 2;
    f.repeat(i32.const(o.groups / unroll), () => {
      for (let u = 0; u < unroll; u++) {
        for (const [q, weight] of weights.entries()) f.set(weight, load(w, u * groupBytes + 8 * o.elementBytes * q));
        for (const [r, row] of sums.entries()) {
          f.set(input, v128.load32_splat(x, r * o.xStride + 2 * INTERLEAVED * u));
          for (const [q, sum] of row.entries()) f.set(sum, i32x4.add(sum, i32x4.dot_i16x8_s(weights[q]!, input)));
        }
      }
      f.increase(x, 2 * INTERLEAVED * unroll);
      f.increase(w, groupBytes * unroll);
    });
    each((sum) => f.set(sum, f32x4.convert_i32x4_s(sum)));
    if (!o.isFirst) each((sum, r, q) => f.set(sum, f32x4.add(v128.load(y, r * o.yStride + 16 * q), sum)));
    if (o.last) {
      const { last } = o;
      if (last.zeros)
        each((sum, r, q) => {
          const rowSum = v128.load32_splat(step, r * o.xStride + ROW_SUM);
          f.set(sum, f32x4.sub(sum, f32x4.mul(v128.load(zeros, 16 * q), rowSum)));
        });
      each((sum, r) => f.set(sum, f32x4.mul(sum, v128.load32_splat(step, r * o.xStride))));
      each((sum, _, q) => f.set(sum, f32x4.mul(sum, v128.load(scales, 16 * q))));
      if (last.bias) each((sum, _, q) => f.set(sum, f32x4.add(sum, v128.load(bias, 16 * q))));
      if (last.added) each((sum, r, q) => f.set(sum, f32x4.add(sum, v128.load(added, r * o.yStride + 16 * q))));
    }
    for (const [r, row] of sums.entries())
      for (let q = vectors - 1; q >= 0; q--) storeVector(f, y, row[q]!, r * o.yStride + 16 * q, o.stored - 4 * q);
    return f;
  });
}
