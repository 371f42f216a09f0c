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
import { EACH_ROWS } from './gemm/rows.wgsl.ts';
import { sliced } from './gemm/sliced.wgsl.ts';
import { tiled64, tiled128 } from './gemm/tiled.wgsl.ts';

/** Those that any GPU has, best first; by matrices of subgroups is a part of its own, kernels/matrices.ts. */
const SHAPES: readonly GemmShape[] = [tiled128, tiled64, ...EACH_ROWS, sliced, directFew, direct, plain];

/**
 * The variants of a kernel that is such a product.
 *
 * @param outputs arguments that `put4` touches; none: the kernel has no `put4`
 */
export function gemmWgsl<D extends string, P extends string>(
  gemm: (c: KernelContext<D | 'rows', P>) => Gemm,
  outputs: readonly string[] = [],
  shapes = SHAPES,
): readonly WgslVariant<D | 'rows', P>[] {
  const own = shapes.filter(({ writesFours }) => !writesFours || outputs.length > 0);
  return own.map((shape) => {
    const { writesFours = false, takes = WEIGHT_TYPES, when, pays, groups, wgsl, vec4 = [], ...same } = shape;
    return {
      ...same,
      vec4: writesFours ? [...vec4, ...outputs] : vec4,
      takes: { w: takes },
      when: (c) => (when?.(gemm(c)) ?? true) && (!writesFours || gemm(c).put4 !== undefined),
      pays: (c) => pays?.(gemm(c)) ?? true,
      // A kernel without a dim `rows` always runs them all.
      groups: (c, liveRows) => groups(gemm(c), c.sumsAs === 0 ? gemm(c).rows : liveRows),
      wgsl: (c, gpu, by) => wgsl(gemm(c), gpu, by),
    };
  });
}
