/** WebAssembly as a kind of device: a kernel's variants in the order of its file. */
import type { VariantKind } from '../../engine/selectVariant.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';

export const wasmKind: VariantKind<WasmVariant> = {
  sourceOf: (kernel) => kernel.variants.wasm,
  place: 'the CPU',
};
