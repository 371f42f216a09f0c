/** What the kernel view shows: one variant for one case, its text, and what became of it. */
import { computed, type Signal, signal } from '@preact/signals';
import type { CaseResult, CompilerMessage, Fork, KernelPlace, Peaks, TimedCase, WgslText } from 'sotto/lab';
import { EngineAborted } from '../engine/engine.ts';
import type { Told } from '../engine/messages.ts';
import { engine, facts, tell, trouble } from '../session.ts';
import { dropFork, isAt, keepFork, keptFork } from './forks.ts';
import { forkOfLink } from './link.ts';
import { forgetVersions, noteVersion } from './versions.ts';

/** After the last key. */
const DEBOUNCE_MS = 250;

export type Phase = 'opening' | 'waiting' | 'compiling' | 'checking' | 'timing' | 'done' | 'stopped';

export interface Progress {
  readonly title: string;
  readonly done: number;
  readonly total: number;
}

export const kernel: Signal<string> = signal('');
export const places: Signal<readonly KernelPlace[]> = signal([]);
export const place: Signal<KernelPlace | undefined> = signal(undefined);
/** The variant's own code. */
export const original: Signal<WgslText> = signal({ bindings: '', wgsl: '' });
/** What the editor was given last, and what stands in it now. */
export const source: Signal<{ readonly text: string }> = signal({ text: '' });
export const text: Signal<string> = signal('');
export const isEdited = computed(() => text.value !== original.value.wgsl);
export const messages: Signal<readonly CompilerMessage[]> = signal([]);
export const compiles = computed(() => messages.value.every(({ type }) => type !== 'error'));
export const phase: Signal<Phase> = signal('opening');
export const progress: Signal<Progress | undefined> = signal(undefined);
export const results: Signal<readonly CaseResult[]> = signal([]);
export const timings: Signal<readonly TimedCase[]> = signal([]);
export const peaks: Signal<Peaks | undefined> = signal(undefined);
export const wrong = computed(() => results.value.filter(({ right }) => !right));

let work: AbortController | undefined;
/** Of the versions that were timed. */
let openedKernel = '';
let timer: ReturnType<typeof setTimeout> | undefined;

/** The fork as it stands; undefined while nothing is chosen. */
export function fork(): Fork | undefined {
  if (!place.value) return undefined;
  const { variant, caseIndex, storage } = place.value;
  return { kernel: kernel.value, variant, caseIndex, storage, wgsl: text.value };
}

/** Opens what the address holds, else the first kernel. */
export async function begin(): Promise<void> {
  if (!facts.value?.gpu) return;
  await attempt(async () => {
    const linked = await forkOfLink(location.hash).catch((error: Error) => {
      trouble.value = error.message;
      return undefined;
    });
    if (linked) await openFork(linked);
    else await openKernel(facts.value!.kernels[0]!.name); // there are some
  });
}

export async function openKernel(name: string, variant?: string): Promise<void> {
  await loadPlaces(name);
  const of = places.value.filter((one) => one.variant === (variant ?? places.value[0]?.variant));
  // The first case is mostly of one element.
  const first = of.find(({ caseIndex }) => caseIndex > 0) ?? of[0];
  if (first) await openPlace(first);
}

/** @throws {Error} a sentence if this GPU runs no such case */
export async function openFork(wanted: Fork): Promise<void> {
  if (!facts.value?.kernels.some(({ name }) => name === wanted.kernel))
    throw new Error(`There is no kernel ${wanted.kernel}.`);
  await loadPlaces(wanted.kernel);
  const found = places.value.find((one) => isAt({ ...one, kernel: wanted.kernel }, wanted));
  if (!found) throw new Error(`This GPU does not run ${wanted.kernel}/${wanted.variant} for that case.`);
  await openPlace(found, wanted.wgsl);
}

/** @param wgsl in place of what was kept of it, or of its own code */
export async function openPlace(next: KernelPlace, wgsl?: string): Promise<void> {
  stop();
  const at = { kernel: kernel.value, ...next };
  const isOther = !place.value || place.value.variant !== next.variant || original.value.wgsl === '';
  const { variant, caseIndex, storage } = next;
  const code = await engine.ask('code', { kernel: kernel.value, variant, caseIndex, storage });
  if (isOther || openedKernel !== kernel.value) forgetVersions();
  openedKernel = kernel.value;
  place.value = next;
  original.value = code;
  forget();
  show(wgsl ?? keptFork(at)?.wgsl ?? code.wgsl);
  await check();
}

async function loadPlaces(name: string): Promise<void> {
  stop();
  const found = await engine.ask('places', name);
  kernel.value = name;
  places.value = found;
}

/** Every key: compiled and checked when none follows for a moment. */
export function edit(next: string): void {
  if (next === text.value) return;
  text.value = next;
  work?.abort();
  clearTimeout(timer);
  phase.value = 'waiting';
  timer = setTimeout(() => void check(), DEBOUNCE_MS);
}

export function restore(): void {
  show(original.value.wgsl);
  void check();
}

function show(wgsl: string): void {
  source.value = { text: wgsl };
  text.value = wgsl;
}

export function stop(): void {
  clearTimeout(timer);
  work?.abort();
  if (phase.value !== 'done') phase.value = 'stopped';
  progress.value = undefined;
}

/** Compiles, checks every case, and with `time` times what is right. */
export async function check(time = false): Promise<void> {
  clearTimeout(timer);
  work?.abort();
  const controller = new AbortController();
  work = controller;
  const wanted = fork();
  if (!wanted) return;
  if (isEdited.value) keepFork(wanted);
  else dropFork({ ...wanted });
  const { signal: until } = controller;
  const isMine = (): boolean => work === controller;
  await attempt(async () => {
    phase.value = 'compiling';
    const told = await engine.ask('compile', wanted, { signal: until });
    if (!isMine()) return;
    messages.value = told;
    forget();
    if (!compiles.value) {
      phase.value = 'done';
      return;
    }
    phase.value = 'checking';
    const asked = { signal: until, onTold: (one: Told) => isMine() && hear(one) };
    const report = await engine.ask('run', { fork: wanted, time }, asked);
    if (!isMine()) return;
    results.value = report.cases;
    phase.value = 'done';
    if (report.timings.length > 0) noteVersion(wanted, !isEdited.value, report.timings);
  }, isMine);
  if (isMine()) progress.value = undefined;
}

function hear(told: Told): void {
  switch (told.kind) {
    case 'stage':
      progress.value = { title: told.text, done: 0, total: 0 };
      return;
    case 'start':
      progress.value = told;
      return;
    case 'case':
      results.value = [...results.value, told.result];
      if (told.done === told.total) phase.value = 'timing';
      return;
    case 'timing':
      timings.value = [...timings.value, told.timing];
      return;
    case 'peaks':
      peaks.value = told.peaks;
  }
}

function forget(): void {
  results.value = [];
  timings.value = [];
}

/** Errors are sentences in the page. */
export async function attempt(action: () => Promise<void>, isMine: () => boolean = () => true): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (error instanceof EngineAborted || !isMine()) return;
    tell(error);
    phase.value = 'stopped';
  }
}
