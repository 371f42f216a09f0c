/**
 * Products of int8 weights with rows of x in integers (int8Inputs.ts): a block of rows is rounded into the thread's scratch,
 * and a panel is read as it lies, two inputs of an output side by side.
 *
 * `i32x4.dot_i16x8_s` takes eight bytes of weights, widened by their load, against two inputs: four outputs at once. It is
 * plain SIMD, so every machine computes these very integers. What was measured beside it (Zen with AVX2, tiles in the
 * first-level cache, Gop/s, f32 93): these 145; `relaxed_dot_i8x16_i7x16` 176, for half of the bits of x.
 */
import { INTERLEAVED, int8Layout } from '../../engine/int8.ts';
import type { Local } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { maxOfLanes } from '../../engine/wasm/math.ts';
import type { ModuleBuilder } from '../../engine/wasm/module.ts';
import { storeVector } from '../../engine/wasm/rows.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at } from '../../engine/wasm/signature.ts';
import { f32x4, i16x8, i32x4, type V128, v128 } from '../../engine/wasm/simd.ts';
import type { EmitContext, WasmFeatures } from '../../engine/wasm/variant.ts';
import type { GemmArgs, GemmOptions, GemmRange } from './gemmOptions.ts';
import { INPUT_STEPS, LONGEST_INTEGER_SUM } from './int8Inputs.ts';
import { panelCount } from './panels.ts';
import type { TileShape } from './tile.wasm.ts';

/** A rounded row in scratch: whole numbers of 16 bits, filled up with zeros, then its step in all lanes of a vector. */
function rowBytes(k: number): number {
  return 2 * paddedLength(k) + 16;
}

/** A multiple of eight numbers: what rounding stores at once. */
function paddedLength(k: number): number {
  return Math.ceil(k / 8) * 8;
}

/** @param rows that are rounded at once */
export function integerScratchBytes(rows: number, k: number): number {
  return rows * rowBytes(k);
}

/** Emits the rounding of a range's rows into scratch. */
export function emitRoundRows(
  f: FunctionBuilder,
  { module }: Pick<EmitContext, 'module'>,
  o: GemmOptions,
  args: GemmArgs,
  { firstRow, endRow }: Pick<GemmRange, 'firstRow' | 'endRow'>,
): void {
  const row = f.local('i32');
  const round = roundRow(module, o.k);
  f.for(row, firstRow, endRow, 1, () => {
    f.call(round, at(args.x, row, o.xStride), at(args.scratch, i32.sub(row, firstRow), rowBytes(o.k)));
  });
}

/** The function (x, to) that rounds a row. */
function roundRow(module: ModuleBuilder, k: number): FunctionBuilder {
  return module.once(`roundRow ${k}`, () => {
    const f = module.function(`roundRow ${k}`, { x: 'i32', to: 'i32' });
    const { x, to } = f.args;
    const largest = f.locals('v128', 2);
    const values = f.locals('v128', 2);
    const p = f.local('i32');
    /** Turns of eight numbers over the row; the last one has zeros where it has ended. */
    const each = (visit: () => void): void => {
      f.set(p, x);
      const read = (left: number): void => {
        for (const [half, value] of values.entries()) f.set(value, loadSome(f, p, 16 * half, left - 4 * half));
      };
      const turns = Math.floor(k / 8);
      if (turns > 0)
        f.repeat(i32.const(turns), () => {
          read(8);
          visit();
          f.increase(p, 32);
        });
      if (k % 8 > 0) {
        read(k % 8);
        visit();
      }
    };
    for (const value of largest) f.set(value, f.splat(0));
    each(() => {
      for (const [half, value] of values.entries()) f.set(largest[half]!, f32x4.pmax(largest[half]!, f32x4.abs(value)));
    });
    const most = f.let(maxOfLanes(f, f32x4.pmax(largest[0]!, largest[1]!)));
    // A row of zeros, or of next to nothing: its quotient must stay finite.
    const perStep = f.let(f32x4.div(f.splat(INPUT_STEPS), f32x4.pmax(most, f.splat(1e-30))));
    each(() => {
      const [low, high] = values.map((value) => i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(value, perStep))));
      f.do(v128.store(to, i16x8.narrow_i32x4_s(low!, high!)));
      f.increase(to, 16);
    });
    f.do(v128.store(to, f32x4.mul(most, f.splat(1 / INPUT_STEPS))));
    return f;
  });
}

