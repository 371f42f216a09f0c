/**
 * `sotto kernel NAME`: holds one kernel against its reference over its cases, devices and variants, then times it.
 * There is no way to time a wrong kernel. `npm run kernel NAME` is the same.
 */

import { OptionsError, SottoError } from '../../base/errors.ts';
import { chooseDevice, openGpu } from '../../devices/choose.ts';
import { DEVICE_OPTIONS } from '../../devices/options.ts';
import type { Device } from '../../engine/device.ts';
import type { KernelModule } from '../../engine/kernel.ts';
import { kernels } from '../../kernels/registry.ts';
import { measurePeaks, type Peaks } from '../../lab/peaks.ts';
import { surveyKernel } from '../../lab/survey.ts';
import { resolve } from '../../options/resolve.ts';
import type { OptionTable } from '../../options/spec.ts';
import { readOptions, writtenOptions } from '../../options/text.ts';
import { parseArguments } from '../args.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { printable, readEdited, runEdited } from '../kernelEdit.ts';
import { hostPlatform } from '../platform.ts';

const KERNEL_OPTIONS = {
  device: {
    kind: 'choice',
    choices: ['all', 'cpu', 'webgpu'],
    default: 'all',
    where: ['command'],
    group: 'model',
    help: 'Where to run; "all" leaves out what is not here.',
  },
  threads: {
    kind: 'integer',
    min: 1,
    max: DEVICE_OPTIONS.threads.max,
    where: ['command'],
    group: 'model',
    help: 'Threads of the CPU device.',
    none: 'all.',
  },
  checkOnly: {
    kind: 'boolean',
    default: false,
    where: ['command'],
    group: 'output',
    help: 'Do not time.',
    command: { flag: true },
  },
  printWgsl: {
    kind: 'boolean',
    default: false,
    where: ['command'],
    group: 'output',
    help: 'Print the code of one variant for one case, to edit it.',
    command: { flag: true },
  },
  wgsl: {
    kind: 'text',
    where: ['command'],
    group: 'model',
    help: 'Run the code of this file in place of the variant that it was printed from.',
    none: "the kernel's own.",
    command: { placeholder: 'FILE' },
  },
  variant: {
    kind: 'text',
    where: ['command'],
    group: 'model',
    help: 'The variant to print, or that the file was made of.',
    none: 'as the first line of the file says, or the first that runs.',
    command: { placeholder: 'NAME' },
  },
  case: {
    kind: 'integer',
    min: 1,
    where: ['command'],
    group: 'model',
    help: 'The same for the case, by its number.',
    none: 'as the variant.',
  },
  json: {
    kind: 'boolean',
    default: false,
    where: ['command'],
    group: 'output',
    help: 'With wgsl: print all that was found as JSON.',
    command: { flag: true },
  },
} as const satisfies OptionTable;

const HELP = `sotto kernel: checks a kernel, then times it.

Usage:  sotto kernel NAME|all [--device cpu|webgpu|all] [--threads N] [--check_only]
        sotto kernel NAME --print_wgsl [--variant NAME] [--case N]
        sotto kernel NAME --wgsl FILE [--check_only] [--json]

Examples:
  sotto kernel matmul                    every case, device and variant: worst error, then time and share of the roofline
  sotto kernel attention --device cpu
  sotto kernel all --check_only          the conformance suite, in words
  sotto kernel layerNorm --print_wgsl > mine.wgsl
                                         the code of the first variant, to change something in it ...
  sotto kernel layerNorm --wgsl mine.wgsl
                                         ... and to see where it is wrong or, when right in every case, how fast

The code that is printed is for one case; what you change is carried over to the others. Sizes are numbers in it: write new code
with their names (nState), which are constants of each case. Every error has the line of your file.

An error of 1.00 is the whole tolerance. Kernels: ${kernels.map((m) => m.kernel.name).join(', ')}.
`;

export async function kernelCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  const { files, values, help } = parseArguments(argv, writtenOptions(KERNEL_OPTIONS, ['command']));
  if (help) {
    io.stdout.write(HELP);
    return EXIT.ok;
  }
  const given = readOptions(KERNEL_OPTIONS, ['command'], values, '--');
  const resolved = resolve(KERNEL_OPTIONS, 'command', given);
  const { device: which, threads, checkOnly } = resolved;
  const [name, ...more] = files;
  const modules = kernels.filter((m) => name === 'all' || m.kernel.name === name);
  if (modules.length === 0 || more.length > 0)
    throw new OptionsError(
      'kernelName',
      name === undefined ? 'kernel takes a name.' : `There is no kernel "${files.join(' ')}".`,
      {
        hint: `Kernels: ${kernels.map((m) => m.kernel.name).join(', ')}, or all.`,
      },
    );
  if (resolved.printWgsl || resolved.wgsl !== undefined) return editedKernel(modules, resolved, io);
  for (const name of ['json', 'variant', 'case'] as const)
    if (given[name] !== undefined && given[name] !== false)
      throw new OptionsError('contradiction', `--${name} has no effect without --wgsl or --print_wgsl.`);
  const { devices, leftOut } = await openDevices(which, threads);
  let wrong = 0;
  for (const device of devices) {
    try {
      const peaks = checkOnly ? undefined : await measurePeaks(device);
      const roofline = peaks ? `  (peaks: ${peaks.gflops.toFixed(0)} GFLOP/s, ${peaks.gigabytes.toFixed(1)} GB/s)` : '';
      io.stdout.write(`\n${device.description}${roofline}\n`);
      for (const module of modules) {
        if (!(await runAll(device, module, peaks, io))) wrong++;
      }
    } finally {
      await device.close();
    }
  }
  const isRight = wrong === 0 && devices.length > 0;
  io.stdout.write(wrong > 0 ? `\n${wrong} wrong\n` : isRight ? '\nall right\n' : '\n');
  // Last, and with the results: who reads only the end must not take one device for two.
  for (const sentence of leftOut) io.stdout.write(`${sentence}\n`);
  return isRight ? EXIT.ok : EXIT.failed;
}

