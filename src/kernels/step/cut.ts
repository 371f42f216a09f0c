/**
 * How the work of one decoding step is cut into workgroups, so that a few rows fill a large GPU.
 *
 * A product of few rows reads its weights once and does little else, so what counts is how many bytes are on their way at a
 * time: a card with 132 multiprocessors wants two workgroups on each. Where there are fewer outputs than that, the inputs are cut
 * as well: each part of them gives a sum of its own, y [rows, parts, n], which the kernel that reads y adds up.
 */
import type { Dims } from '../../engine/variant.ts';

/** Rows of the fused kernels of a step, at most: beyond, a workgroup's memory and registers are too few. */
export const STEP_ROWS = 8;

/** Workgroups of a product of a step: two for each multiprocessor of a large card. */
const PRODUCT_GROUPS = 264;

/** Workgroups of an attention: one each. More would be more sums to merge, by every workgroup of the product that follows. */
const ATTENTION_GROUPS = 132;

/** Keys of a split, at least: all threads of a workgroup have some. */
const LEAST_KEYS = 64;

export interface ProductCut {
  /** Fours of outputs of a workgroup. */
  readonly lanes: number;
  /** Parts of the inputs. */
  readonly parts: number;
}

/**
 * The fewest parts, then the widest rows of a panel, that give enough workgroups. Eight outputs of f32 are what memory hands over
 * at once; a workgroup takes four only where nothing else is enough.
 *
 * @param n outputs @param mostParts 1 where what follows the product needs its sums whole
 */
export function cutProduct(n: number, mostParts = 4): ProductCut {
  const parts = [1, 2, 4].filter((count) => count <= mostParts);
  const cuts = [
    ...parts.flatMap((count) => [16, 8, 4, 2].map((lanes) => ({ lanes, parts: count }))),
    ...parts.map((count) => ({ lanes: 1, parts: count })),
  ];
  return cuts.find((cut) => groupsAlong(n, cut.lanes) * cut.parts >= PRODUCT_GROUPS) ?? cuts.at(-1)!;
}

/** Workgroups along the outputs. */
export function groupsAlong(n: number, lanes: number): number {
  return Math.ceil(n / (4 * lanes));
}

/** The lanes of a product that is in so many parts. */
export function lanesOf(n: number, parts: number): number {
  return [16, 8, 4, 2].find((lanes) => groupsAlong(n, lanes) * parts >= PRODUCT_GROUPS) ?? 1;
}

/** Splits of the keys of attention, for all rows that may be live. */
export function splitsOf(rows: number, nHead: number, nCtx: number): number {
  const wanted = Math.ceil(ATTENTION_GROUPS / (rows * nHead));
  return Math.max(1, Math.min(wanted, Math.ceil(nCtx / LEAST_KEYS)));
}

/** A sentence when `width` is no whole number of parts of `size`. */
export function partsProblem(name: string, width: number, size: number): string | undefined {
  return width > 0 && width % size === 0 ? undefined : `${name} is ${width} wide, no multiple of ${size}`;
}

/** A sentence when there are more rows than a step has. */
export function rowsProblem({ rows = 0 }: Dims): string | undefined {
  return rows <= STEP_ROWS ? undefined : `${rows} rows are more than the ${STEP_ROWS} of a step`;
}
