/** A variant that emits WebAssembly, for devices that run it. */
import type { KernelContext, Variant } from '../variant.ts';
import type { FunctionBuilder } from './function.ts';
import type { ModuleBuilder } from './module.ts';

/** What kernels may assume of the WebAssembly they are emitted for. */
export interface WasmFeatures {
  readonly relaxedSimd: boolean;
  /** The engine pairs 128-bit operations into 256-bit ones (V8's re-vectoriser): use wide tiles. */
  readonly revectorize: boolean;
  /** Old TurboFan loads all operands of a loop body first: small tiles, no unrolling. */
  readonly preloadsOperands: boolean;
}

/**
 * The function of a variant. All parameters are i32: `begin`, `end` (work items), `liveRows`, `scratch` (this thread's,
 * 64-byte aligned), then the byte address of each argument (0 when it is not given).
 */
export type KernelFunction<A extends string = string> = FunctionBuilder<
  Record<'begin' | 'end' | 'liveRows' | 'scratch' | A, 'i32'>
>;

/** What a function is emitted with: its module, the features, and what the code is for. */
export interface EmitContext<D extends string = string, P extends string = string> extends KernelContext<D, P> {
  readonly module: ModuleBuilder;
  readonly features: WasmFeatures;
}

export interface WasmVariant<A extends string = string, D extends string = string, P extends string = string>
  extends Variant {
  when?(c: KernelContext<D, P>): boolean;
  /** Independent work items for `liveRows` rows; any split of them over threads gives the same bits. */
  workItems(c: KernelContext<D, P>, liveRows: number): number;
  /** Bytes of private scratch that each thread needs; 0 when absent. */
  scratchBytes?(c: KernelContext<D, P>): number;
  /** Writes the body of the function. */
  emit(f: KernelFunction<A>, c: EmitContext<D, P>): void;
}
