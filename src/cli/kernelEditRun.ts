/**
 * `sotto kernel NAME` with code to print, to run or to compile: arguments are checked here, in the process that the user started;
 * what touches the GPU happens in another one, that it can end.
 */
import { OptionsError } from '../base/errors.ts';
import { openGpu } from '../devices/choose.ts';
import type { KernelModule } from '../engine/kernel.ts';
import type { ProgramName } from '../lab/program/checkProgram.ts';
import { startTrace, traceDevice } from '../lab/trace.ts';
import { errorText } from './errors.ts';
import { type CommandIo, EXIT } from './io.ts';
import { type EditedFile, editedModule, printable, readEdited, runEdited, type WantedPlace } from './kernelEdit.ts';
import { atEverySave, sayDoing, superviseKernel } from './kernelProcess.ts';
import { runProgram } from './kernelProgram.ts';
import { dumpShader, spirvOf } from './kernelSpirv.ts';
import { hostPlatform } from './platform.ts';
import { writeResultFile } from './resultFile.ts';

interface EditOptions {
  readonly device: 'all' | 'cpu' | 'webgpu';
  readonly adapter?: string | undefined;
  readonly checkOnly: boolean;
  readonly printWgsl: boolean;
  readonly wgsl?: string | undefined;
  readonly variant?: string | undefined;
  readonly case?: number | undefined;
  readonly json: boolean;
  readonly watch: boolean;
  readonly trace?: string | undefined;
  readonly spirv: boolean;
  readonly program?: ProgramName | undefined;
  readonly patience: number;
}

export interface EditTask {
  readonly module: KernelModule;
  /** Absent where the kernel's own code is meant. */
  readonly edited: EditedFile | undefined;
  readonly wanted: WantedPlace;
}

/** @throws {OptionsError} what does not go together, a file that cannot be read */
export function checkEdit(
  [module, ...more]: readonly KernelModule[],
  { device, printWgsl, wgsl: path, variant, case: number, json, watch, trace, spirv, program }: EditOptions,
): EditTask {
  if (!module || more.length > 0) throw new OptionsError('kernelName', 'Code is edited one kernel at a time: name it.');
  if (device === 'cpu') throw new OptionsError('contradiction', 'WGSL does not run with --device cpu.');
  if (printWgsl && path !== undefined)
    throw new OptionsError('contradiction', '--print_wgsl and --wgsl exclude each other.');
  if (program && json) throw new OptionsError('contradiction', '--program and --json exclude each other.');
  for (const [name, isGiven] of Object.entries({ json, watch, trace: trace !== undefined, program: !!program })) {
    if (isGiven && printWgsl) throw new OptionsError('contradiction', `--${name} has no effect with --print_wgsl.`);
    if (isGiven && spirv) throw new OptionsError('contradiction', `--${name} has no effect with --spirv.`);
  }
  if (watch && json) throw new OptionsError('contradiction', '--watch and --json exclude each other.');
  const edited = path === undefined ? undefined : readEdited(path, module.kernel.name);
  const wanted = { ...edited, ...(variant !== undefined && { variant }), ...(number !== undefined && { number }) };
  return { module, edited, wanted };
}

/** @param argv what the other process is given @returns the exit status */
export async function superviseEdit(
  argv: readonly string[],
  { edited }: EditTask,
  { watch, spirv, patience: patienceSeconds }: EditOptions,
  io: CommandIo,
): Promise<number> {
  const signal = AbortSignal.any([io.signal, io.stdoutClosed]);
  if (spirv) {
    let printed = '';
    const onOutput = (text: string): void => {
      printed += text;
    };
    const status = await superviseKernel(argv, { patienceSeconds, signal, onOutput });
    if (status === EXIT.ok) io.stdout.write(spirvOf(printed));
    return status;
  }
  if (!watch || !edited) return superviseKernel(argv, { patienceSeconds, signal });
  await atEverySave(edited.path, signal, async (until) => {
    try {
      await superviseKernel(argv, { patienceSeconds, signal: until });
    } catch (error) {
      until.throwIfAborted();
      io.stderr.write(`${errorText(error)}\n`);
    }
    io.stderr.write(`Waiting until ${edited.path} is saved; Ctrl-C ends.\n`);
  });
  signal.throwIfAborted();
  return EXIT.ok;
}

/** In the other process. */
export async function runHere(
  { module, edited, wanted }: EditTask,
  { adapter, checkOnly, json, trace: traceFile, spirv, program }: EditOptions,
  io: CommandIo,
): Promise<number> {
  // Nobody waits any more.
  process.once('disconnect', () => process.exit(EXIT.failed));
  try {
    if (spirv) {
      await dumpShader(module, wanted, edited);
      return EXIT.ok;
    }
    const gpu = await openGpu(hostPlatform({ adapter }));
    const trace = traceFile === undefined ? undefined : startTrace();
    try {
      if (!edited) {
        io.stdout.write(await printable(gpu, module, wanted));
        return EXIT.ok;
      }
      const options = { time: !checkOnly, json, onDoing: sayDoing };
      const place = { ...edited, ...wanted };
      const device = trace ? traceDevice(gpu, trace) : gpu;
      const { right } = program
        ? await runProgram(
            device,
            { program, edited: await editedModule(device, module, place), onDoing: sayDoing },
            io,
          )
        : await runEdited(device, module, place, options, io);
      if (trace && traceFile !== undefined) writeResultFile(traceFile, trace.json());
      return right ? EXIT.ok : EXIT.failed;
    } finally {
      await gpu.close();
    }
  } finally {
    process.removeAllListeners('disconnect');
    if (process.connected) process.disconnect();
  }
}
