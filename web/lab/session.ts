/** The one engine of the lab's page, and what is known of the machine. */
import { type Signal, signal } from '@preact/signals';
import { Engine, EngineAborted } from './engine/engine.ts';
import type { LabFacts } from './engine/messages.ts';

const KEY = 'sotto-lab-patience';
/** A case on a software GPU takes up to half a minute beside other work; a driver gives up after a few seconds by itself. */
const SOFTWARE_SECONDS = 60;
const HARDWARE_SECONDS = 15;

export const facts: Signal<LabFacts | undefined> = signal(undefined);
/** A sentence on what has happened to the engine last. */
export const trouble: Signal<string> = signal('');
/** Seconds, as chosen; absent: by the kind of GPU. */
export const chosenPatience: Signal<number | undefined> = signal(readPatience());
/** What is asked for has had no answer for so many seconds. */
export const silentSeconds: Signal<number> = signal(0);

export function patienceSeconds(): number {
  return chosenPatience.value ?? (facts.value?.gpu?.isSoftware === false ? HARDWARE_SECONDS : SOFTWARE_SECONDS);
}

export const engine: Engine = new Engine({
  patienceMs: () => 1000 * patienceSeconds(),
  onGone(sentence) {
    trouble.value = sentence;
  },
});

setInterval(() => {
  const seconds = Math.floor(engine.silentMs / 1000);
  if (seconds !== silentSeconds.value) silentSeconds.value = seconds;
}, 500);

export async function openLab(): Promise<void> {
  try {
    facts.value = await engine.ask('open', undefined);
  } catch (error) {
    tell(error);
  }
}

/** What somebody has stopped is no trouble. */
export function tell(error: unknown): void {
  if (!(error instanceof EngineAborted)) trouble.value = error instanceof Error ? error.message : String(error);
}

export function choosePatience(seconds: number): void {
  if (!(seconds >= 1)) return;
  chosenPatience.value = seconds;
  try {
    localStorage.setItem(KEY, String(seconds));
  } catch {
    // It holds until the page is closed.
  }
}

function readPatience(): number | undefined {
  try {
    const kept = Number(localStorage.getItem(KEY));
    return kept >= 1 ? kept : undefined;
  } catch {
    return undefined;
  }
}
