/**
 * Versions of one kernel timed in turn on one case: A B, B A, A B ... What else the machine does in the meantime then falls on all
 * alike, so that a difference of a few percent can be told from a busy moment.
 */
import type { Device } from '../engine/device.ts';
import type { KernelModule } from '../engine/kernel.ts';
import type { CaseChoice } from './checkKernel.ts';
import { type KernelTiming, type OpenTiming, openTiming } from './timeKernel.ts';

/** A kernel as it is, or one that `forkModule` made. */
export interface Version {
  readonly module: KernelModule;
  readonly caseIndex: number;
  readonly choice?: CaseChoice | undefined;
}

export interface TimedInTurn extends KernelTiming {
  /** Its time over the first version's in the same round: the median, and the middle eight tenths of the rounds. */
  readonly ratio: number;
  readonly ratioRange: readonly [low: number, high: number];
}

/** @throws {DeviceError} `lost`; the signal's reason */
export async function timeInTurn(
  device: Device,
  versions: readonly Version[],
  {
    rounds = 11,
    seriesMs = 40,
    signal,
  }: { readonly rounds?: number; readonly seriesMs?: number; readonly signal?: AbortSignal | undefined } = {},
): Promise<readonly TimedInTurn[]> {
  const open: OpenTiming[] = [];
  try {
    for (const { module, caseIndex, choice = {} } of versions) {
      signal?.throwIfAborted();
      open.push(await openTiming(device, module, module.cases[caseIndex]!, choice, seriesMs));
    }
    const results = open.map((): number[] => []);
    // As many of each: what a submit costs by itself is then the same share of all.
    const times = Math.max(...open.map((timed) => timed.times));
    for (let round = 0; round < rounds; round++)
      for (let k = 0; k < open.length; k++) {
        signal?.throwIfAborted();
        // There and back: nobody is always the one after.
        const i = round % 2 === 0 ? k : open.length - 1 - k;
        results[i]!.push(await open[i]!.series(times));
      }
    return open.map((timed, i) => {
      const ratios = results[i]!.map((ms, round) => ms / results[0]![round]!).sort((a, b) => a - b);
      const at = (share: number): number => ratios[Math.min(ratios.length - 1, Math.floor(share * ratios.length))]!;
      return { ...timed.figures(results[i]!), ratio: at(0.5), ratioRange: [at(0.1), at(0.9)] };
    });
  } finally {
    for (const timed of open) timed.free();
  }
}
