/** What products by matrices of subgroups make of their inputs: x is rounded to f16, in which W is stored or whole numbers. */
import { MAX_HALF, storageType } from '../../engine/dtype.ts';
import type { HostArrays } from '../../engine/kernel.ts';

/** The variants that do, for W in f16 and in int8. */
export const MATRICES = 'matrices';
export const INT8_MATRICES = 'int8Matrices';

/** x as a variant multiplies it: to the nearest f16, what is beyond the largest one as that. */
export function roundInputs(args: HostArrays, variant: string): void {
  const { x } = args;
  if (!x || (variant !== MATRICES && variant !== INT8_MATRICES)) return;
  const f16 = storageType('f16');
  const inside = x.map((value) => Math.max(-MAX_HALF, Math.min(MAX_HALF, value)));
  args.x = f16.widen(f16.narrow(inside, [x.length]), [x.length]);
}
