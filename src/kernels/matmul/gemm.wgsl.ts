/**
 * WGSL of products y = x W^T with W in panels, shared by `matmul`, `conv1d` and `logits`: shapes of the same sum (gemm/), all
 * accumulated in f32, where many terms come one after another in blocks of 256.
 */
import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import type { KernelContext } from '../../engine/variant.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { direct, directFew } from './gemm/direct.wgsl.ts';
import type { Gemm, GemmShape } from './gemm/gemm.ts';
import { plain } from './gemm/plain.wgsl.ts';
import { sliced } from './gemm/sliced.wgsl.ts';
import { tiled } from './gemm/tiled.wgsl.ts';

/** Best first. */
const SHAPES: readonly GemmShape[] = [tiled, sliced, directFew, direct, plain];

/** The variants of a kernel that is such a product. */
export function gemmWgsl<D extends string, P extends string>(
  gemm: (c: KernelContext<D | 'rows', P>) => Gemm,
): readonly WgslVariant<D | 'rows', P>[] {
  return SHAPES.map((shape) => {
    const { when, groups, wgsl, ...same } = shape;
    return {
      ...same,
      takes: { w: WEIGHT_TYPES },
      when: (c) => when?.(gemm(c)) ?? true,
      // A kernel without a dim `rows` always runs them all.
      groups: (c, liveRows) => groups(gemm(c), c.sumsAs === 0 ? gemm(c).rows : liveRows),
      wgsl: (c, gpu) => wgsl(gemm(c), gpu),
    };
  });
}
