/**
 * A kernel with the WGSL of one of its variants edited: as a kernel like the others, which is checked over all cases.
 *
 * The text belongs to one case; other cases get the edit by `carryEdit`.
 */
import type { Device } from '../engine/device.ts';
import type { KernelCase, KernelModule } from '../engine/kernel.ts';
import {
  forRows,
  loadVariants,
  type SelectedVariant,
  selectVariants,
  type VariantKind,
} from '../engine/selectVariant.ts';
import type { KernelContext } from '../engine/variant.ts';
import { CORE_GPU, type GpuFeatures } from '../engine/wgsl/features.ts';
import { shaderText } from '../engine/wgsl/shader.ts';
import type { WgslVariant } from '../engine/wgsl/variant.ts';
import { wgslSource } from '../engine/wgsl/wgslSource.ts';
import { carryEdit } from './carryEdit.ts';
import { allocateCase, caseTitle, type StorageChoice, storageChoices, variantsOf } from './checkKernel.ts';

/** A variant of a kernel as it runs one case. */
export interface KernelPlace {
  readonly variant: string;
  /** Of the kernel's `cases`. */
  readonly caseIndex: number;
  readonly storage: StorageChoice;
  readonly title: string;
}

export interface Fork extends Pick<KernelPlace, 'variant' | 'caseIndex' | 'storage'> {
  /** Name of the kernel. */
  readonly kernel: string;
  /** The code without its bindings, as it is for this place when edited. */
  readonly wgsl: string;
}

export interface WgslText {
  /** Storage variables and what reads and writes them: written from the contract, and not edited. */
  readonly bindings: string;
  readonly wgsl: string;
}

const WGSL_KIND: VariantKind<WgslVariant> = { sourceOf: wgslSource, place: 'WebGPU' };

/** All that a device can run of a kernel, but for cases that are only timed. */
export function kernelPlaces(device: Device, module: KernelModule): Promise<readonly KernelPlace[]> {
  return placesWhere(device, module, ({ benchOnly }) => !benchOnly);
}

/** All that a device can run of the cases that are timed. */
export function timedPlaces(device: Device, module: KernelModule): Promise<readonly KernelPlace[]> {
  return placesWhere(device, module, ({ bench }) => bench === true);
}

async function placesWhere(
  device: Device,
  module: KernelModule,
  isWanted: (kase: KernelCase) => boolean,
): Promise<readonly KernelPlace[]> {
  const places: KernelPlace[] = [];
  for (const [caseIndex, kase] of module.cases.entries())
    for (const storage of isWanted(kase) ? storageChoices(module.kernel) : []) {
      const names = await variantsOf(device, module, kase, storage);
      const title = caseTitle(kase, storage);
      places.push(...names.map((variant) => ({ variant, caseIndex, storage, title })));
    }
  return places;
}

/** The code of a variant for one case; `module` may be an edited one. @throws {KernelError} `noVariant`, `edit` */
export async function wgslOf(
  device: Device,
  module: KernelModule,
  { variant, caseIndex, storage }: Pick<KernelPlace, 'variant' | 'caseIndex' | 'storage'>,
): Promise<WgslText> {
  const kase: KernelCase | undefined = module.cases[caseIndex];
  if (!kase) throw new RangeError(`${module.kernel.name} has no case ${caseIndex}`);
  const { variant: own, context } = await selected(device, module, kase, variant, storage);
  const gpu = device.gpu ?? CORE_GPU;
  const wgsl = own.wgsl(context, gpu);
  const whole = shaderText(module.kernel, own, context, gpu);
  return { bindings: whole.slice(0, whole.length - wgsl.length), wgsl };
}

async function selected(
  device: Device,
  module: KernelModule,
  kase: KernelCase,
  variant: string,
  storage: StorageChoice,
): Promise<SelectedVariant<WgslVariant>> {
  const allocated = allocateCase(device, module, kase, { variant, storage });
  try {
    const { command, liveRows } = allocated;
    const loaded = await loadVariants([command], WGSL_KIND);
    const found = selectVariants(command, loaded);
    return forRows(found, liveRows) ?? found[0]!; // selectVariants gives one at least
  } finally {
    allocated.free();
  }
}

/** The kernel with one variant, whose code is the fork's. */
export async function forkModule(device: Device, module: KernelModule, fork: Fork): Promise<KernelModule> {
  const { wgsl: original } = await wgslOf(device, module, fork);
  const kase = module.cases[fork.caseIndex]!; // wgslOf has looked
  const { variant: base } = await selected(device, module, kase, fork.variant, fork.storage);
  const edited: WgslVariant = {
    ...base,
    reduces: false,
    wgsl: (c: KernelContext, gpu: GpuFeatures) =>
      carryEdit(original, fork.wgsl, base.wgsl(c, gpu), { ...c.dims, ...c.params }),
  };
  return { ...module, kernel: { ...module.kernel, variants: { webgpu: [edited] } } };
}
