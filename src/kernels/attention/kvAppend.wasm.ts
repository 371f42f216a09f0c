import { CACHE_TYPES, storageType } from '../../engine/dtype.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems } from '../../engine/wasm/signature.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';
import { storeCached } from './cache.wasm.ts';

export const variants: readonly WasmVariant<
  'qkv' | 'rowState' | 'keys' | 'values' | 'slotOf',
  'rows' | 'width' | 'nCtx' | 'nState'
>[] = [
  {
    // A work item is a row.
    name: 'rows',
    takes: { keys: CACHE_TYPES, values: CACHE_TYPES },
    workItems: (_c, liveRows) => liveRows,
    emit(f, { dims: { nCtx, nState, width }, dtype }) {
      const { qkv, rowState, keys, values, slotOf } = f.args;
      const place = f.local('i32');
      forWorkItems(f, (row) => {
        const state = f.let(at(rowState, row, ROW_STATE.rowBytes));
        const sequence = f.let(i32.load(state, ROW_STATE.offset.sequence));
        f.set(place, i32.add(i32.mul(sequence, i32.const(nCtx)), i32.load(state, ROW_STATE.offset.position)));
        const source = f.let(at(qkv, row, 4 * width));
        for (const [part, cache, name] of [
          [1, keys, 'keys'],
          [2, values, 'values'],
        ] as const) {
          const to = at(cache, place, storageType(dtype(name)).elementBytes * nState);
          storeCached(f, dtype(name), to, i32.add(source, i32.const(4 * part * nState)), nState);
        }
        f.do(i32.store(at(slotOf, place, 4), sequence));
      });
    },
  },
];
