/**
 * WebGPU as a kind of device: first the variant that was measured to be the fastest, where one was; then those made for this
 * kind of adapter, those for any, and the others.
 */
import type { VariantKind } from '../../engine/selectVariant.ts';
import type { GpuFeatures } from '../../engine/wgsl/features.ts';
import type { Prefers } from '../../engine/wgsl/tuning.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { wgslSource } from '../../engine/wgsl/wgslSource.ts';

export function wgslKind(isSoftware: boolean, { features }: GpuFeatures, prefers?: Prefers): VariantKind<WgslVariant> {
  const names: ReadonlySet<string> = features;
  const has = (feature: string): boolean => names.has(feature);
  const adapter = isSoftware ? 'software' : 'hardware';
  return {
    sourceOf: wgslSource,
    has,
    offers: ({ needs = [] }) => needs.every(has),
    order(variants, command, context) {
      const preferred = prefers?.(command, variants, context);
      const rank = (variant: WgslVariant): number => {
        if (variant.name === preferred) return -1;
        if (variant.pays?.(context) === false) return 3;
        return variant.suits === adapter ? 0 : variant.suits === undefined ? 1 : 2;
      };
      return [...variants].sort((a, b) => rank(a) - rank(b));
    },
    place: 'this GPU',
  };
}
