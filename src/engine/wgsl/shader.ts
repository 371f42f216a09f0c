/**
 * The bindings of a shader, written from the kernel's contract: storage variables, and functions that read and write
 * values of arguments whose storage type varies.
 *
 * Arrays have fixed sizes, so an index is checked against a constant and a binding that is too small is refused; but for
 * those that a variant wants as words.
 */
import { storageBytes, storageType, type WgslAccess } from '../dtype.ts';
import { type ArgSpec, type Kernel, storageTypes } from '../kernel.ts';
import type { KernelContext } from '../variant.ts';
import { type Feature, featureLines, type GpuFeatures } from './features.ts';
import { MATRIX_FEATURE } from './matrixFeature.ts';
import type { WgslVariant } from './variant.ts';

/** Arguments that a command binds, in the contract's order; binding i is the i-th of them. */
export function boundArgs(kernel: Kernel, c: KernelContext): readonly (readonly [name: string, spec: ArgSpec])[] {
  return Object.entries(kernel.args).filter(([name]) => c.has(name));
}

/** The whole shader of a variant. */
export function shaderText(kernel: Kernel, variant: WgslVariant, c: KernelContext, gpu: GpuFeatures): string {
  const bindings = boundArgs(kernel, c).map(([name, spec], i) => {
    const dtype = c.dtype(name);
    const shape = spec.dims.map((dim) => (typeof dim === 'number' ? dim : (c.dims[dim] ?? 0)));
    const mode = spec.access === 'read' ? 'read' : 'read_write';
    const bound = (elements: string): string =>
      `@group(0) @binding(${i}) var<storage, ${mode}> ${name}: array<${elements}>;\n`;
    if (variant.words?.includes(name)) return bound('u32');
    const isInHalves = variant.halves?.includes(name) ?? false;
    const isInFours = variant.vec4?.includes(name) ?? false;
    const { one, four } = storageType(dtype).wgsl;
    const access = isInHalves ? HALVES : isInFours ? four : one;
    const length = Math.ceil(storageBytes(dtype, shape) / elementBytes(access));
    const binding = bound(`${access.element}, ${length}`);
    const isVaried = storageTypes(spec).length > 1;
    return isVaried && !isInHalves ? binding + accessors(name, spec, shape, isInFours, access) : binding;
  });
  return featureLines(needsOf(variant, gpu)) + bindings.join('') + variant.wgsl(c, gpu);
}

/** What the variant asks for, and where subgroups have several sizes what it says its own with. */
function needsOf({ needs = [] }: WgslVariant, { matrix }: GpuFeatures): readonly Feature[] {
  const choosesSize = matrix?.isSizeChosen && needs.includes(MATRIX_FEATURE);
  return choosesSize ? [...needs, 'subgroup-size-control'] : needs;
}

const HALVES: WgslAccess = { element: 'f16', values: 1 };

function accessors(
  name: string,
  spec: ArgSpec,
  shape: readonly number[],
  isInFours: boolean,
  { load, store }: WgslAccess,
): string {
  const type = isInFours ? 'vec4f' : 'f32';
  const suffix = isInFours ? '4' : '';
  const read = load ? `fn load${suffix}_${name}(i: u32) -> ${type} { ${load(name, shape)} }\n` : '';
  const write =
    store && spec.access !== 'read' ? `fn store${suffix}_${name}(i: u32, value: ${type}) { ${store(name)} }\n` : '';
  return read + write;
}

function elementBytes({ element }: WgslAccess): number {
  if (element === 'f16') return 2;
  const lanes = /^vec(\d)/.exec(element)?.[1];
  return 4 * Number(lanes ?? 1);
}
