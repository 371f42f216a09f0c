import { exp, first, maxOfLanes, sumOfLanes } from '../../engine/wasm/math.ts';
import { firstLanes, forVectors, otherLanes } from '../../engine/wasm/rows.ts';
import { f32, i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems } from '../../engine/wasm/signature.ts';
import { f32x4, v128 } from '../../engine/wasm/simd.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import { LOWEST } from '../attention/softmax.wasm.ts';

export const variants: readonly WasmVariant<'logits' | 'ids' | 'y', 'rows' | 'nVocab', 'end'>[] = [
  {
    // A work item is a row.
    name: 'rows',
    workItems: (_c, liveRows) => liveRows,
    emit(f, c) {
      /** Ids below this one share the probability. */
      const n = c.params.end || c.dims.nVocab;
      const { logits, ids, y } = f.args;
      const p = f.local('i32');
      const four = f.locals('v128', 4);
      const value = f.local('v128');
      const id = f.local('i32');
      forWorkItems(f, (row) => {
        const line = f.let(at(logits, row, 4 * c.dims.nVocab));
        f.set(id, i32.load(at(ids, row, 4)));
        const result = f.let(f.splat(0));
        f.if(i32.lt_u(id, i32.const(n)), () => {
          for (const max of four) f.set(max, f.splat(LOWEST));
          f.set(p, line);
          forVectors(f, n, [p], (offset, slot, lanes) => {
            f.set(value, v128.load(p, offset));
            if (lanes < 4) f.set(value, v128.or(firstLanes(f, value, lanes), otherLanes(f, f.splat(LOWEST), lanes)));
            f.set(four[slot]!, f32x4.pmax(four[slot]!, value));
          });
          const max = maxOfLanes(f, f32x4.pmax(f32x4.pmax(four[0]!, four[1]!), f32x4.pmax(four[2]!, four[3]!)));
          for (const sum of four) f.set(sum, f.splat(0));
          f.set(p, line);
          forVectors(f, n, [p], (offset, slot, lanes) => {
            f.set(value, exp(f, c.features, f32x4.sub(v128.load(p, offset), max)));
            f.set(four[slot]!, f32x4.add(four[slot]!, firstLanes(f, value, lanes)));
          });
          const sum = sumOfLanes(f, f32x4.add(f32x4.add(four[0]!, four[1]!), f32x4.add(four[2]!, four[3]!)));
          const wanted = v128.load32_splat(at(line, id, 4));
          f.set(result, f32x4.div(exp(f, c.features, f32x4.sub(wanted, max)), sum));
        });
        f.do(f32.store(at(y, row, 4), first(result)));
      });
    },
  },
];