/** Four floats, or the first `count` of them and zeros; nothing behind those is read. */
function loadSome(f: FunctionBuilder, p: Local<'i32'>, offset: number, count: number): V128 {
  if (count >= 4) return v128.load(p, offset);
  let value: V128 = f.splat(0);
  for (let lane = 0; lane < count; lane++) value = v128.load32_lane(p, value, lane, offset + 4 * lane);
  return value;
}

/** Sums in whole vectors that stay in registers with what they are made of. */
function fullTile({ revectorize }: WasmFeatures, panelWidth: number): TileShape {
  return { rows: 5, columns: Math.min(panelWidth, revectorize ? 16 : 8) };
}

function tileShapes(features: WasmFeatures, { rows, panelWidth }: GemmOptions): readonly TileShape[] {
  const full = fullTile(features, panelWidth);
  return [full.rows, 4, 2, 1]
    .filter((height) => height <= rows)
    .map((height) => ({ rows: height, columns: height <= 2 ? Math.min(panelWidth, 16) : full.columns }));
}

/** Emits the product of a range's rows, rounded in scratch, with its panels. */
export function emitIntegerPanels(
  f: FunctionBuilder,
  { module, features }: Pick<EmitContext, 'module' | 'features'>,
  o: GemmOptions,
  args: GemmArgs,
  range: GemmRange,
): void {
  const panels = panelCount(o.n, o.panelWidth);
  const layout = int8Layout([panels, o.k, o.panelWidth], Number.POSITIVE_INFINITY);
  const groupBytes = INTERLEAVED * o.panelWidth;
  const inTail = o.n % o.panelWidth;
  const panel = f.local('i32');
  const row = f.local('i32');
  const tiles = (shape: TileShape, count: number, begin: number): void => {
    const end = Math.min(begin + LONGEST_INTEGER_SUM, o.k);
    for (let column = 0; column < count; column += shape.columns) {
      const callee = integerTile(module, features, {
        ...shape,
        groups: Math.ceil((end - begin) / INTERLEAVED),
        panelWidth: o.panelWidth,
        xStride: rowBytes(o.k),
        yStride: o.yStride,
        stored: Math.min(shape.columns, count - column),
        isFirst: begin === 0,
        last: end === o.k ? { bias: o.bias, added: o.added && !o.gelu } : undefined,
      });
      const inRow = i32.add(i32.mul(panel, i32.const(4 * o.panelWidth)), i32.const(4 * column));
      const inY = f.let(i32.add(i32.mul(row, i32.const(o.yStride)), inRow));
      const rounded = f.let(at(args.scratch, i32.sub(row, range.firstRow), rowBytes(o.k)));
      f.call(
        callee,
        i32.add(rounded, i32.const(2 * begin)),
        i32.add(
          at(args.w, panel, layout.groups * groupBytes),
          i32.const((begin / INTERLEAVED) * groupBytes + INTERLEAVED * column),
        ),
        i32.add(args.y, inY),
        i32.add(rounded, i32.const(2 * paddedLength(o.k))),
        i32.add(i32.add(args.w, i32.const(layout.scales)), inRow),
        o.bias ? i32.add(args.bias, inRow) : i32.const(0),
        o.added ? i32.add(args.added, inY) : i32.const(0),
      );
    }
  };
  f.for(panel, range.firstPanel, range.endPanel, 1, () => {
    for (let begin = 0; begin < o.k; begin += LONGEST_INTEGER_SUM) {
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
  /** From row to row, in bytes. */
  readonly xStride: number;
  readonly yStride: number;
  /** Columns that are there: the others are computed and not stored. */
  readonly stored: number;
  /** Otherwise y holds the sums of the inputs before, without their scales. */
  readonly isFirst: boolean;
  /** What the last inputs bring with them besides the scales. */
  readonly last: { readonly bias: boolean; readonly added: boolean } | undefined;
}

/**
 * The function (x, w, y, step, scales, bias, added) that does one tile: x are rounded rows, `step` is that of the first of
 * them, w, scales and bias are of the first column.
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
      bias: 'i32',
      added: 'i32',
    });
    const { x, w, y, step, scales, bias, added } = f.args;
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

    const groupBytes = INTERLEAVED * o.panelWidth;
    const unroll = features.preloadsOperands || o.groups % 2 === 1 ? 1 : 2;
    f.repeat(i32.const(o.groups / unroll), () => {
      for (let u = 0; u < unroll; u++) {
        for (const [q, weight] of weights.entries()) f.set(weight, v128.load8x8_s(w, u * groupBytes + 8 * q));
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
