/** Where a device may learn which variants were measured to be the fastest on its adapter. */
import type { Command } from '../program.ts';
import type { KernelContext, Variant } from '../variant.ts';
import type { GpuFeatures } from './features.ts';

/**
 * The name of the variant that is to run a command, if it fits; undefined: by rules of thumb.
 *
 * @param variants that this GPU has of the kernel, whatever their sizes
 * @param context  its dim `rows` is the last number of live rows that is asked about
 */
export type Prefers = (command: Command, variants: readonly Variant[], context: KernelContext) => string | undefined;

/** Asked once for each device that is opened. @returns undefined where nothing is known of this adapter */
export type FindTuning = (info: GPUAdapterInfo, gpu: GpuFeatures) => Promise<Prefers | undefined>;
