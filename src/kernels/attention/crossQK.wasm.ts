import { CACHE_TYPES } from '../../engine/dtype.ts';
import { first, sumOfLanes } from '../../engine/wasm/math.ts';
import { f32, i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems } from '../../engine/wasm/signature.ts';
import { f32x4, v128 } from '../../engine/wasm/simd.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';
import { cacheAccess } from './cache.wasm.ts';

export const variants: readonly WasmVariant<
  'q' | 'keys' | 'rowState' | 'scores',
  'rows' | 'nState' | 'nCtx',
  'nHead' | 'head'
>[] = [
  {
    // A work item is a row.
    name: 'dots',
    takes: { keys: CACHE_TYPES },
    workItems: (_c, liveRows) => liveRows,
    emit(f, { dims: { nCtx, nState }, params: { nHead, head }, dtype }) {
      const vectors = nState / nHead / 4;
      const { elementBytes, load4 } = cacheAccess(dtype('keys'));
      const { q, keys, rowState, scores } = f.args;
      const sum = f.local('v128');
      forWorkItems(f, (row) => {
        const slot = i32.load(at(rowState, row, ROW_STATE.rowBytes), ROW_STATE.offset.audio);
        const query = f.let(i32.add(at(q, row, 4 * nState), i32.const(16 * vectors * head)));
        const slotKeys = at(keys, slot, elementBytes * nCtx * nState);
        const key = f.let(i32.add(slotKeys, i32.const(4 * elementBytes * vectors * head)));
        const score = f.let(at(scores, row, 4 * nCtx));
        f.repeat(i32.const(nCtx), () => {
          f.set(sum, f32x4.mul(v128.load(query), load4(f, key, 0)));
          for (let v = 1; v < vectors; v++)
            f.set(sum, f32x4.add(sum, f32x4.mul(v128.load(query, 16 * v), load4(f, key, 4 * elementBytes * v))));
          f.do(f32.store(score, f32.mul(first(sumOfLanes(f, sum)), f32.const(1 / Math.sqrt(4 * vectors)))));
          f.increase(key, elementBytes * nState);
          f.increase(score, 4);
        });
      });
    },
  },
];
