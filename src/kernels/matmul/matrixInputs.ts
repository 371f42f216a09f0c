/** What products by matrices of subgroups make of their inputs: x is rounded to f16, in which W is stored already. */
import { MAX_HALF, storageType } from '../../engine/dtype.ts';
import type { HostArrays } from '../../engine/kernel.ts';

/** The variant that does. */
export const MATRICES = 'matrices';

/** x as a variant multiplies it: to the nearest f16, what is beyond the largest one as that. */
export function roundInputs(args: HostArrays, variant: string): void {
  const { x } = args;
  if (variant !== MATRICES || !x) return;
  const f16 = storageType('f16');
  const inside = x.map((value) => Math.max(-MAX_HALF, Math.min(MAX_HALF, value)));
  args.x = f16.widen(f16.narrow(inside, [x.length]), [x.length]);
}
