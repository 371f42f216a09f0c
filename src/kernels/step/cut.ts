/**
 * How the work of one decoding step is cut into workgroups, so that a few rows fill a large GPU.
 *
 * A product of few rows reads its weights once and does little else, so what counts is how many bytes are on their way at a
 * time: a card with 132 multiprocessors wants two workgroups on each. Where there are fewer outputs than that, the inputs are cut
 * as well: each part of them gives a sum of its own, y [rows, parts, n], which the kernel that reads y adds up.
 */
import type { Dims } from '../../engine/variant.ts';

/** Rows of the kernels of a step that keep all of them in a workgroup, at most: beyond, its memory and registers are too few. */
export const STEP_ROWS = 8;

/** Workgroups of a product of a step: two for each multiprocessor of a large card. */
const PRODUCT_GROUPS = 264;

/** Workgroups of an attention: one each. More would be more sums to merge, by every workgroup of the product that follows. */
const ATTENTION_GROUPS = 132;

/** The same of many rows over a window's sound, whose 1500 keys are long to walk through for one workgroup: four for each core. */
const SOUND_GROUPS = 528;

/** Splits of many rows, at most: each thread of the product that follows weighs all of them. */
const MOST_BATCH_SPLITS = 4;

/** Keys of a split, at least: all threads of a workgroup have some. */
const LEAST_KEYS = 64;

/** Fours of outputs of a workgroup, widest first: as many f32 as memory hands over at once, and more. One alone is for want of others. */
const LANES = [16, 8, 4, 2];

/**
 * Parts of a product's inputs: the fewest with which there are enough workgroups.
 *
 * @param n outputs @param mostParts 1 where what follows the product needs its sums whole
 */
export function partsOf(n: number, mostParts = 4): number {
  const parts = [1, 2, 4].filter((count) => count <= mostParts);
  const fills = (lanes: number) => parts.find((count) => groupsAlong(n, lanes) * count >= PRODUCT_GROUPS);
  return fills(2) ?? fills(1) ?? mostParts;
}

/**
 * Parts of a product of more rows than a step's: four, or what cuts the inputs in fours. As many workgroups by narrower tiles would read
 * the inputs four times as often; the sums cost less than that in every size, since k is at least 384.
 */
export function batchPartsOf(k: number): number {
  return [4, 2].find((parts) => k % (4 * parts) === 0) ?? 1;
}

/** Fours of outputs of a workgroup, of a product that is in so many parts. */
export function lanesOf(n: number, parts: number): number {
  return LANES.find((lanes) => groupsAlong(n, lanes) * parts >= PRODUCT_GROUPS) ?? 1;
}

/** Workgroups along the outputs. */
export function groupsAlong(n: number, lanes: number): number {
  return Math.ceil(n / (4 * lanes));
}

/** Splits of the keys of attention, for all rows that may be live. */
export function splitsOf(rows: number, nHead: number, nCtx: number): number {
  const wanted = Math.ceil(ATTENTION_GROUPS / (rows * nHead));
  return Math.max(1, Math.min(wanted, Math.ceil(nCtx / LEAST_KEYS)));
}

/** Splits of the sound's keys, for more rows than are merged in a workgroup's memory. */
export function batchSplitsOf(rows: number, nHead: number): number {
  return Math.max(1, Math.min(MOST_BATCH_SPLITS, Math.ceil(SOUND_GROUPS / (rows * nHead))));
}

/** A sentence when `width` is no whole number of parts of `size`. */
export function partsProblem(name: string, width: number, size: number): string | undefined {
  return width > 0 && width % size === 0 ? undefined : `${name} is ${width} wide, no multiple of ${size}`;
}

/** A sentence when a product of more rows than a step's has parts of inputs that are no fours: tiles (matmul/gemm/rows.wgsl.ts) take those alone. */
export function tilesProblem({ rows = 0, k = 1, n = 1, yWidth = 1 }: Dims): string | undefined {
  const parts = yWidth / n;
  return rows <= STEP_ROWS || k % (4 * parts) === 0 ? undefined : `${k} inputs in ${parts} parts are no fours`;
}

/** A sentence when there are more rows than a step has. */
export function rowsProblem({ rows = 0 }: Dims): string | undefined {
  return rows <= STEP_ROWS ? undefined : `${rows} rows are more than the ${STEP_ROWS} of a step`;
}
