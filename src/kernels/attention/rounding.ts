/** What rounding does to attention in integers (integerAttention.wasm.ts). */
import type { Tolerance } from '../../engine/kernel.ts';

/** The variant's name. */
export const INTEGERS = 'integers';

/**
 * For inputs uniform in [-1, 1): a value is off by up to 1 / 8190, and a weight by a part in 1e4 for its score and by half of
 * one of at least 5e5 steps for all of them together.
 */
export const INTEGERS_TOLERANCE: Tolerance = { absolute: 2.5e-4, relative: 0 };
