/**
 * How inputs are rounded where they meet int8 weights in integers: each row of x to whole numbers of 16 bits, q = x / step to the
 * nearest, step = absmax / 32767. A product of two rows is then step * scale * (sum(q * w) - zero * sum(q)), and the sums of
 * integers are the same whatever instructions compute them.
 */
export const INPUT_STEPS = 32767;

/** Inputs whose sum of products fits 32 bits: 512 * 32767 * 128 < 2^31. Sums of longer rows are joined in f32. */
export const LONGEST_INTEGER_SUM = 512;

/** The variants that round inputs, for few rows and for many; results are as near as that allows, see `integerTolerance`. */
export const INTEGER_ROWS = 'integerRows';
export const INTEGER_TILES = 'integerTiles';

/**
 * What rounding x adds to the error of a product of k inputs, x and w uniform in [-1, 1): each input is off by up to half a
 * step, 1.5e-5, so a sum by 1.5e-5 / 3 * sqrt(k) on average; six times that. Relative: the same where x is larger.
 */
export function integerTolerance(variant: string, k: number): { readonly absolute: number; readonly relative: number } {
  return variant === INTEGER_ROWS || variant === INTEGER_TILES
    ? { absolute: 3.2e-5 * Math.sqrt(k), relative: 4e-5 }
    : { absolute: 0, relative: 0 };
}
