/** A kernel with variants for some numbers of rows, for tests of the choice between them: y = x. */

import { wgslKind } from '../../src/devices/webgpu/variants.ts';
import { defineKernel, type KernelModule } from '../../src/engine/kernel.ts';
import { type Command, type RecordOptions, record, type Tensor } from '../../src/engine/program.ts';
import { selectVariants } from '../../src/engine/selectVariant.ts';
import { CORE_GPU } from '../../src/engine/wgsl/features.ts';
import type { Prefers } from '../../src/engine/wgsl/tuning.ts';
import type { WgslVariant } from '../../src/engine/wgsl/variant.ts';

export const variant = (name: string, more: Partial<WgslVariant> = {}): WgslVariant => ({
  name,
  groups: (_c, rows) => [rows, 1, 1],
  wgsl: () => `// ${name}`,
  ...more,
});

/** By the rules of thumb `few` runs up to 8 rows and `many` more; `any` could run all. */
export const VARIANTS: readonly WgslVariant[] = [
  variant('few', { suits: 'hardware', rows: { max: 8 } }),
  variant('many', { suits: 'hardware', rows: { min: 9 } }),
  variant('any'),
];

export function copyModule(variants: readonly WgslVariant[] = VARIANTS): KernelModule {
  const kernel = defineKernel({
    name: 'copy',
    args: {
      x: { access: 'read', dtype: 'f32', dims: ['rows', 'n'] },
      y: { access: 'write', dtype: 'f32', dims: ['rows', 'n'] },
    },
    params: {},
    cost: ({ rows, n }) => ({ flops: rows * n, bytes: 8 * rows * n }),
    variants: { webgpu: variants },
  });
  return {
    kernel,
    reference: ({ x, y }, { n = 0 }, _params, liveRows) => {
      for (let i = 0; i < liveRows * n; i++) y![i] = x![i]!;
    },
    cases: [1, 8, 9, 70].map((rows) => ({ dims: { rows, n: 3 } })),
    tolerance: () => ({ absolute: 0, relative: 0 }),
  };
}

export function copyCommand({ kernel }: KernelModule, rows: number, options?: RecordOptions): Command {
  const x: Tensor = { name: 'x', dtype: 'f32', shape: [rows, 3], lifetime: 'state' };
  const [command] = record('copy', (p) => p.run(kernel, { x, y: { ...x, name: 'y' } }), options).commands;
  return command!;
}

/** What a GPU in hardware would run, as "few to 8, many to 100". */
export function choices(module: KernelModule, command: Command, prefers?: Prefers): string {
  const kind = wgslKind(false, CORE_GPU, prefers);
  const variants = module.kernel.variants.webgpu as readonly WgslVariant[]; // as copyModule has them
  const selected = selectVariants(command, { kind, variants: new Map([[module.kernel, variants]]) });
  return selected.map(({ variant, upTo }) => `${variant.name} to ${upTo}`).join(', ');
}
