/** The loops that a kernel's own variants and edited ones share: checks places one after another, times places. */
import { KernelError } from '../base/errors.ts';
import type { Device } from '../engine/device.ts';
import type { KernelModule } from '../engine/kernel.ts';
import { checkKernel, type KernelCheck } from './checkKernel.ts';
import type { KernelPlace } from './fork.ts';
import { ENDLESS, MOST_TURNS } from './loopGuard.ts';
import type { Peaks } from './peaks.ts';
import { type KernelTiming, timeKernel } from './timeKernel.ts';

export interface CaseResult extends KernelCheck {
  readonly place: KernelPlace;
  readonly right: boolean;
}

export interface TimedCase extends KernelTiming {
  readonly place: KernelPlace;
  /** Of the nearer of the two limits of the device, 1 being all; above 1 the case fits in a cache. */
  readonly roofline: number;
}

export interface RunOptions {
  /** Called before each case: what is being run when a device does not come back. */
  readonly onStart?: ((place: KernelPlace, done: number, total: number) => void) | undefined;
  /** Called after each. */
  readonly onCase?: ((result: CaseResult, done: number, total: number) => void) | undefined;
  readonly onTiming?: ((timing: TimedCase) => void) | undefined;
  /** Of this device; nothing is timed when absent. */
  readonly peaks?: Peaks | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Ends early where a loop does not.
 * @param moduleFor the kernel, or the form of it that a place is checked with
 * @throws {DeviceError} `lost`; the signal's reason
 */
export async function checkPlaces(
  device: Device,
  moduleFor: KernelModule | ((place: KernelPlace) => Promise<KernelModule>),
  places: readonly KernelPlace[],
  { onStart, onCase, signal }: RunOptions,
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = [];
  for (const place of places) {
    signal?.throwIfAborted();
    onStart?.(place, results.length, places.length);
    const check = await checkPlace(device, moduleFor, place);
    const result = { place, right: check.failures.length === 0, ...check };
    results.push(result);
    onCase?.(result, results.length, places.length);
    if (check.isEndless) break;
  }
  return results;
}

/** @throws {DeviceError} `lost`; the signal's reason */
export async function timePlaces(
  device: Device,
  module: KernelModule,
  places: readonly KernelPlace[],
  peaks: Peaks,
  { onStart, onTiming, signal }: RunOptions,
): Promise<readonly TimedCase[]> {
  const timings: TimedCase[] = [];
  for (const place of places) {
    signal?.throwIfAborted();
    onStart?.(place, timings.length, places.length);
    const timing = await timeKernel(device, module, module.cases[place.caseIndex]!, place);
    const roofline = Math.max(timing.gflops / peaks.gflops, timing.gigabytes / peaks.gigabytes);
    timings.push({ place, roofline, ...timing });
    onTiming?.(timings.at(-1)!);
  }
  return timings;
}

async function checkPlace(
  device: Device,
  moduleFor: KernelModule | ((place: KernelPlace) => Promise<KernelModule>),
  place: KernelPlace,
): Promise<KernelCheck & { readonly isEndless?: boolean }> {
  try {
    const module = typeof moduleFor === 'function' ? await moduleFor(place) : moduleFor;
    const check = await checkKernel(device, module, module.cases[place.caseIndex]!, place);
    const outputs = check.outputs.filter(({ arg }) => arg !== ENDLESS);
    if (check.outputs.every(({ arg, wrong }) => arg !== ENDLESS || wrong === 0)) return { ...check, outputs };
    const sentence = `a loop does not end: it was left after ${MOST_TURNS} turns`;
    return { worst: Number.POSITIVE_INFINITY, failures: [sentence], outputs, isEndless: true };
  } catch (error) {
    // One case that it cannot be made for; what befalls the device ends the run.
    if (!(error instanceof KernelError)) throw error;
    const sentence = error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
    return { worst: Number.POSITIVE_INFINITY, failures: [sentence], outputs: [] };
  }
}
