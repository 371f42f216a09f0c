/** WebGPU as a kind of device: first the variants made for this kind of adapter, then those for any, then the others. */
import type { VariantKind } from '../../engine/selectVariant.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';

export function wgslKind(isSoftware: boolean): VariantKind<WgslVariant> {
  const adapter = isSoftware ? 'software' : 'hardware';
  return {
    sourceOf: (kernel) => kernel.variants.webgpu,
    rank: ({ suits }) => (suits === adapter ? 0 : suits === undefined ? 1 : 2),
    place: 'this GPU',
  };
}
