/** The WGSL that a variant really runs, for the documents: of its kernel's first real size that it takes. */
import { storageTypes } from '../../src/engine/kernel.ts';
import type { KernelContext } from '../../src/engine/variant.ts';
import type { GpuFeatures } from '../../src/engine/wgsl/features.ts';
import { shaderText } from '../../src/engine/wgsl/shader.ts';
import { kernels } from '../../src/kernels/registry.ts';

/** What the shown shaders are written for: matrices as most GPUs have them. */
const GPU: GpuFeatures = {
  features: new Set(),
  matrix: { m: 16, n: 16, k: 16, subgroupSize: 32, isSizeChosen: false },
};

export interface Shader {
  /** `layerNorm, rows 1500 nState 384` */
  readonly title: string;
  readonly wgsl: string;
}

/** @throws if there is no such variant, or none of the kernel's cases is for it */
export async function variantShader(kernelName: string, variantName: string): Promise<Shader> {
  const module = kernels.find(({ kernel }) => kernel.name === kernelName);
  if (!module) throw new Error(`there is no kernel ${kernelName}`);
  const { kernel } = module;
  const source = kernel.variants.webgpu ?? [];
  const variants = typeof source === 'function' ? await source([], () => true) : source;
  const variant = variants.find(({ name }) => name === variantName);
  if (!variant) throw new Error(`${kernelName} has no variant ${variantName}`);
  const real = [...module.cases.filter(({ bench }) => bench), ...module.cases];
  for (const { dims, params, optional } of real) {
    const { min = 0, max = Number.POSITIVE_INFINITY } = variant.rows ?? {};
    const rows = dims.rows ?? 0;
    const context: KernelContext = {
      dims,
      params: { ...kernel.params, ...params },
      sumsAs: rows,
      has: (arg) => !kernel.args[arg]?.optional || (optional?.includes(arg) ?? true),
      dtype: (arg) => storageTypes(kernel.args[arg]!)[0]!,
    };
    const isForRows = dims.rows === undefined || (rows >= min && rows <= max);
    if (!isForRows || !(variant.when?.(context) ?? true)) continue;
    const sizes = Object.entries(dims).map(([name, size]) => `${name} ${size}`);
    return { title: `${kernelName}, ${sizes.join(' ')}`, wgsl: shaderText(kernel, variant, context, GPU).trim() };
  }
  throw new Error(`no case of ${kernelName} is for ${variantName}`);
}
