/**
 * The encoder's self-attention: for blocks of 12 queries of one head, scores against all keys, softmax, values.
 *
 * The head's keys and values are packed into the thread's scratch first (keys times 1 / sqrt(headDim), keys side by side;
 * values column by column), then both products run over the same tiles as all others. 12 rows of 1504 scores
 * (72 KiB) and a packed head (770 KiB) stay in the second-level cache.
 */

import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import type { ModuleBuilder } from '../../engine/wasm/module.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems, min } from '../../engine/wasm/signature.ts';
import { f32x4, v128 } from '../../engine/wasm/simd.ts';
import { transpose4 } from '../../engine/wasm/transpose.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import { emitPanels } from '../matmul/gemm.wasm.ts';
import { fullTile } from '../matmul/tile.wasm.ts';
import { type Dims, type HeadSizes, headItem, headSizes, hidePadding, type Params } from './heads.wasm.ts';
import { softmaxRow } from './softmax.wasm.ts';

const QUERIES_PER_BLOCK = 12;

/** Bytes into the scratch: keys first, then values, scores, and 1 / sum of each row. */
function layout(s: HeadSizes): Readonly<Record<'values' | 'scores' | 'scales' | 'end', number>> {
  const values = 4 * s.keys * s.headDim;
  const scores = values + 4 * s.keys * Math.ceil(s.headDim / 16) * 16;
  const scales = scores + 4 * QUERIES_PER_BLOCK * s.keys;
  return { values, scores, scales, end: scales + 4 * QUERIES_PER_BLOCK };
}

export const variants: readonly WasmVariant<'qkv' | 'y', Dims, Params>[] = [
  {
    name: 'blocks',
    workItems: (c) => c.params.nHead * headSizes(c, QUERIES_PER_BLOCK).itemsPerHead,
    scratchBytes: (c) => layout(headSizes(c, QUERIES_PER_BLOCK)).end,
    emit(f, c) {
      const s = headSizes(c, QUERIES_PER_BLOCK);
      const { module, features } = c;
      // Nobody else sees these panels, so they may be as wide as the tiles.
      const panelWidth = fullTile(features).columns;
      const { scratch, qkv, y } = f.args;
      const offsets = layout(s);
      const values = f.let(i32.add(scratch, i32.const(offsets.values)));
      const scores = f.let(i32.add(scratch, i32.const(offsets.scores)));
      const scales = f.let(i32.add(scratch, i32.const(offsets.scales)));
      const packed = f.let(i32.const(-1));
      const row = f.local('i32');
      const shared = {
        rows: QUERIES_PER_BLOCK,
        sumsAs: QUERIES_PER_BLOCK,
        panelWidth,
        dtype: 'f32',
        bias: false,
      } as const;

      forWorkItems(f, (item) => {
        const { head, forBlocks } = headItem(f, s, item);
        const q = f.let(at(qkv, head, 4 * s.headDim));
        f.if(i32.ne(head, packed), () => {
          f.call(packKeys(module, s, panelWidth), i32.add(q, i32.const(4 * s.nState)), scratch);
          f.call(packValues(module, s, panelWidth), i32.add(q, i32.const(8 * s.nState)), values);
          f.set(packed, head);
        });
        const out = f.let(at(y, head, 4 * s.headDim));
        forBlocks((query, rows) => {
          const all = { firstRow: i32.const(0), endRow: rows, firstPanel: i32.const(0) };
          const none = i32.const(0);
          emitPanels(
            f,
            c,
            { ...shared, k: s.headDim, n: s.keys, xStride: s.stride, yStride: 4 * s.keys },
            { x: at(q, query, s.stride), w: scratch, y: scores, bias: none, added: none, scratch: none },
            { ...all, endPanel: i32.const(s.keys / panelWidth) },
          );
          f.for(row, i32.const(0), rows, 1, () => {
            const line = f.let(at(scores, row, 4 * s.keys));
            hidePadding(f, line, s);
            f.call(softmaxRow(module, features), line, i32.const(s.keys), at(scales, row, 4));
          });
          emitPanels(
            f,
            c,
            { ...shared, k: s.keys, n: s.headDim, xStride: 4 * s.keys, yStride: 4 * s.nState, added: 'scaleRows' },
            { x: scores, w: values, y: at(out, query, 4 * s.nState), bias: none, added: scales, scratch: none },
            { ...all, endPanel: i32.const(Math.ceil(s.headDim / panelWidth)) },
          );
        });
      });
    },
  },
];

/** The function (from, to): keys of one head into panels, scaled. Padding repeats the last key. */
function packKeys(module: ModuleBuilder, s: HeadSizes, panelWidth: number): FunctionBuilder {
  return module.once(`packKeys ${s.nCtx} ${s.headDim} ${s.stride}`, () => {
    const f = module.function('packKeys', { from: 'i32', to: 'i32' });
    const { from, to } = f.args;
    const key = f.local('i32');
    const sources = f.locals('i32', 4);
    const target = f.local('i32');
    const last = i32.const(s.nCtx - 1);
    f.for(key, i32.const(0), i32.const(s.keys), 4, () => {
      for (const [i, source] of sources.entries())
        f.set(source, at(from, min(f, i32.add(key, i32.const(i)), last), s.stride));
      const panel = at(to, i32.div_u(key, i32.const(panelWidth)), 4 * panelWidth * s.headDim);
      f.set(target, at(panel, i32.rem_u(key, i32.const(panelWidth)), 4));
      f.repeat(i32.const(s.headDim / 4), () => {
        const columns = transpose4(
          f,
          sources.map((source) => v128.load(source)),
        );
        for (const [i, column] of columns.entries())
          f.do(v128.store(target, f32x4.mul(column, f.splat(1 / Math.sqrt(s.headDim))), 4 * panelWidth * i));
        for (const source of sources) f.increase(source, 16);
        f.increase(target, 16 * panelWidth);
      });
    });
    return f;
  });
}

/** The function (from, to): values of one head into panels. Padding repeats the last position: its weight is 0. */
function packValues(module: ModuleBuilder, s: HeadSizes, panelWidth: number): FunctionBuilder {
  return module.once(`packValues ${s.nCtx} ${s.headDim} ${s.stride}`, () => {
    const f = module.function('packValues', { from: 'i32', to: 'i32' });
    const { from, to } = f.args;
    const key = f.local('i32');
    const source = f.local('i32');
    const target = f.let(to);
    f.for(key, i32.const(0), i32.const(s.keys), 1, () => {
      f.set(source, at(from, min(f, key, i32.const(s.nCtx - 1)), s.stride));
      for (let i = 0; i < s.headDim; i += 4) {
        const panel = Math.floor(i / panelWidth);
        f.do(v128.store(target, v128.load(source, 4 * i), 4 * (panel * s.keys * panelWidth + (i % panelWidth))));
      }
      f.increase(target, 4 * panelWidth);
    });
    return f;
  });
}
