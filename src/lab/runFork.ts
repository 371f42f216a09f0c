/**
 * An edited kernel from its text to figures: compiled, held against the reference over every case, and timed only when all
 * are right. The results are data, the same in a terminal and in a page.
 */
import { KernelError } from '../base/errors.ts';
import type { CompilerMessage } from '../engine/compilerMessage.ts';
import type { Device } from '../engine/device.ts';
import type { KernelModule } from '../engine/kernel.ts';
import { checkKernel, type KernelCheck } from './checkKernel.ts';
import { type Fork, forkModule, type WgslPlace, wgslOf, wgslPlaces } from './fork.ts';
import type { Peaks } from './peaks.ts';
import { type KernelTiming, timeKernel } from './timeKernel.ts';

/** A device that tells what its compiler thinks of a shader. */
export interface CompilingDevice extends Device {
  compileMessages(wgsl: string): Promise<readonly CompilerMessage[]>;
}

export interface CaseResult extends KernelCheck {
  readonly place: WgslPlace;
  readonly right: boolean;
}

export interface TimedCase extends KernelTiming {
  readonly place: WgslPlace;
  /** Of the nearer of the two limits of the device, 1 being all; above 1 the case fits in a cache. */
  readonly roofline: number;
}

export interface ForkReport {
  readonly kernel: string;
  readonly variant: string;
  readonly device: string;
  /** A CPU that plays a GPU: its figures say nothing about GPUs. */
  readonly isSoftware: boolean;
  /** Of the text, lines as in it. */
  readonly messages: readonly CompilerMessage[];
  readonly compiles: boolean;
  readonly cases: readonly CaseResult[];
  readonly right: boolean;
  /** Empty when not right, or not asked for. */
  readonly timings: readonly TimedCase[];
  readonly peaks?: Peaks;
}

export interface RunForkOptions {
  /** The case that was edited comes first; called after each. */
  readonly onCase?: (result: CaseResult, done: number, total: number) => void;
  readonly onTiming?: (timing: TimedCase) => void;
  /** Of this device; nothing is timed when absent. */
  readonly peaks?: Peaks | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What the compiler says of the text for the case that it was edited for. */
export async function compileFork(
  device: CompilingDevice,
  module: KernelModule,
  fork: Fork,
): Promise<readonly CompilerMessage[]> {
  const { bindings, wgsl } = await wgslOf(device, await forkModule(device, module, fork), fork);
  const before = bindings.split('\n').length - 1;
  // Constants that the edit has brought in stand on its first line.
  const prefix = wgsl.length - fork.wgsl.length;
  return (await device.compileMessages(bindings + wgsl)).map((message) => ({
    ...message,
    line: Math.max(0, message.line - before),
    column: message.line - before === 1 ? Math.max(1, message.column - prefix) : message.column,
  }));
}

/** @throws {DeviceError} `lost`; the signal's reason */
export async function runFork(
  device: CompilingDevice & { readonly isSoftware?: boolean },
  module: KernelModule,
  fork: Fork,
  { onCase, onTiming, peaks, signal }: RunForkOptions = {},
): Promise<ForkReport> {
  const messages = await compileFork(device, module, fork);
  const compiles = messages.every(({ type }) => type !== 'error');
  const common = {
    kernel: module.kernel.name,
    variant: fork.variant,
    device: device.description,
    isSoftware: device.isSoftware ?? false,
    messages,
    compiles,
  };
  if (!compiles) return { ...common, cases: [], right: false, timings: [] };
  const edited = await forkModule(device, module, fork);
  const isOwn = ({ caseIndex, storage }: WgslPlace): boolean =>
    caseIndex === fork.caseIndex && JSON.stringify(storage) === JSON.stringify(fork.storage);
  const all = (await wgslPlaces(device, module)).filter(({ variant }) => variant === fork.variant);
  const places = [...all.filter(isOwn), ...all.filter((place) => !isOwn(place))];
  const cases: CaseResult[] = [];
  for (const place of places) {
    signal?.throwIfAborted();
    const check = await checkPlace(device, edited, place);
    const result = { place, right: check.failures.length === 0, ...check };
    cases.push(result);
    onCase?.(result, cases.length, places.length);
  }
  const right = cases.length > 0 && cases.every((result) => result.right);
  const timings: TimedCase[] = [];
  for (const place of right && peaks ? all.filter(({ caseIndex }) => module.cases[caseIndex]!.bench) : []) {
    signal?.throwIfAborted();
    const timing = await timeKernel(device, edited, module.cases[place.caseIndex]!, place);
    const roofline = Math.max(timing.gflops / peaks!.gflops, timing.gigabytes / peaks!.gigabytes);
    timings.push({ place, roofline, ...timing });
    onTiming?.(timings.at(-1)!);
  }
  return { ...common, cases, right, timings, ...(peaks && { peaks }) };
}

async function checkPlace(device: Device, module: KernelModule, place: WgslPlace): Promise<KernelCheck> {
  try {
    return await checkKernel(device, module, module.cases[place.caseIndex]!, place);
  } catch (error) {
    // One case that it cannot be made for; what befalls the device ends the run.
    if (!(error instanceof KernelError)) throw error;
    const sentence = error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
    return { worst: Number.POSITIVE_INFINITY, failures: [sentence], outputs: [] };
  }
}