interface EditOptions {
  readonly device: 'all' | 'cpu' | 'webgpu';
  readonly checkOnly: boolean;
  readonly printWgsl: boolean;
  readonly wgsl?: string | undefined;
  readonly variant?: string | undefined;
  readonly case?: number | undefined;
  readonly json: boolean;
}

async function editedKernel(
  [module, ...more]: readonly KernelModule[],
  { device: which, checkOnly, printWgsl, wgsl: path, variant, case: number, json }: EditOptions,
  io: CommandIo,
): Promise<number> {
  if (!module || more.length > 0) throw new OptionsError('kernelName', 'Code is edited one kernel at a time: name it.');
  if (which === 'cpu') throw new OptionsError('contradiction', 'WGSL does not run with --device cpu.');
  if (printWgsl && path !== undefined)
    throw new OptionsError('contradiction', '--print_wgsl and --wgsl exclude each other.');
  if (printWgsl && json) throw new OptionsError('contradiction', '--json has no effect with --print_wgsl.');
  const edited = path === undefined ? undefined : readEdited(path, module.kernel.name);
  const gpu = await openGpu(hostPlatform());
  try {
    if (!edited) {
      io.stdout.write(await printable(gpu, module, { variant, number }));
      return EXIT.ok;
    }
    const place = { ...edited, ...(variant !== undefined && { variant }), ...(number !== undefined && { number }) };
    const { right } = await runEdited(gpu, module, place, { time: !checkOnly, json }, io);
    return right ? EXIT.ok : EXIT.failed;
  } finally {
    await gpu.close();
  }
}

const CODE_OF = { cpu: 'WebAssembly', webgpu: 'WGSL' } as const;

/** Devices that run the kernels, and a sentence for each that could not be opened where all were asked for. */
async function openDevices(
  which: 'all' | 'cpu' | 'webgpu',
  threads: number | undefined,
): Promise<{ readonly devices: readonly Device[]; readonly leftOut: readonly string[] }> {
  const platform = hostPlatform();
  const devices: Device[] = [];
  const leftOut: string[] = [];
  for (const kind of ['cpu', 'webgpu'] as const) {
    if (which !== 'all' && which !== kind) continue;
    try {
      devices.push(await chooseDevice(platform, kind, { threads }));
    } catch (error) {
      if (which !== 'all' || !(error instanceof SottoError)) throw error;
      leftOut.push(`No ${CODE_OF[kind]} ran: ${kind} cannot be opened here (${error.message})`);
    }
  }
  return { devices, leftOut };
}

async function runAll(device: Device, module: KernelModule, peaks: Peaks | undefined, io: CommandIo): Promise<boolean> {
  const { name } = module.kernel;
  const worst = new Map<string, { cases: number; ratio: number }>();
  let isHeadless = true;
  const { right, unrun } = await surveyKernel(device, module, {
    peaks,
    signal: AbortSignal.any([io.signal, io.stdoutClosed]),
    onCase({ place: { variant, title }, failures, worst: ratio }, done, total) {
      const seen = worst.get(variant) ?? { cases: 0, ratio: 0 };
      worst.set(variant, { cases: seen.cases + 1, ratio: Math.max(seen.ratio, ratio) });
      for (const failure of failures) io.stdout.write(`  WRONG ${name}/${variant} ${title}: ${failure}\n`);
      if (done < total) return;
      for (const [own, { cases, ratio }] of worst)
        io.stdout.write(`  ${name}/${own}: ${cases} cases, worst error ${ratio.toFixed(2)} of the tolerance\n`);
    },
    onTiming({ place: { variant, title }, bestMs, medianMs, gflops, gigabytes, roofline }) {
      if (isHeadless) io.stdout.write('      best ms  median ms  GFLOP/s    GB/s  roofline  variant, case\n');
      isHeadless = false;
      const cells = [
        bestMs.toFixed(3).padStart(13),
        medianMs.toFixed(3).padStart(10),
        gflops.toFixed(1).padStart(8),
        gigabytes.toFixed(1).padStart(7),
        `${(100 * roofline).toFixed(0)} %`.padStart(9),
      ];
      io.stdout.write(`${cells.join(' ')}  ${variant}, ${title}\n`);
    },
  });
  for (const title of unrun) io.stdout.write(`  WRONG ${name} ${title}: no variant runs it\n`);
  return right;
}
