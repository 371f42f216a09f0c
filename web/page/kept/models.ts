/** Which models are on this device, and how much room there is. The store itself works in the engine's worker, too. */
import { type Signal, signal } from '@preact/signals';
import { type KeptModel, openModelStore } from 'sotto';

export interface Space {
  /** Bytes that the site takes, and those that the browser lets it have. */
  readonly used: number;
  readonly quota: number;
  /** The browser clears it only when it is told to. */
  readonly isPersistent: boolean;
}

/** undefined until it is known. */
export const keptModels: Signal<readonly KeptModel[] | undefined> = signal(undefined);
export const space: Signal<Space | undefined> = signal(undefined);
/** Why models cannot be kept, or not be listed. */
export const keptFailure: Signal<string> = signal('');

export async function refreshKept(): Promise<void> {
  try {
    const store = await openModelStore();
    keptFailure.value = store
      ? ''
      : 'This page may keep nothing: it needs https, and a browser that lets sites store data.';
    keptModels.value = (await store?.list()) ?? [];
    const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
    const isPersistent = (await navigator.storage?.persisted?.()) ?? false;
    space.value = quota > 0 ? { used: usage, quota, isPersistent } : undefined;
  } catch (error) {
    keptFailure.value = `What is kept cannot be listed: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export async function removeKept({ place }: KeptModel): Promise<void> {
  try {
    await (await openModelStore())?.remove(place);
  } finally {
    await refreshKept();
  }
}

/** Asks, once a model is here, that the browser does not clear it by itself. Some browsers ask the person. */
export async function askToPersist(): Promise<void> {
  const { storage } = navigator;
  const isAsked = (await storage?.persisted?.().catch(() => true)) ?? true;
  if (!isAsked) await storage.persist().catch(() => false);
  await refreshKept();
}
