/**
 * One use of a kernel on one GPU: every variant that can run it, held against the reference first and then timed in turn, range of
 * live rows by range; and what follows from the times.
 */
import { KernelError } from '../../base/errors.ts';
import type { Device } from '../../engine/device.ts';
import type { KernelCase, KernelModule } from '../../engine/kernel.ts';
import { loadVariants } from '../../engine/selectVariant.ts';
import { CORE_GPU } from '../../engine/wgsl/features.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { wgslSource } from '../../engine/wgsl/wgslSource.ts';
import { fingerprint, type RowRange, rowRanges } from '../../tuning/choiceKey.ts';
import type { MeasuredPoint, MeasuredUse, RangeChoice, Times } from '../../tuning/table.ts';
import { caseTitle, checkKernel, type StorageChoice, variantsOf } from '../checkKernel.ts';
import { type OpenTiming, openTiming } from '../timeKernel.ts';
import { disagreement } from './agree.ts';
import type { KernelUse } from './modelUses.ts';
import { caseOfUse, storageOf } from './useCase.ts';

export interface MeasureOptions {
  readonly rounds?: number;
  /** Milliseconds that a series takes at least. */
  readonly seriesMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Told of each range as it is decided. */
  readonly onRange?: ((range: RangeChoice) => void) | undefined;
  /** Told of each variant that is wrong here, with the reason. */
  readonly onWrong?: ((variant: string, why: string) => void) | undefined;
}

/** What was found of variants by now: one that is wrong is so for all sizes. */
export type Checked = Map<string, string | undefined>;

/** Times that differ by less say nothing, however alike the rounds were. */
const LEAST_GAIN = 0.02;
/** A variant so many times slower than the best is not measured further. */
const HOPELESS = 3;
/** Work of a case whose reference takes a moment. */
const SMALL_FLOPS = 2e7;
/** Of a variant: more of them tell little more. */
const CASES = 6;
/** Where a few rounds take so many seconds, as on a software adapter, more of them are not worth the wait. */
const FEW_ROUNDS = 3;
const ENOUGH_MS = 1500;

/** @returns undefined where there is nothing to choose @throws {DeviceError} `lost`; the signal's reason */
export async function measureUse(
  device: Device,
  module: KernelModule,
  { command, capacities, wholes }: KernelUse,
  checked: Checked,
  options: MeasureOptions = {},
): Promise<MeasuredUse | undefined> {
  const kind = { sourceOf: () => wgslSource(module.kernel), place: 'this GPU' };
  const features: ReadonlySet<string> = (device.gpu ?? CORE_GPU).features;
  const has = (feature: string): boolean => features.has(feature);
  const offers = ({ needs = [] }: WgslVariant): boolean => needs.every(has);
  const all = (await loadVariants([command], { ...kind, has, offers })).variants.get(command.kernel) ?? [];
  if (all.length < 2) return undefined;
  const storage = storageOf(command);
  const ranges: RangeChoice[] = [];
  const wrong = new Set<string>();
  for (const { range, points } of pointsOf(command.dims.rows !== undefined, all, capacities, wholes)) {
    options.signal?.throwIfAborted();
    const cases = points.map((rows) => caseOfUse(module, command, rows));
    if (cases.some((kase) => kase === undefined)) return undefined;
    const fitting: (readonly string[])[] = [];
    for (const kase of cases) fitting.push(await variantsOf(device, module, kase!, storage));
    const rule = fitting.at(-1)?.[0];
    if (rule === undefined) continue;
    const candidates: string[] = [];
    for (const name of new Set(fitting.flat())) {
      if (wrong.has(name)) continue;
      const why = await faultOf(device, module, name, storage, checked);
      if (why === undefined) candidates.push(name);
      else if (!wrong.has(name)) options.onWrong?.(name, why);
      if (why !== undefined) wrong.add(name);
    }
    const measured: MeasuredPoint[] = [];
    if (candidates.length > 1)
      for (const [i, kase] of cases.entries()) {
        const here = candidates.filter((name) => fitting[i]!.includes(name));
        measured.push({ rows: points[i]!, times: await timesOf(device, module, kase!, storage, here, options) });
      }
    const rules = fitting.map(([first]) => first!);
    // The only one that is right needs no times.
    const [only, ...more] = candidates;
    let variant = more.length === 0 && only !== rule ? only : winnerOf(measured, rules);
    while (variant !== undefined && candidates.includes(rule)) {
      const why = await disagreement(device, module, cases.at(-1)!, storage, [rule, variant]);
      if (why === undefined) break;
      if (!wrong.has(variant)) options.onWrong?.(variant, why);
      wrong.add(variant);
      variant = winnerOf(without(measured, wrong), rules);
    }
    const upTo = range.upTo === undefined ? {} : { upTo: range.upTo };
    const choice: RangeChoice = { ...upTo, ...(variant !== undefined && { variant }), rule, points: measured };
    ranges.push(choice);
    options.onRange?.(choice);
  }
  const variants = fingerprint(command, all, device.gpu ?? CORE_GPU);
  return { variants, wrong: [...wrong], ranges };
}

function without(points: readonly MeasuredPoint[], names: ReadonlySet<string>): readonly MeasuredPoint[] {
  return points.map(({ rows, times }) => ({ rows, times: new Map([...times].filter(([name]) => !names.has(name))) }));
}

