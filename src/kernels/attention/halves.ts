/** What attention by matrices of subgroups (scoreMatrices.wgsl.ts) makes of its inputs. */
import { MAX_HALF, storageType } from '../../engine/dtype.ts';
import type { HostArrays, Tolerance } from '../../engine/kernel.ts';
import type { Dims, Params } from '../../engine/variant.ts';

/** The variant's name. */
export const SCORE_MATRICES = 'scoreMatrices';

/** Rounds keys, values, and queries times 1 / sqrt(headDim) to the nearest f16; what is beyond the largest one is that. */
export function roundInputs(args: HostArrays, variant: string, dims: Dims, params: Params): void {
  const { qkv } = args;
  if (variant !== SCORE_MATRICES || !qkv) return;
  const [width, nState] = [dims.width!, dims.nState!];
  const root = Math.sqrt(nState / params.nHead!);
  const f16 = storageType('f16');
  const scaled = qkv.map((value, i) => {
    const scale = i % width < nState ? Math.fround(1 / root) : 1;
    return Math.max(-MAX_HALF, Math.min(MAX_HALF, value * scale));
  });
  const rounded = f16.widen(f16.narrow(scaled, [qkv.length]), [qkv.length]);
  args.qkv = rounded.map((value, i) => (i % width < nState ? value * root : value));
}

/**
 * For values in [-1, 1): with weights off by up to a part d = 2^-11 each, and divided by their own sum, the weighted mean of values
 * is off by d (1 - y^2) at most. A few in 2^-11 more for weights that are below the least normal f16, and for exp.
 */
export const HALVES_TOLERANCE: Tolerance = { absolute: 1.1 * 2 ** -11, relative: 0 };
