/** A kernel's variants for WebGPU: those that it lists, and what subgroups make of them where a GPU has those. */
import type { Kernel, VariantSource } from '../kernel.ts';
import type { WgslVariant } from './variant.ts';

export function wgslSource({ variants: { webgpu } }: Kernel): VariantSource<WgslVariant> {
  return async (uses, has) => {
    const own = typeof webgpu === 'function' ? await webgpu(uses, has) : (webgpu ?? []);
    return has('subgroup_id') ? (await import('./subgroups.ts')).withSubgroups(own) : own;
  };
}
