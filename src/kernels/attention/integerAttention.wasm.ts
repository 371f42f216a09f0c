/**
 * The encoder's self-attention with both products in integers of 16 bits, for models whose weights are integers too.
 *
 * Queries have QUERY_STEPS by row, keys what of 32 bits is left for headDim products. Values have VALUE_STEPS by column;
 * a row's weights are rounded to as many steps as keep its sum below 2^31 / VALUE_STEPS, at most those of 16 bits: a row
 * that looks at few keys has them finer than one that looks at all.
 */
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { nearestInteger } from '../../engine/wasm/math.ts';
import type { ModuleBuilder } from '../../engine/wasm/module.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems } from '../../engine/wasm/signature.ts';
import { f32x4, i16x8, v128 } from '../../engine/wasm/simd.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import { emitIntegerPanels } from '../matmul/integerPanels.wasm.ts';
import { roundedRowBytes, roundRow, stepOffset } from '../matmul/roundRow.wasm.ts';
import { type Dims, type HeadSizes, headItem, headSizes, hidePadding, type Params } from './heads.wasm.ts';
import { PANEL_WIDTH, QUERY_STEPS, roundKeys, roundValues, VALUE_STEPS } from './roundedHead.wasm.ts';
import { INTEGERS } from './rounding.ts';
import { softmaxRow } from './softmax.wasm.ts';

/** A multiple of a tile's rows, whether these are four or five. */
const QUERIES_PER_BLOCK = 20;

interface Layout {
  readonly keyScales: number;
  readonly values: number;
  readonly valueScales: number;
  /** Rounded. */
  readonly queries: number;
  readonly scores: number;
  /** 1 / sum of each row of scores. */
  readonly sums: number;
  /** The scores' weights, rounded. */
  readonly weights: number;
  readonly end: number;
}

/** Bytes into the scratch; keys come first. */
function layout({ keys, headDim }: HeadSizes): Layout {
  const columns = Math.ceil(headDim / PANEL_WIDTH) * PANEL_WIDTH;
  const keyScales = 2 * keys * headDim;
  const values = keyScales + 4 * keys;
  const valueScales = values + 2 * keys * columns;
  const queries = valueScales + 4 * columns;
  const scores = queries + QUERIES_PER_BLOCK * roundedRowBytes(headDim);
  const sums = scores + 4 * QUERIES_PER_BLOCK * keys;
  const weights = sums + 4 * QUERIES_PER_BLOCK;
  return {
    keyScales,
    values,
    valueScales,
    queries,
    scores,
    sums,
    weights,
    end: weights + QUERIES_PER_BLOCK * roundedRowBytes(keys),
  };
}

const integers: WasmVariant<'qkv' | 'y', Dims, Params> = {
  name: INTEGERS,
  when: ({ params }) => params.rounded === 1,
  workItems: (c) => c.params.nHead * headSizes(c, QUERIES_PER_BLOCK).itemsPerHead,
  scratchBytes: (c) => layout(headSizes(c, QUERIES_PER_BLOCK)).end,
  emit(f, c) {
    const s = headSizes(c, QUERIES_PER_BLOCK);
    const { module, features } = c;
    const { scratch, qkv, y } = f.args;
    const offsets = layout(s);
    const address = (part: keyof Layout) => f.let(i32.add(scratch, i32.const(offsets[part])));
    const [keyScales, values, valueScales] = [address('keyScales'), address('values'), address('valueScales')];
    const [queries, scores, sums, weights] = [
      address('queries'),
      address('scores'),
      address('sums'),
      address('weights'),
    ];
    const packed = f.let(i32.const(-1));
    const row = f.local('i32');
    const none = i32.const(0);
    const shared = {
      rows: QUERIES_PER_BLOCK,
      panelWidth: PANEL_WIDTH,
      elementBytes: 2,
      longestSum: Number.POSITIVE_INFINITY,
      zeros: false,
      bias: false,
      added: false,
    } as const;

    forWorkItems(f, (item) => {
      const { head, forBlocks } = headItem(f, s, item);
      const q = f.let(at(qkv, head, 4 * s.headDim));
      f.if(i32.ne(head, packed), () => {
        f.call(roundKeys(module, s), i32.add(q, i32.const(4 * s.nState)), scratch, keyScales);
        f.call(roundValues(module, s), i32.add(q, i32.const(8 * s.nState)), values, valueScales);
        f.set(packed, head);
      });
      const out = f.let(at(y, head, 4 * s.headDim));
      forBlocks((query, rows) => {
        f.for(row, none, rows, 1, () => {
          const from = at(q, i32.add(query, row), s.stride);
          f.call(roundRow(module, s.headDim, QUERY_STEPS), from, at(queries, row, roundedRowBytes(s.headDim)));
        });
        const all = { firstRow: none, endRow: rows, firstPanel: none };
        emitIntegerPanels(
          f,
          c,
          { ...shared, k: s.headDim, n: s.keys, yStride: 4 * s.keys },
          { x: queries, w: scratch, scales: keyScales, zeros: none, y: scores, bias: none, added: none },
          { ...all, endPanel: i32.const(s.keys / PANEL_WIDTH) },
        );
        f.for(row, none, rows, 1, () => {
          const line = f.let(at(scores, row, 4 * s.keys));
          const sum = f.let(at(sums, row, 4));
          hidePadding(f, line, s);
          f.call(softmaxRow(module, features), line, i32.const(s.keys), sum);
          f.call(roundWeights(module, s), line, sum, at(weights, row, roundedRowBytes(s.keys)));
        });
        emitIntegerPanels(
          f,
          c,
          { ...shared, k: s.keys, n: s.headDim, yStride: 4 * s.nState },
          {
            x: weights,
            w: values,
            scales: valueScales,
            zeros: none,
            y: at(out, query, 4 * s.nState),
            bias: none,
            added: none,
          },
          { ...all, endPanel: i32.const(Math.ceil(s.headDim / PANEL_WIDTH)) },
        );
      });
    });
  },
};

export const variants: readonly WasmVariant<'qkv' | 'y', Dims, Params>[] = [integers];

/** The function (line, inverse, to): exp of a row's scores, at most 1, to a rounded row; `inverse` holds 1 / their sum. */
function roundWeights(module: ModuleBuilder, { keys }: HeadSizes): FunctionBuilder {
  return module.once(`roundWeights ${keys}`, () => {
    const f = module.function('roundWeights', { line: 'i32', inverse: 'i32', to: 'i32' });
    const { line, inverse, to } = f.args;
    // Each is rounded up by half a step at most, and so is their sum by half of their number.
    const largestSum = Math.floor((2 ** 31 - 1) / VALUE_STEPS) - keys;
    const inverseSum = f.let(v128.load32_splat(inverse));
    const perStep = f.let(f32x4.pmin(f.splat(2 ** 15 - 1), f32x4.mul(f.splat(largestSum), inverseSum)));
    f.do(v128.store(to, f32x4.div(inverseSum, perStep), stepOffset(keys)));
    const values = f.locals('v128', 2);
    f.repeat(i32.const(keys / 8), () => {
      for (const [half, value] of values.entries())
        f.set(value, nearestInteger(f, f32x4.mul(v128.load(line, 16 * half), perStep)));
      f.do(v128.store(to, i16x8.narrow_i32x4_s(values[0]!, values[1]!)));
      f.increase(line, 32);
      f.increase(to, 16);
    });
    return f;
  });
}
