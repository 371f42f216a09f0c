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

export interface TimingOptions {
  readonly series?: number;
  /** Milliseconds that a series takes at least. */
  readonly seriesMs?: number;
}

export async function timeKernel(
  device: Device,
  module: KernelModule,
  original: KernelCase,
  choice: CaseChoice = {},
  { series = 7, seriesMs = 60 }: TimingOptions = {},
): Promise<KernelTiming> {
  const timed = await openTiming(device, module, original, choice, seriesMs);
  try {
    const results: number[] = [];
    for (let i = 0; i < series; i++) results.push(await timed.series());
    return timed.figures(results);
  } finally {
    timed.free();
  }
}

/** A command that is ready to be timed, warm. */
export interface OpenTiming {
  /** Commands of one series. */
  readonly times: number;
  /** Milliseconds a command, mean of one series. @param times commands of it; as many as it was opened for when absent */
  series(times?: number): Promise<number>;
  /** @param results of series */
  figures(results: readonly number[]): KernelTiming;
  free(): void;
}

/** @param options.byDevice by the device's own clock, if it has one: without the way to it and back */
export async function openTiming(
  device: Device,
  module: KernelModule,
  original: KernelCase,
  choice: CaseChoice,
  seriesMs: number,
  { byDevice = false }: { readonly byDevice?: boolean } = {},
): Promise<OpenTiming> {
  const allocated = allocateCase(device, module, original, choice);
  try {
    const { command, liveRows, kase, canaries } = allocated;
    const data = storedCase(fillCase(module, kase, command.args, caseTitle(original)), command.args);
    for (const [name, tensor] of Object.entries(command.args)) {
      if (module.kernel.args[name]?.access !== 'write') device.write(tensor, data[name]!);
    }
    const program: Program = { name: module.kernel.name, commands: [command], scratch: [] };
    const [ready] = await device.prepare([program]);
    const rows = command.dims.rows === undefined ? {} : { rows: liveRows };
    const probe = canaries[0]!;
    const run = async (times: number): Promise<number> => {
      const own = byDevice ? await device.measure?.(ready!, { ...rows, times }) : undefined;
      // Some clocks stand still, or go backwards.
      if (own !== undefined && own > 0) return own;
      const before = performance.now();
      device.submit(ready!, { ...rows, times });
      await device.read(probe, 0, 1);
      return performance.now() - before;
    };
    await run(1);
    let times = 1;
    // The quicker of two: one busy moment must not make a series of a single run, which is mostly the way to and fro.
    const quicker = async (count: number): Promise<number> => Math.min(await run(count), await run(count));
    let once = await quicker(1);
    while (once < seriesMs / 4 && times < 1 << 16) {
      times *= 2;
      once = await quicker(times);
    }
    times = Math.min(1 << 16, Math.max(1, Math.round((times * seriesMs) / once)));
    const dims = { ...command.dims, ...(command.dims.rows ? { rows: liveRows } : {}) };
    const { flops, bytes } = module.kernel.cost(dims, command.params);
    return {
      times,
      series: async (count = times) => (await run(count)) / count,
      figures(results) {
        const sorted = [...results].sort((a, b) => a - b);
        const bestMs = sorted[0]!;
        return {
          bestMs,
          medianMs: sorted[sorted.length >> 1]!,
          gflops: flops / bestMs / 1e6,
          gigabytes: (bytes - savedBytes(command)) / bestMs / 1e6,
        };
      },
      free: () => allocated.free(),
    };
  } catch (error) {
    allocated.free();
    throw error;
  }
}

/** `cost` counts f32: what arguments that are stored in fewer bits take less. */
function savedBytes({ args }: Command): number {
  return Object.values(args).reduce(
    (sum, { dtype, shape }) => sum + 4 * elementCount(shape) - storageBytes(dtype, shape),
    0,
  );
}
