/** The WebAssembly that one variant of a kernel emits for one case, as a module of its own. */
import { KernelError } from '../../base/errors.ts';
import type { Device } from '../../engine/device.ts';
import type { KernelModule } from '../../engine/kernel.ts';
import { forRows, loadVariants, selectVariants, type VariantKind } from '../../engine/selectVariant.ts';
import { ModuleBuilder } from '../../engine/wasm/module.ts';
import type { KernelFunction, WasmFeatures, WasmVariant } from '../../engine/wasm/variant.ts';
import { allocateCase } from '../checkKernel.ts';
import type { KernelPlace } from '../fork.ts';

const WASM_KIND: VariantKind<WasmVariant> = { sourceOf: (kernel) => kernel.variants.wasm, place: 'the CPU' };

export interface WasmText {
  readonly variant: string;
  readonly bytes: Uint8Array;
  /** Names of the parameters of the exported function. */
  readonly parameters: readonly string[];
}

export interface WasmOptions extends Pick<KernelPlace, 'caseIndex' | 'storage'> {
  /** The first that runs the case when absent. */
  readonly variant?: string | undefined;
  readonly features: WasmFeatures;
}

/**
 * @param device one with the panels of the CPU; nothing runs on it
 * @throws {KernelError} `noVariant`
 */
export async function wasmOf(
  device: Device,
  module: KernelModule,
  { caseIndex, storage, variant, features }: WasmOptions,
): Promise<WasmText> {
  const kase = module.cases[caseIndex];
  if (!kase) throw new RangeError(`${module.kernel.name} has no case ${caseIndex}`);
  const allocated = allocateCase(device, module, kase, { storage, variant });
  try {
    const { command, liveRows } = allocated;
    const found = selectVariants(command, await loadVariants([command], WASM_KIND));
    const selected = forRows(found, liveRows) ?? found[0];
    if (!selected) throw new KernelError('noVariant', `${module.kernel.name} has no variant for the CPU.`);
    const parameters = ['begin', 'end', 'liveRows', 'scratch', ...Object.keys(module.kernel.args)];
    const builder = new ModuleBuilder({ shared: true, maximumPages: 65536 });
    const types: Record<string, 'i32'> = Object.fromEntries(parameters.map((name) => [name, 'i32' as const]));
    const f = builder.function(module.kernel.name, types) as KernelFunction; // exactly these names
    selected.variant.emit(f, { ...selected.context, module: builder, features });
    builder.export(`${module.kernel.name}.${selected.variant.name}`, f);
    return { variant: selected.variant.name, bytes: builder.bytes(), parameters };
  } finally {
    allocated.free();
  }
}
