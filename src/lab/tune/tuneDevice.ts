/** All uses of kernels that models of some sizes make, measured on one GPU. */
import type { Device } from '../../engine/device.ts';
import type { KernelModule } from '../../engine/kernel.ts';
import type { MeasuredUse, RangeChoice } from '../../tuning/table.ts';
import { type Checked, measureUse } from './measureUse.ts';
import { type KernelUse, modelUses, type SizeToTune } from './modelUses.ts';

export interface TuneOptions {
  readonly rounds?: number;
  readonly seriesMs?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onRange?: ((use: KernelUse, range: RangeChoice, done: number, total: number) => void) | undefined;
  readonly onWrong?: ((use: KernelUse, variant: string, why: string) => void) | undefined;
  /** Told of each use for which there is a choice, once all its ranges are decided. */
  readonly onUse?: ((key: string, measured: MeasuredUse) => void) | undefined;
}

/**
 * @param device WebGPU, without a table
 * @param modules the kernels to tune; others that the models use are left to the rules of thumb
 * @returns by `choiceKey`: uses for which there is a choice
 * @throws {DeviceError} `lost`; the signal's reason
 */
export async function tuneDevice(
  device: Device,
  modules: readonly KernelModule[],
  sizes: readonly SizeToTune[],
  options: TuneOptions = {},
): Promise<ReadonlyMap<string, MeasuredUse>> {
  const { onRange, onWrong, onUse, ...how } = options;
  const byKernel = new Map(modules.map((module) => [module.kernel, module]));
  const uses = (await modelUses(device, sizes)).filter(({ command }) => byKernel.has(command.kernel));
  const checked: Checked = new Map();
  const measured = new Map<string, MeasuredUse>();
  for (const [done, use] of uses.entries()) {
    const found = await measureUse(device, byKernel.get(use.command.kernel)!, use, checked, {
      ...how,
      onRange: (range) => onRange?.(use, range, done, uses.length),
      onWrong: (variant, why) => onWrong?.(use, variant, why),
    });
    if (!found) continue;
    measured.set(use.key, found);
    onUse?.(use.key, found);
  }
  return measured;
}
