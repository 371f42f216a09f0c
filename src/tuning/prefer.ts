/** A table as the choice of a device: what won where it was measured, rules of thumb elsewhere. */
import type { GpuFeatures } from '../engine/wgsl/features.ts';
import type { Prefers } from '../engine/wgsl/tuning.ts';
import { choiceKey, fingerprint, rowsOfChoice } from './choiceKey.ts';
import type { TuningTable } from './table.ts';

/** @param onStale told once that the table has choices between other variants than there are now */
export function preferencesOf({ uses }: TuningTable, gpu: GpuFeatures, onStale: () => void): Prefers {
  /** Whether what was measured is what there is, by `choiceKey`. */
  const holds = new Map<string, boolean>();
  let isTold = false;
  return (command, variants, context) => {
    if (command.variant !== undefined) return undefined;
    const key = choiceKey(command);
    const use = uses.get(key);
    if (!use) return undefined;
    let isValid = holds.get(key);
    if (isValid === undefined) {
      isValid = fingerprint(command, variants, gpu) === use.variants;
      holds.set(key, isValid);
    }
    if (!isValid) {
      if (!isTold) onStale();
      isTold = true;
      return undefined;
    }
    const rows = rowsOfChoice(command, variants, context);
    const variant = use.ranges.find(({ upTo = Number.POSITIVE_INFINITY }) => rows <= upTo)?.variant;
    return variant !== undefined && !use.wrong.includes(variant) ? variant : undefined;
  };
}
