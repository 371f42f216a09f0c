import { CACHE_TYPES, storageType } from '../../engine/dtype.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems } from '../../engine/wasm/signature.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import { storeCached } from './cache.wasm.ts';

export const variants: readonly WasmVariant<'kv' | 'slot' | 'keys' | 'values', 'width' | 'nCtx' | 'nState'>[] = [
  {
    // A work item is a position.
    name: 'rows',
    takes: { keys: CACHE_TYPES, values: CACHE_TYPES },
    workItems: (c) => c.dims.nCtx,
    emit(f, { dims: { nCtx, nState, width }, dtype }) {
      const first = f.let(i32.mul(i32.load(f.args.slot), i32.const(nCtx)));
      forWorkItems(f, (t) => {
        const source = f.let(at(f.args.kv, t, 4 * width));
        const row = f.let(i32.add(first, t));
        for (const [part, name] of ['keys', 'values'].entries()) {
          const cache = name === 'keys' ? f.args.keys : f.args.values;
          const to = at(cache, row, storageType(dtype(name)).elementBytes * nState);
          storeCached(f, dtype(name), to, i32.add(source, i32.const(4 * part * nState)), nState);
        }
      });
    },
  },
];
