/**
 * How fast one kernel is on one device: repeats of one command in one submit, until enough time is measured, best of a
 * few series (the machine is shared; the best is the kernel's own speed, the median that of the day).
 */
import type { Device } from '../engine/device.ts';
import { elementCount, storageBytes } from '../engine/dtype.ts';
import type { KernelCase, KernelModule } from '../engine/kernel.ts';
import type { Command, Program } from '../engine/program.ts';
import { allocateCase, type CaseChoice, caseTitle, fillCase, storedCase } from './checkKernel.ts';

export interface KernelTiming {
  /** Milliseconds a command: best and median of the series. */
  readonly bestMs: number;
  readonly medianMs: number;
  /** Of the best, from the kernel's own `cost`. */
  readonly gflops: number;
  readonly gigabytes: number;
}

export async function timeKernel(
  device: Device,
  module: KernelModule,
  original: KernelCase,
  choice: CaseChoice = {},
  { series = 7, seriesMs = 60 }: { series?: number; seriesMs?: number } = {},
): Promise<KernelTiming> {
  const allocated = allocateCase(device, module, original, choice);
  const { command, liveRows, kase, canaries } = allocated;
  try {
    const data = storedCase(fillCase(module, kase, command.args, caseTitle(original)), command.args);
    for (const [name, tensor] of Object.entries(command.args)) {
      if (module.kernel.args[name]?.access !== 'write') device.write(tensor, data[name]!);
    }
    const program: Program = { name: module.kernel.name, commands: [command], scratch: [] };
    const [ready] = await device.prepare([program]);
    const rows = command.dims.rows === undefined ? {} : { rows: liveRows };
    const probe = canaries[0]!;
    const run = async (times: number): Promise<number> => {
      const before = performance.now();
      device.submit(ready!, { ...rows, times });
      await device.read(probe, 0, 1);
      return performance.now() - before;
    };
    await run(1);
    let times = 1;
    let once = await run(1);
    while (once < seriesMs / 4 && times < 1 << 16) {
      times *= 2;
      once = await run(times);
    }
    times = Math.max(1, Math.round((times * seriesMs) / once));
    const results: number[] = [];
    for (let i = 0; i < series; i++) results.push((await run(times)) / times);
    results.sort((a, b) => a - b);
    const dims = { ...command.dims, ...(command.dims.rows ? { rows: liveRows } : {}) };
    const { flops, bytes } = module.kernel.cost(dims, command.params);
    const bestMs = results[0]!;
    return {
      bestMs,
      medianMs: results[results.length >> 1]!,
      gflops: flops / bestMs / 1e6,
      gigabytes: (bytes - savedBytes(command)) / bestMs / 1e6,
    };
  } finally {
    allocated.free();
  }
}

/** `cost` counts f32: what arguments that are stored in fewer bits take less. */
function savedBytes({ args }: Command): number {
  return Object.values(args).reduce(
    (sum, { dtype, shape }) => sum + 4 * elementCount(shape) - storageBytes(dtype, shape),
    0,
  );
}
