import { madd, sumOfLanes } from '../../engine/wasm/math.ts';
import { firstLanes, forVectors, storeVector } from '../../engine/wasm/rows.ts';
import { at, forWorkItems } from '../../engine/wasm/signature.ts';
import { f32x4, v128 } from '../../engine/wasm/simd.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import { EPSILON } from './epsilon.ts';

export const variants: readonly WasmVariant<'x' | 'gamma' | 'beta' | 'y', 'rows' | 'nState'>[] = [
  {
    // A work item is a row; four independent sums.
    name: 'rows',
    workItems: (_c, liveRows) => liveRows,
    emit(f, { dims: { nState: n }, features }) {
      const sums = f.locals('v128', 4);
      const values = f.locals('v128', 4);
      const [p, gamma, beta, q] = [f.local('i32'), f.local('i32'), f.local('i32'), f.local('i32')];
      /** The mean over the row of what `term` gives of a vector, in all lanes. */
      const mean = (term: (slot: number, lanes: number, offset: number) => void): ReturnType<typeof sumOfLanes> => {
        for (const sum of sums) f.set(sum, f.splat(0));
        forVectors(f, n, [p], (offset, slot, lanes) => term(slot, lanes, offset));
        const pairs = f32x4.add(f32x4.add(sums[0]!, sums[1]!), f32x4.add(sums[2]!, sums[3]!));
        return f.let(f32x4.mul(sumOfLanes(f, pairs), f.splat(1 / n)));
      };
      forWorkItems(f, (row) => {
        const x = f.let(at(f.args.x, row, 4 * n));
        f.set(p, x);
        const average = mean((slot, lanes, offset) =>
          f.set(sums[slot]!, f32x4.add(sums[slot]!, firstLanes(f, v128.load(p, offset), lanes))),
        );
        f.set(p, x);
        const variance = mean((slot, lanes, offset) => {
          f.set(values[slot]!, firstLanes(f, f32x4.sub(v128.load(p, offset), average), lanes));
          f.set(sums[slot]!, madd(features, values[slot]!, values[slot]!, sums[slot]!));
        });
        const scale = f.let(f32x4.div(f.splat(1), f32x4.sqrt(f32x4.add(variance, f.splat(EPSILON)))));
        f.set(p, x);
        f.set(gamma, f.args.gamma);
        f.set(beta, f.args.beta);
        f.set(q, at(f.args.y, row, 4 * n));
        forVectors(f, n, [p, gamma, beta, q], (offset, slot, lanes) => {
          const normal = f32x4.mul(f32x4.sub(v128.load(p, offset), average), scale);
          f.set(values[slot]!, f32x4.add(f32x4.mul(normal, v128.load(gamma, offset)), v128.load(beta, offset)));
          storeVector(f, q, values[slot]!, offset, lanes);
        });
      });
    },
  },
];
