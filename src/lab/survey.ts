/** One kernel on one device as it is: every case, storage type and variant checked, and timed only when all are right. */
import type { Device } from '../engine/device.ts';
import type { KernelModule } from '../engine/kernel.ts';
import { caseTitle, isMadeFor, storageChoices } from './checkKernel.ts';
import { kernelPlaces, timedPlaces } from './fork.ts';
import { type CaseResult, checkPlaces, type RunOptions, type TimedCase, timePlaces } from './runPlaces.ts';

export interface Survey {
  readonly kernel: string;
  readonly device: string;
  readonly cases: readonly CaseResult[];
  /** Cases that no variant runs here, by their titles; none of a kernel that is not made for this kind of device. */
  readonly unrun: readonly string[];
  readonly right: boolean;
  /** Empty when not right, or not asked for. */
  readonly timings: readonly TimedCase[];
}

/** @throws {DeviceError} `lost`; the signal's reason */
export async function surveyKernel(device: Device, module: KernelModule, options: RunOptions = {}): Promise<Survey> {
  const places = await kernelPlaces(device, module);
  const run = new Set(places.map(({ title }) => title));
  const unrun = (isMadeFor(module.kernel, device.kind) ? module.cases : [])
    .filter(({ benchOnly }) => !benchOnly)
    .flatMap((kase) => storageChoices(module.kernel).map((storage) => caseTitle(kase, storage)))
    .filter((title) => !run.has(title));
  const cases = await checkPlaces(device, module, places, options);
  const right = unrun.length === 0 && cases.every((result) => result.right);
  const { peaks } = options;
  const timings =
    right && peaks ? await timePlaces(device, module, await timedPlaces(device, module), peaks, options) : [];
  return { kernel: module.kernel.name, device: device.description, cases, unrun, right, timings };
}
