/** Edits that are kept in this browser, the latest first. */
import { type Signal, signal } from '@preact/signals';
import type { Fork, KernelPlace } from 'sotto/lab';
import { checked } from './link.ts';

const KEY = 'sotto-lab-forks';
const MOST = 40;

export interface KeptFork extends Fork {
  /** Milliseconds since 1970. */
  readonly at: number;
}

export const forks: Signal<readonly KeptFork[]> = signal(read());

function read(): readonly KeptFork[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    if (!Array.isArray(list)) return [];
    return list.map((one) => ({ ...checked(one), at: Number((one as Partial<KeptFork>).at) || 0 }));
  } catch {
    return []; // storage may be forbidden, or written by something else
  }
}

type Place = Pick<KernelPlace, 'variant' | 'caseIndex' | 'storage'> & { readonly kernel: string };

export function isAt(fork: Place, { kernel, variant, caseIndex, storage }: Place): boolean {
  return (
    fork.kernel === kernel &&
    fork.variant === variant &&
    fork.caseIndex === caseIndex &&
    JSON.stringify(fork.storage) === JSON.stringify(storage)
  );
}

export function keptFork(place: Place): KeptFork | undefined {
  return forks.value.find((fork) => isAt(fork, place));
}

export function keepFork(fork: Fork): void {
  write([{ ...fork, at: Date.now() }, ...forks.value.filter((one) => !isAt(one, fork))].slice(0, MOST));
}

export function dropFork(place: Place): void {
  if (keptFork(place)) write(forks.value.filter((one) => !isAt(one, place)));
}

function write(list: readonly KeptFork[]): void {
  forks.value = list;
  try {
    localStorage.setItem(KEY, JSON.stringify(list));
  } catch {
    // Until the page is closed they are here.
  }
}
