/**
 * Products of int8 weights with rows of x in integers (int8Inputs.ts): the rows are rounded once into the thread's scratch,
 * and a panel is read as it lies, four inputs of an output side by side.
 *
 * `i32x4.dot_i16x8_s` takes eight bytes of weights, widened by their load, against four inputs: two outputs with two half
 * sums each, which are added up at the end. It is plain SIMD, so every machine computes these very integers.
 */
import { INTERLEAVED, int8Layout } from '../../engine/int8.ts';
import type { Local } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { maxOfLanes } from '../../engine/wasm/math.ts';
import type { ModuleBuilder } from '../../engine/wasm/module.ts';
import { storeVector } from '../../engine/wasm/rows.ts';
import { type I32, i32 } from '../../engine/wasm/scalar.ts';
import { at } from '../../engine/wasm/signature.ts';
import { f32x4, i8x16, i16x8, i32x4, type V128, v128 } from '../../engine/wasm/simd.ts';
import type { EmitContext, WasmFeatures } from '../../engine/wasm/variant.ts';
import type { GemmArgs, GemmOptions } from './gemmOptions.ts';
import { INPUT_STEPS, LONGEST_INTEGER_SUM } from './int8Inputs.ts';
import { panelCount } from './panels.ts';

/** A rounded row in scratch: whole numbers of 16 bits, filled up with zeros, then its step in all lanes of a vector. */
function rowBytes(k: number): number {
  return 2 * paddedLength(k) + 16;
}

/** A multiple of eight numbers: what rounding stores at once. */
function paddedLength(k: number): number {
  return Math.ceil(k / 8) * 8;
}

export function integerScratchBytes({ rows, k }: Pick<GemmOptions, 'rows' | 'k'>): number {
  return rows * rowBytes(k);
}

