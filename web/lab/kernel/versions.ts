/** What was timed since a variant was opened, and versions compared in turn. */
import { type Signal, signal } from '@preact/signals';
import type { Fork, KernelPlace, TimedCase, TimedInTurn } from 'sotto/lab';
import { engine, tell } from '../session.ts';

export interface TimedVersion {
  readonly name: string;
  readonly fork: Fork;
  readonly timings: readonly TimedCase[];
}

export interface Comparison {
  readonly place: KernelPlace;
  /** As `timed`, the variant's own code first. */
  readonly names: readonly string[];
  readonly timed: readonly TimedInTurn[];
}

/** The variant's own code is named so. */
export const OWN = 'own code';

export const versions: Signal<readonly TimedVersion[]> = signal([]);
export const comparison: Signal<Comparison | undefined> = signal(undefined);
export const isComparing: Signal<boolean> = signal(false);

let count = 0;

export function forgetVersions(): void {
  count = 0;
  versions.value = [];
  comparison.value = undefined;
}

/** @param isOwn nothing is edited */
export function noteVersion(fork: Fork, isOwn: boolean, timings: readonly TimedCase[]): void {
  const same = versions.value.find((one) => one.fork.wgsl === fork.wgsl);
  const name = same?.name ?? (isOwn ? OWN : `edit ${++count}`);
  versions.value = [...versions.value.filter((one) => one !== same), { name, fork, timings }];
}

/** The variant's own code and every edit that was timed, in turn, on one case. */
export async function compareInTurn(own: Fork, place: KernelPlace, signal: AbortSignal): Promise<void> {
  const edits = versions.value.filter(({ name }) => name !== OWN);
  const { caseIndex, storage } = place;
  isComparing.value = true;
  try {
    const forks = [own, ...edits.map(({ fork }) => fork)];
    const timed = await engine.ask('compare', { forks, at: { caseIndex, storage } }, { signal });
    comparison.value = { place, names: [OWN, ...edits.map(({ name }) => name)], timed };
  } catch (error) {
    tell(error);
  } finally {
    isComparing.value = false;
  }
}
