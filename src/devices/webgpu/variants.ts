/** WebGPU as a kind of device: first the variants made for this kind of adapter, then those for any, then the others. */
import type { VariantKind } from '../../engine/selectVariant.ts';
import type { GpuFeatures } from '../../engine/wgsl/features.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';

export function wgslKind(isSoftware: boolean, { features }: GpuFeatures): VariantKind<WgslVariant> {
  const names: ReadonlySet<string> = features;
  const has = (feature: string): boolean => names.has(feature);
  const adapter = isSoftware ? 'software' : 'hardware';
  return {
    sourceOf: (kernel) => kernel.variants.webgpu,
    has,
    offers: ({ needs = [] }) => needs.every(has),
    rank: (variant, context) => {
      if (variant.pays?.(context) === false) return 3;
      return variant.suits === adapter ? 0 : variant.suits === undefined ? 1 : 2;
    },
    place: 'this GPU',
  };
}