/** Emits the rounding of all live rows into scratch. */
export function emitRoundRows(
  f: FunctionBuilder,
  { module }: Pick<EmitContext, 'module'>,
  o: GemmOptions,
  args: GemmArgs,
): void {
  const row = f.local('i32');
  const round = roundRow(module, o.k);
  f.for(row, i32.const(0), args.rows, 1, () => {
    f.call(round, at(args.x, row, o.xStride), at(args.scratch, row, rowBytes(o.k)));
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

interface IntegerTile {
  readonly rows: number;
  /** Outputs, a multiple of 4. */
  readonly columns: number;
}

/**
 * Eight sums each, so that they and what they are made of stay in registers: a row against a whole panel, or more rows
 * against a part of it.
 */
function tilesFor(features: WasmFeatures, panelWidth: number): readonly IntegerTile[] {
  const widest = features.preloadsOperands ? 8 : 16;
  return [
    { rows: 4, columns: 4 },
    { rows: 2, columns: 8 },
    { rows: 1, columns: widest },
  ].map(({ rows, columns }) => ({ rows, columns: Math.min(columns, panelWidth) }));
}

/** Emits the product of all live rows, rounded in scratch, with the panels of a range. */
export function emitIntegerPanels(
  f: FunctionBuilder,
  { module, features }: Pick<EmitContext, 'module' | 'features'>,
  o: GemmOptions,
  args: GemmArgs,
  range: Readonly<Record<'firstPanel' | 'endPanel', I32>>,
): void {
  const panels = panelCount(o.n, o.panelWidth);
  const layout = int8Layout([panels, o.k, o.panelWidth], Number.POSITIVE_INFINITY);
  const inTail = o.n % o.panelWidth;
  const panel = f.local('i32');
  const row = f.local('i32');
  const tiles = ({ rows, columns }: IntegerTile, count: number): void => {
    for (let column = 0; column < count; column += columns) {
      const callee = integerTile(module, features, {
        rows,
        columns,
        k: o.k,
        panelWidth: o.panelWidth,
        yStride: o.yStride,
        stored: Math.min(columns, count - column),
        bias: o.bias,
        added: o.added && !o.gelu,
      });
      const inRow = i32.add(i32.mul(panel, i32.const(4 * o.panelWidth)), i32.const(4 * column));
      const inY = i32.add(i32.mul(row, i32.const(o.yStride)), inRow);
      const groupBytes = INTERLEAVED * o.panelWidth;
      f.call(
        callee,
        at(args.scratch, row, rowBytes(o.k)),
        i32.add(at(args.w, panel, layout.groups * groupBytes), i32.const(INTERLEAVED * column)),
        i32.add(i32.add(args.w, i32.const(layout.scales)), inRow),
        i32.add(args.y, inY),
        o.bias ? i32.add(args.bias, inRow) : i32.const(0),
        o.added ? i32.add(args.added, inY) : i32.const(0),
      );
    }
  };
  f.for(panel, range.firstPanel, range.endPanel, 1, () => {
    f.set(row, i32.const(0));
    for (const shape of tilesFor(features, o.panelWidth)) {
      if (shape.rows > o.rows) continue;
      f.while(i32.le_s(i32.add(row, i32.const(shape.rows)), args.rows), () => {
        if (inTail === 0) tiles(shape, o.panelWidth);
        else
          f.if(
            i32.eq(panel, i32.const(panels - 1)),
            () => tiles(shape, inTail),
            () => tiles(shape, o.panelWidth),
          );
        f.increase(row, shape.rows);
      });
    }
  });
}

interface IntegerTileOptions extends IntegerTile {
  readonly k: number;
  readonly panelWidth: number;
  /** From row to row, in bytes. */
  readonly yStride: number;
  /** Columns that are there: the others are computed and not stored. */
  readonly stored: number;
  readonly bias: boolean;
  readonly added: boolean;
}

/** The function (x, w, scales, y, bias, added) that does one tile: x are rounded rows, w and scales of the first column. */
function integerTile(module: ModuleBuilder, features: WasmFeatures, o: IntegerTileOptions): FunctionBuilder {
  const key = `integerTile ${JSON.stringify(o)}`;
  return module.once(key, () => {
    const f = module.function(key, { x: 'i32', w: 'i32', scales: 'i32', y: 'i32', bias: 'i32', added: 'i32' });
    const { x, w, scales, y, bias, added } = f.args;
    const vectors = o.columns / 4;
    const sums = Array.from({ length: o.rows }, () => f.locals('v128', 2 * vectors));
    const inputs = f.locals('v128', o.rows);
    const weights = f.local('v128');
    const results = Array.from({ length: o.rows }, () => f.locals('v128', vectors));
    const start = f.let(x);
    const groupBytes = INTERLEAVED * o.panelWidth;
    const stride = rowBytes(o.k);
    const turn = (u: number): void => {
      for (const [r, input] of inputs.entries()) f.set(input, v128.load64_splat(x, r * stride + 2 * INTERLEAVED * u));
      for (let j = 0; j < 2 * vectors; j++) {
        f.set(weights, v128.load8x8_s(w, u * groupBytes + 8 * j));
        for (const [r, input] of inputs.entries())
          f.set(sums[r]![j]!, i32x4.add(sums[r]![j]!, i32x4.dot_i16x8_s(weights, input)));
      }
    };
    for (let begin = 0; begin < o.k; begin += LONGEST_INTEGER_SUM) {
      const groups = Math.ceil(Math.min(LONGEST_INTEGER_SUM, o.k - begin) / INTERLEAVED);
      const unroll = features.preloadsOperands ? 1 : [4, 2, 1].find((u) => groups % u === 0)!;
      for (const sum of sums.flat()) f.set(sum, f.splatInt(0));
      f.repeat(i32.const(groups / unroll), () => {
        for (let u = 0; u < unroll; u++) turn(u);
        f.increase(x, 2 * INTERLEAVED * unroll);
        f.increase(w, groupBytes * unroll);
      });
      for (const [r, row] of results.entries())
        for (const [q, result] of row.entries()) {
          const whole = f32x4.convert_i32x4_s(addHalves(sums[r]![2 * q]!, sums[r]![2 * q + 1]!));
          f.set(result, begin === 0 ? whole : f32x4.add(result, whole));
        }
    }
    for (const [r, row] of results.entries()) {
      const step = f.let(v128.load(start, r * stride + 2 * paddedLength(o.k)));
      for (const [q, result] of row.entries()) {
        f.set(result, f32x4.mul(f32x4.mul(result, step), v128.load(scales, 16 * q)));
        if (o.bias) f.set(result, f32x4.add(result, v128.load(bias, 16 * q)));
        if (o.added) f.set(result, f32x4.add(result, v128.load(added, r * o.yStride + 16 * q)));
      }
      for (let q = vectors - 1; q >= 0; q--) storeVector(f, y, row[q]!, r * o.yStride + 16 * q, o.stored - 4 * q);
    }
    return f;
  });
}

/** Sums of four outputs: `a` has the halves of two, `b` of the next two. */
function addHalves(a: V128, b: V128): V128 {
  const lanes = (first: number): number[] =>
    [first, first + 2, first + 4, first + 6].flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte));
  return i32x4.add(i8x16.shuffle(a, b, lanes(0)), i8x16.shuffle(a, b, lanes(1)));
}