/** Numbers of rows that stand for a range: both ends of what the model may ask for, or what it always asks for. */
function pointsOf(
  hasRows: boolean,
  variants: readonly WgslVariant[],
  capacities: ReadonlySet<number>,
  wholes: ReadonlySet<number>,
): readonly { readonly range: RowRange; readonly points: readonly number[] }[] {
  if (!hasRows) return [{ range: { from: 0 }, points: [0] }];
  const most = Math.max(...capacities, ...wholes);
  return rowRanges(variants, most).flatMap((range) => {
    const { from, upTo = Number.POSITIVE_INFINITY } = range;
    const last = Math.min(upTo, Math.max(0, ...capacities));
    const whole = [...wholes].filter((rows) => from <= rows && rows <= upTo);
    // Not the first row of a range but a number that is more usual in it: a batch of 16 rather than of 9.
    const first = Math.min(last, 2 ** Math.ceil(Math.log2(from)));
    const some = last >= from ? [first, last] : [];
    const points = [...new Set([...some, ...whole])].sort((a, b) => a - b);
    return points.length > 0 ? [{ range, points }] : [];
  });
}

/** Why a variant is not to run here; undefined: it is right in some small cases of its own. */
async function faultOf(
  device: Device,
  module: KernelModule,
  variant: string,
  storage: StorageChoice,
  checked: Checked,
): Promise<string | undefined> {
  const key = `${module.kernel.name}/${variant} ${Object.entries(storage).join()}`;
  if (checked.has(key)) return checked.get(key);
  const fault = await firstFault(device, module, variant, storage);
  checked.set(key, fault);
  return fault;
}

async function firstFault(
  device: Device,
  module: KernelModule,
  variant: string,
  storage: StorageChoice,
): Promise<string | undefined> {
  let done = 0;
  for (const kase of module.cases) {
    if (done === CASES) break;
    if (kase.benchOnly || module.kernel.cost({ ...kase.dims }, kase.params ?? {}).flops > SMALL_FLOPS) continue;
    if (!(await variantsOf(device, module, kase, storage)).includes(variant)) continue;
    done++;
    try {
      const [failure] = (await checkKernel(device, module, kase, { variant, storage })).failures;
      if (failure !== undefined) return `${caseTitle(kase, storage)}: ${failure}`;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return error.message;
    }
  }
  return done > 0 ? undefined : 'no case of its own is small enough to be checked';
}

/** Milliseconds of one run by variant, in turn; those that are far from the best are left out. */
async function timesOf(
  device: Device,
  module: KernelModule,
  kase: KernelCase,
  storage: StorageChoice,
  variants: readonly string[],
  { rounds = 7, seriesMs = 8, signal }: MeasureOptions,
): Promise<ReadonlyMap<string, Times>> {
  const open = new Map<string, OpenTiming>();
  const results = new Map<string, number[]>();
  try {
    for (const variant of variants) {
      signal?.throwIfAborted();
      const timed = await openTiming(device, module, kase, { variant, storage }, seriesMs, { byDevice: true });
      open.set(variant, timed);
      // Two, lest a busy moment rules one out.
      results.set(variant, [await timed.series(), await timed.series()]);
    }
    const best = Math.min(...[...results.values()].flat());
    const close = variants.filter((variant) => Math.min(...results.get(variant)!) <= HOPELESS * best);
    for (const variant of variants.filter((name) => !close.includes(name))) {
      results.delete(variant);
      open.get(variant)!.free();
      open.delete(variant);
    }
    // What a submit costs by itself is then the same share of all.
    const times = Math.max(...close.map((variant) => open.get(variant)!.times));
    for (const variant of close.length > 1 ? close : []) results.set(variant, []);
    let spentMs = 0;
    for (let round = 0; close.length > 1 && round < rounds; round++) {
      if (round >= FEW_ROUNDS && spentMs > ENOUGH_MS) break;
      for (const variant of round % 2 === 0 ? close : [...close].reverse()) {
        signal?.throwIfAborted();
        const ms = await open.get(variant)!.series(times);
        results.get(variant)!.push(ms);
        spentMs += ms * times;
      }
    }
  } finally {
    for (const timed of open.values()) timed.free();
  }
  const figures = [...results].map(([variant, ms]): [string, Times] => {
    const sorted = [...ms].sort((a, b) => a - b);
    const at = (i: number): number => Number(sorted[Math.min(i, sorted.length - 1)]!.toPrecision(4));
    return [variant, { least: at(0), quartile: at(Math.max(1, sorted.length >> 2)), median: at(sorted.length >> 1) }];
  });
  return new Map(figures);
}

/**
 * The variant that is faster than what would run without a table, over all points by more than times spread, and at none of them
 * slower by more than that.
 *
 * @param rules what would run, by point
 */
export function winnerOf(points: readonly MeasuredPoint[], rules: readonly string[]): string | undefined {
  const names = points[0] ? [...points[0].times.keys()] : [];
  let winner: string | undefined;
  let most = 1;
  for (const name of names) {
    let gain = 1;
    let noise = LEAST_GAIN;
    let isSlower = false;
    for (const [i, { times }] of points.entries()) {
      const [own, rule] = [times.get(name), times.get(rules[i]!)];
      // A rule that was left out is several times slower than the best.
      const best = Math.min(...[...times.values()].map(({ least }) => least));
      const ratio = own === undefined ? 0 : (rule?.least ?? HOPELESS * best) / own.least;
      const here = Math.max(LEAST_GAIN, spreadOf(own), spreadOf(rule));
      noise = Math.max(noise, here);
      isSlower ||= ratio < 1 / (1 + here);
      gain *= ratio ** (1 / points.length);
    }
    if (!isSlower && gain > 1 + noise && gain > most) [winner, most] = [name, gain];
  }
  return winner;
}

/** How far the lower quartile is above the minimum, as a share of it: the machine may be busy for half of the time. */
function spreadOf(times: Times | undefined): number {
  return times ? times.quartile / times.least - 1 : 0;
}
