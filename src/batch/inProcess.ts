/** The work of a batch in this process. */
import type { Executor } from './executor.ts';
import type { BatchItem, ItemSettings } from './item.ts';
import { type ItemWork, processItem } from './processItem.ts';

/** @param settingsOf the options of an item */
export function inProcess(work: ItemWork, settingsOf: (item: BatchItem) => ItemSettings, capacity: number): Executor {
  return {
    capacity,
    run: ({ item, key }, call) => processItem({ item, key, settings: settingsOf(item) }, work, call),
  };
}
