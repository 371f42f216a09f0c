import { CACHE_TYPES } from '../../engine/dtype.ts';
import { storeVector } from '../../engine/wasm/rows.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems } from '../../engine/wasm/signature.ts';
import { f32x4, v128 } from '../../engine/wasm/simd.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';
import { cacheAccess } from './cache.wasm.ts';

export const variants: readonly WasmVariant<
  'q' | 'keys' | 'rowState' | 'scores',
  'rows' | 'nState' | 'nCtx' | 'keyPanels' | 'keyPanel',
  'nHead' | 'head'
>[] = [
  {
    // A work item is a row. Four keys at a time, and of each four sums, of every fourth column.
    name: 'panels',
    takes: { keys: CACHE_TYPES },
    when: (c) => c.dims.keyPanel % 4 === 0,
    workItems: (_c, liveRows) => liveRows,
    emit(f, { dims: { nCtx, nState, keyPanels, keyPanel }, params: { nHead, head }, dtype }) {
      const headDim = nState / nHead;
      const { elementBytes, load4 } = cacheAccess(dtype('keys'));
      const { q, keys, rowState, scores } = f.args;
      const sums = f.locals('v128', 4);
      const score = f.local('v128');
      const [key, query, panel, group] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
      const stride = elementBytes * keyPanel;
      const scale = f.splat(1 / Math.sqrt(headDim));
      forWorkItems(f, (row) => {
        const slot = i32.load(at(rowState, row, ROW_STATE.rowBytes), ROW_STATE.offset.audio);
        const first = f.let(i32.add(at(q, row, 4 * nState), i32.const(4 * headDim * head)));
        const target = f.let(at(scores, row, 4 * nCtx));
        f.set(panel, i32.add(at(keys, slot, stride * keyPanels * nState), i32.const(stride * headDim * head)));
        f.set(group, i32.const(0));
        const four = (count: number): void => {
          f.set(key, i32.add(panel, i32.mul(group, i32.const(4 * elementBytes))));
          f.set(query, first);
          const add = (isFirst: boolean): void => {
            for (const [i, sum] of sums.entries()) {
              const product = f32x4.mul(v128.load32_splat(query, 4 * i), load4(f, key, stride * i));
              f.set(sum, isFirst ? product : f32x4.add(sum, product));
            }
            f.increase(key, 4 * stride);
            f.increase(query, 16);
          };
          add(true);
          if (headDim > 4) f.repeat(i32.const(headDim / 4 - 1), () => add(false));
          const [a, b, c, d] = sums;
          f.set(score, f32x4.mul(f32x4.add(f32x4.add(a!, c!), f32x4.add(b!, d!)), scale));
          storeVector(f, target, score, 0, count);
          f.increase(target, 16);
          f.increase(group, 1);
          f.if(i32.eq(group, i32.const(keyPanel / 4)), () => {
            f.set(group, i32.const(0));
            f.increase(panel, stride * nState);
          });
        };
        if (nCtx >= 4) f.repeat(i32.const(Math.floor(nCtx / 4)), () => four(4));
        if (nCtx % 4 > 0) four(nCtx % 4);
      });
    },
  },
];
