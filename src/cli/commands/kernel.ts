/**
 * `sotto kernel NAME`: holds one kernel against its reference over its cases, devices and variants, then times it.
 * There is no way to time a wrong kernel. `npm run kernel NAME` is the same.
 */
import { OptionsError, SottoError } from '../../base/errors.ts';
import { chooseDevice } from '../../devices/choose.ts';
import type { Device } from '../../engine/device.ts';
import type { KernelModule } from '../../engine/kernel.ts';
import { kernels } from '../../kernels/registry.ts';
import { isMadeFor } from '../../lab/checkKernel.ts';
import { measurePeaks, type Peaks } from '../../lab/peaks.ts';
import { surveyKernel } from '../../lab/survey.ts';
import { startTrace, traceDevice } from '../../lab/trace.ts';
import { resolve } from '../../options/resolve.ts';
import type { OptionsOf } from '../../options/spec.ts';
import { readOptions, writtenName, writtenOptions } from '../../options/text.ts';
import type { Platform } from '../../runtime/platform.ts';
import { parseArguments } from '../args.ts';
import { deviceLine } from '../deviceLine.ts';
import { type CommandIo, EXIT } from '../io.ts';
import { checkEdit, runHere, superviseEdit } from '../kernelEditRun.ts';
import { KERNEL_HELP, KERNEL_OPTIONS } from '../kernelOptions.ts';
import { AS_KERNEL } from '../kernelProcess.ts';
import { runProgram } from '../kernelProgram.ts';
import { hostPlatform } from '../platform.ts';
import { checkResultFile, writeResultFile } from '../resultFile.ts';

export async function kernelCommand(args: readonly string[], io: CommandIo): Promise<number> {
  const isChild = args[0] === AS_KERNEL;
  const argv = isChild ? args.slice(1) : args;
  const { files, values, help } = parseArguments(argv, writtenOptions(KERNEL_OPTIONS, ['command']));
  if (help) {
    io.stdout.write(KERNEL_HELP);
    return EXIT.ok;
  }
  const given = readOptions(KERNEL_OPTIONS, ['command'], values, '--');
  const resolved = resolve(KERNEL_OPTIONS, 'command', given);
  const { device: which, adapter, threads, checkOnly } = resolved;
  if (adapter !== undefined && which === 'cpu')
    throw new OptionsError('contradiction', '--adapter names a GPU, and --device is cpu.');
  if (resolved.tune) {
    checkTune(given);
    const { tuneCommand } = await import('../kernelTune.ts');
    return tuneCommand(files, resolved, io);
  }
  for (const name of ['model', 'dtype'] as const)
    if (given[name] !== undefined) throw new OptionsError('contradiction', `--${name} has no effect without --tune.`);
  const [name, ...more] = files;
  const modules = kernels.filter((m) => name === 'all' || m.kernel.name === name);
  const { program } = resolved;
  const isProgram = program !== undefined && resolved.wgsl === undefined;
  if (isProgram && name !== undefined)
    throw new OptionsError('contradiction', '--program runs all kernels: a name has no effect without --wgsl.');
  if (!isProgram && (modules.length === 0 || more.length > 0))
    throw new OptionsError(
      'kernelName',
      name === undefined ? 'kernel takes a name.' : `There is no kernel "${files.join(' ')}".`,
      {
        hint: `Kernels: ${kernels.map((m) => m.kernel.name).join(', ')}, or all.`,
      },
    );
  if (resolved.trace !== undefined) checkResultFile(resolved.trace, [resolved.wgsl]);
  if (resolved.printWgsl || resolved.spirv || resolved.wgsl !== undefined) {
    const edited = checkEdit(modules, resolved);
    return isChild ? runHere(edited, resolved, io) : superviseEdit(argv, edited, resolved, io);
  }
  for (const name of ['json', 'variant', 'case', 'watch', 'patience'] as const)
    if (given[name] !== undefined && given[name] !== false)
      throw new OptionsError('contradiction', `--${name} has no effect without --wgsl.`);
  const trace = resolved.trace === undefined ? undefined : startTrace();
  const { devices, leftOut } = await openDevices(which, hostPlatform({ adapter }), threads);
  let wrong = 0;
  let ran = 0;
  for (const opened of devices) {
    const device = trace ? traceDevice(opened, trace) : opened;
    try {
      if (program) {
        io.stdout.write(`\n${deviceLine(device)}\n`);
        ran++;
        if (!(await runProgram(device, { program }, io)).right) wrong++;
        continue;
      }
      const peaks = checkOnly ? undefined : await measurePeaks(device);
      io.stdout.write(`\n${deviceLine(device, peaks)}\n`);
      for (const module of modules) {
        if (!isMadeFor(module.kernel, device.kind)) {
          io.stdout.write(`  ${module.kernel.name}: not made for this kind of device\n`);
          continue;
        }
        ran++;
        if (!(await runAll(device, module, peaks, io))) wrong++;
      }
    } finally {
      await device.close();
    }
  }
  if (trace) writeResultFile(resolved.trace!, trace.json()); // a trace is there where a file is named
  const isRight = wrong === 0 && ran > 0;
  io.stdout.write(wrong > 0 ? `\n${wrong} wrong\n` : isRight ? '\nall right\n' : '\n');
  // Last, and with the results: who reads only the end must not take one device for two.
  for (const sentence of leftOut) io.stdout.write(`${sentence}\n`);
  return isRight ? EXIT.ok : EXIT.failed;
}

/** @throws {OptionsError} `contradiction` for what has no meaning beside --tune */
function checkTune(given: OptionsOf<typeof KERNEL_OPTIONS, 'command'>): void {
  if (given.device === 'cpu') throw new OptionsError('contradiction', '--tune measures WebGPU, and --device is cpu.');
  const taken: ReadonlySet<string> = new Set(['tune', 'model', 'dtype', 'device', 'adapter']);
  for (const [name, value] of Object.entries(given))
    if (!taken.has(name) && value !== undefined && value !== false)
      throw new OptionsError('contradiction', `--${writtenName(name)} has no effect with --tune.`);
}

const CODE_OF = { cpu: 'WebAssembly', webgpu: 'WGSL' } as const;

/** Devices that run the kernels, and a sentence for each that could not be opened where all were asked for. */
async function openDevices(
  which: 'all' | 'cpu' | 'webgpu',
  platform: Platform,
  threads: number | undefined,
): Promise<{ readonly devices: readonly Device[]; readonly leftOut: readonly string[] }> {
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
