/**
 * An edited kernel from its text to figures: compiled, held against the reference over every case, and timed only when all
 * are right. The results are data, the same in a terminal and in a page.
 */
import type { CompilerMessage } from '../engine/compilerMessage.ts';
import type { Device } from '../engine/device.ts';
import type { KernelModule } from '../engine/kernel.ts';
import { type Fork, forkModule, type KernelPlace, kernelPlaces, timedPlaces, wgslOf } from './fork.ts';
import { guardedModule } from './loopGuard.ts';
import type { Peaks } from './peaks.ts';
import { type CaseResult, checkPlaces, type RunOptions, type TimedCase, timePlaces } from './runPlaces.ts';

/** A device that tells what its compiler thinks of a shader. */
export interface CompilingDevice extends Device {
  compileMessages(wgsl: string): Promise<readonly CompilerMessage[]>;
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

/**
 * Compiles, checks and times. The case that was edited is checked first; others of the variant follow.
 * @throws {DeviceError} `lost`; the signal's reason
 */
export async function runFork(
  device: CompilingDevice & { readonly isSoftware?: boolean },
  module: KernelModule,
  fork: Fork,
  options: RunOptions = {},
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
  const isOwn = ({ caseIndex, storage }: KernelPlace): boolean =>
    caseIndex === fork.caseIndex && JSON.stringify(storage) === JSON.stringify(fork.storage);
  const isOf = ({ variant }: KernelPlace): boolean => variant === fork.variant;
  const all = (await kernelPlaces(device, module)).filter(isOf);
  const places = [...all.filter(isOwn), ...all.filter((place) => !isOwn(place))];
  const guarded = await checkPlaces(device, guardWhere(device, edited), places, options);
  // All of its loops end: now as it was written, in the case that it was written for.
  const isEnding = guarded.every((result) => result.right);
  const own = isEnding ? await checkPlaces(device, edited, places.slice(0, 1), { signal: options.signal }) : [];
  const cases = [...own, ...guarded.slice(own.length)];
  const right = cases.length > 0 && cases.every((result) => result.right);
  const { peaks } = options;
  const timings =
    right && peaks
      ? await timePlaces(device, edited, (await timedPlaces(device, module)).filter(isOf), peaks, options)
      : [];
  return { ...common, cases, right, timings, ...(peaks && { peaks }) };
}

/** The form with an end to its loops, where the compiler takes it. */
function guardWhere(device: CompilingDevice, edited: KernelModule): (place: KernelPlace) => Promise<KernelModule> {
  const guarded = guardedModule(edited);
  return async (place) => {
    if (!guarded) return edited;
    const { bindings, wgsl } = await wgslOf(device, guarded, place);
    const messages = await device.compileMessages(bindings + wgsl);
    return messages.some(({ type }) => type === 'error') ? edited : guarded;
  };
}
