/**
 * How a product of a few dozen rows is cut into workgroups, so that it fills a large GPU and moves little.
 *
 * A workgroup computes a tile: `rows` rows x `lanes` fours of outputs, from one part of the inputs. It reads those inputs of all of its
 * rows, and its outputs' weights. So of the numbers that are fetched
 *
 *   W    n k, once for each tile of rows
 *   x    rows k, once for each tile of outputs: tiny's 384 outputs by eights are 48 tiles, which read x 48 times
 *   y    rows n parts, written once and read by the layer norm and by the sum that follow
 *
 * Narrow tiles are many, and read x often; parts are many without that, at the price of their sums. Of the cuts that fill the GPU the
 * one that moves least is taken: 16 rows of 384 inputs to 384 outputs are 4 parts x 96 tiles of four outputs, 16 of 1280 to 1280 are
 * 4 parts x 80 tiles of sixteen, the 51865 logits of 64 rows 811 tiles, each of which reads its weights once.
 */

/** Workgroups that fill a GPU: two for each multiprocessor of a large card. */
const ENOUGH = 264;

/** Times that a sum in parts is written or read: by the product, by layer norm, and as the next residual. */
const PART_USES = 3;

/** Most parts that a product's inputs are cut in. */
const MOST_PARTS = 4;

/** Fours of outputs of a tile: a panel's 16 at most. */
const LANES = [16, 8, 4, 2, 1];

export interface RowProduct {
  readonly rows: number;
  readonly n: number;
  readonly k: number;
}

export interface RowTile {
  readonly rows: number;
  readonly lanes: number;
}

interface Cut extends RowTile {
  readonly parts: number;
}

/** The tile of a product that is in so many parts. */
export function rowTile(product: RowProduct, parts = 1): RowTile {
  return bestCut(product, [parts]);
}

/** Parts that a product of 16 rows is best cut in; those of more rows have tiles enough anyway. k is a multiple of four times that. */
export function rowParts(n: number, k: number): number {
  const parts = [1, 2, MOST_PARTS].filter((count) => k % (4 * count) === 0);
  return bestCut({ rows: 16, n, k }, parts).parts;
}

/** Workgroups along outputs and rows. */
export function tileGrid(
  { n }: Pick<RowProduct, 'n'>,
  { rows, lanes }: RowTile,
  liveRows: number,
): readonly [number, number] {
  return [Math.ceil(n / (4 * lanes)), Math.ceil(liveRows / rows)];
}

function bestCut(product: RowProduct, parts: readonly number[]): Cut {
  const heights = [16, 32, 64].filter((height) => height < 2 * Math.max(product.rows, 16));
  const cuts = parts.flatMap((parts) => heights.flatMap((rows) => LANES.map((lanes): Cut => ({ rows, lanes, parts }))));
  const groups = (cut: Cut): number => {
    const [across, down] = tileGrid(product, cut, product.rows);
    return across * down * cut.parts;
  };
  const enough = Math.min(ENOUGH, Math.max(...cuts.map(groups)));
  const filling = cuts.filter((cut) => groups(cut) >= enough);
  return filling.reduce((best, cut) => (moved(product, cut) < moved(product, best) ? cut : best));
}

/** Numbers that are fetched and stored. */
function moved(product: RowProduct, cut: Cut): number {
  const { rows, n, k } = product;
  const [across, down] = tileGrid(product, cut, rows);
  return k * (n * down + cut.rows * down * across) + PART_USES * rows * n * cut.parts;
}
