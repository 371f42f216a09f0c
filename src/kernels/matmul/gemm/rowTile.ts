/**
 * How a product of a few dozen rows is cut into workgroups, so that it fills a large GPU and moves little.
 *
 * A workgroup computes a tile: `rows` rows x `lanes` fours of outputs, from one part of the inputs. It reads those inputs of all of its
 * rows, and its outputs' weights. So of the numbers that are fetched
 *
 *   W    n k, once for each tile of rows
 *   x    rows k, once for each tile of outputs: tiny's 384 outputs by eights are 48 tiles, which read x 48 times
 *
 * Small tiles are many, and fetch often; parts (step/cut.ts) are many without that. Of the tiles that fill the GPU the one that fetches
 * least is taken: 16 rows of 384 inputs to 384 outputs are 4 parts x 96 tiles of four outputs, 16 of 1280 to 1280 are
 * 4 parts x 80 tiles of sixteen, the 51865 logits of 64 rows 811 tiles, each of which reads its weights once.
 */

/** Workgroups that fill a GPU: two for each multiprocessor of a large card. */
const ENOUGH = 264;

export interface RowProduct {
  readonly rows: number;
  readonly n: number;
  readonly k: number;
}

export interface RowTile {
  readonly rows: number;
  /** Fours of outputs: a panel's 16 at most. */
  readonly lanes: number;
}

/** The tile of a product whose inputs are in so many parts. */
export function rowTile(product: RowProduct, parts = 1): RowTile {
  const { rows, n } = product;
  const heights = [16, 32, 64].filter((height) => height < 2 * Math.max(rows, 16));
  const tiles = heights.flatMap((rows) => [16, 8, 4, 2, 1].map((lanes): RowTile => ({ rows, lanes })));
  const sized = tiles.map((tile) => {
    const [across, down] = tileGrid(product, tile, rows);
    // Of W and x, as often as they are fetched.
    return { tile, groups: across * down * parts, fetched: n * down + tile.rows * down * across };
  });
  const enough = Math.min(ENOUGH, Math.max(...sized.map(({ groups }) => groups)));
  const filling = sized.filter(({ groups }) => groups >= enough);
  return filling.reduce((best, one) => (one.fetched < best.fetched ? one : best)).tile;
}

/** Workgroups along outputs and rows. */
export function tileGrid(
  { n }: Pick<RowProduct, 'n'>,
  { rows, lanes }: RowTile,
  liveRows: number,
): readonly [number, number] {
  return [Math.ceil(n / (4 * lanes)), Math.ceil(liveRows / rows)];
}
