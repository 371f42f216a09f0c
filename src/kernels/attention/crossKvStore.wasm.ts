import { CACHE_TYPES, storageType } from '../../engine/dtype.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems, min } from '../../engine/wasm/signature.ts';
import { v128 } from '../../engine/wasm/simd.ts';
import { transpose4 } from '../../engine/wasm/transpose.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';

export const variants: readonly WasmVariant<
  'kv' | 'slot' | 'keys' | 'values',
  'width' | 'nCtx' | 'nState' | 'keyPanels' | 'keyPanel' | 'valuePanel'
>[] = [
  {
    // A work item is a panel of keys, and the values of its positions.
    name: 'panels',
    takes: { keys: CACHE_TYPES, values: CACHE_TYPES },
    when: (c) => c.dims.keyPanel % 4 === 0 && c.dims.valuePanel % 4 === 0,
    workItems: (c) => c.dims.keyPanels,
    emit(f, { dims: { nCtx, nState, width, keyPanels, keyPanel, valuePanel }, dtype }) {
      const { kv, slot, keys, values } = f.args;
      const [keyType, valueType] = [storageType(dtype('keys')), storageType(dtype('values'))];
      const slotNumber = f.let(i32.load(slot));
      const slotKeys = f.let(at(keys, slotNumber, keyType.elementBytes * keyPanels * keyPanel * nState));
      const slotValues = f.let(at(values, slotNumber, valueType.elementBytes * nCtx * nState));
      const sources = f.locals('i32', 4);
      const [t, target, source] = [f.local('i32'), f.local('i32'), f.local('i32')];
      forWorkItems(f, (panel) => {
        const begin = f.let(i32.mul(panel, i32.const(keyPanel)));
        for (let first = 0; first < keyPanel; first += 4) {
          for (const [i, from] of sources.entries())
            f.set(from, at(kv, min(f, i32.add(begin, i32.const(first + i)), i32.const(nCtx - 1)), 4 * width));
          const inPanel = i32.const(keyType.elementBytes * first);
          f.set(target, i32.add(at(slotKeys, panel, keyType.elementBytes * keyPanel * nState), inPanel));
          f.repeat(i32.const(nState / 4), () => {
            const columns = transpose4(
              f,
              sources.map((from) => v128.load(from)),
            );
            for (const [i, column] of columns.entries())
              keyType.wasm?.store4?.(f, target, column, keyType.elementBytes * keyPanel * i);
            for (const from of sources) f.increase(from, 16);
            f.increase(target, 4 * keyType.elementBytes * keyPanel);
          });
        }
        const end = f.let(min(f, i32.add(begin, i32.const(keyPanel)), i32.const(nCtx)));
        f.for(t, begin, end, 1, () => {
          f.set(source, i32.add(at(kv, t, 4 * width), i32.const(4 * nState)));
          f.set(target, at(slotValues, t, valueType.elementBytes * valuePanel));
          f.repeat(i32.const(nState / valuePanel), () => {
            for (let i = 0; i < valuePanel; i += 4)
              valueType.wasm?.store4?.(f, target, v128.load(source, 4 * i), valueType.elementBytes * i);
            f.increase(source, 4 * valuePanel);
            f.increase(target, valueType.elementBytes * nCtx * valuePanel);
          });
        });
      });
    },
  },
];
