/** A table as the choice of a device: what won where it was measured, rules of thumb elsewhere. */
import type { GpuFeatures } from '../engine/wgsl/features.ts';
import type { Prefers } from '../engine/wgsl/tuning.ts';
import type { WgslVariant } from '../engine/wgsl/variant.ts';
import { choiceKey, fingerprint, rangeOfChoice } from './choiceKey.ts';
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
      // Devices that are WebGPU ask, with variants of theirs.
      isValid = fingerprint(command, variants as readonly WgslVariant[], gpu) === use.variants;
      holds.set(key, isValid);
    }
    if (!isValid) {
      if (!isTold) onStale();
      isTold = true;
      return undefined;
    }
    const { from, upTo, key: rows } = rangeOfChoice(command, variants, context);
    const won = use.ranges.find(({ upTo: last = Number.POSITIVE_INFINITY }) => rows <= last)?.variant;
    const variant = variants.find(({ name }) => name === won);
    if (!variant || use.wrong.includes(variant.name)) return undefined;
    // Of all rows of the range or of none: else some would have the sums of another variant than those that they are to be alike.
    const takes = (rows: number): boolean => variant.when?.({ ...context, dims: { ...context.dims, rows } }) ?? true;
    return from === 0 || [from, upTo ?? from].every(takes) ? variant.name : undefined;
  };
}
