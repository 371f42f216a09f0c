/**
 * y = x W^T with what belongs to it (bias, GELU, an addend), over weights in panels: the loops around the tiles.
 *
 * A unit is a block of rows by a group of panels. Within it each panel meets all rows of the block before the next one
 * comes, so a panel (24 KiB at k = 384) is read from memory once and stays in the first-level cache, and the block of x
 * (72 KiB) in the second. A few rows, as in a decoding step, are one block: then the weights stream through once.
 */

import type { CpuCaps, ModuleBuilderLike } from '../../engine/kernel.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { type I32, i32 } from '../../engine/wasm/scalar.ts';
import { at, least } from '../../engine/wasm/signature.ts';
import { activate } from './epilogue.wasm.ts';
import { panelCount } from './panels.ts';
import { fullTile, type TileShape, tile } from './tile.wasm.ts';

export interface ProductOptions {
  /** Rows at most. */
  readonly capacity: number;
  readonly k: number;
  /** Columns of y that are written. */
  readonly n: number;
  readonly panelWidth: number;
  /** From row to row, in bytes. Rows of x may overlap. */
  readonly xStride: number;
  readonly yStride: number;
  readonly bias: boolean;
  readonly gelu: boolean;
  /** + added[row, column] after GELU, rows `yStride` apart. */
  readonly added: boolean;
}

/** Addresses of row 0, column 0. */
export interface ProductArgs {
  readonly x: I32;
  readonly w: I32;
  readonly y: I32;
  readonly bias: I32;
  readonly added: I32;
  /** Rows that are there. */
  readonly rows: I32;
}

const rowsPerBlock = 48;
const longestSum = 256;

function panelsPerGroup(o: ProductOptions): number {
  return o.capacity > rowsPerBlock ? 24 : 4;
}

function groupCount(o: ProductOptions): number {
  return Math.ceil(panelCount(o.n, o.panelWidth) / panelsPerGroup(o));
}

export function productUnits(o: ProductOptions, liveRows: number): number {
  return Math.ceil(liveRows / rowsPerBlock) * groupCount(o);
}

/** Emits one unit. */
export function product(
  w: ModuleBuilderLike,
  caps: CpuCaps,
  f: FunctionBuilder,
  o: ProductOptions,
  args: ProductArgs,
  unit: I32,
): void {
  const panels = panelCount(o.n, o.panelWidth);
  const groups = groupCount(o);
  const firstRow = f.let(i32.mul(i32.div_u(unit, i32.const(groups)), i32.const(rowsPerBlock)));
  const endRow = f.let(least(f, i32.add(firstRow, i32.const(rowsPerBlock)), args.rows));
  const firstPanel = f.let(i32.mul(i32.rem_u(unit, i32.const(groups)), i32.const(panelsPerGroup(o))));
  const endPanel = f.let(least(f, i32.add(firstPanel, i32.const(panelsPerGroup(o))), i32.const(panels)));
  const added = o.added && !o.gelu ? 'add' : undefined;
  productOfPanels(w, caps, f, { ...o, added }, args, { firstRow, endRow, firstPanel, endPanel });
  if (o.gelu) {
    const start = f.let(
      i32.add(i32.mul(firstRow, i32.const(o.yStride)), i32.mul(firstPanel, i32.const(4 * o.panelWidth))),
    );
    const width = i32.const(o.panelWidth);
    f.call(
      activate(w, caps, o.yStride, o.added),
      i32.add(args.y, start),
      o.added ? i32.add(args.added, start) : i32.const(0),
      i32.sub(endRow, firstRow),
      i32.sub(least(f, i32.mul(endPanel, width), i32.const(o.n)), i32.mul(firstPanel, width)),
    );
  }
}

/** Emits the product of a range of rows with a range of panels. `scaleRows`: times added[row] at the end. */
export function productOfPanels(
  w: ModuleBuilderLike,
  caps: CpuCaps,
  f: FunctionBuilder,
  o: Omit<ProductOptions, 'gelu' | 'added'> & { readonly added?: 'add' | 'scaleRows' | undefined },
  args: Omit<ProductArgs, 'rows'>,
  range: Readonly<Record<'firstRow' | 'endRow' | 'firstPanel' | 'endPanel', I32>>,
): void {
  const inTail = o.n % o.panelWidth;
  const lastPanel = i32.const(panelCount(o.n, o.panelWidth) - 1);
  const blocks = blocksOfK(o.k, o.capacity > fullTile(caps).rows);
  const panel = f.local('i32');
  const row = f.local('i32');
  /** The tiles side by side that make the first `columns` columns of the panel, over one block of k. */
  const tiles = (shape: TileShape, columns: number, block: BlockOfK): void => {
    for (let column = 0; column < columns; column += shape.columns) {
      const callee = tile(w, caps, {
        ...shape,
        k: block.size,
        panelWidth: o.panelWidth,
        xStride: o.xStride,
        yStride: o.yStride,
        stored: Math.min(shape.columns, columns - column),
        base: block.begin > 0 ? 'y' : o.bias ? 'bias' : undefined,
        added: block.begin + block.size === o.k ? o.added : undefined,
      });
      const inRow = i32.add(i32.mul(panel, i32.const(4 * o.panelWidth)), i32.const(4 * column));
      const inY = i32.add(i32.mul(row, i32.const(o.yStride)), inRow);
      const inAdded = o.added === 'scaleRows' ? i32.mul(row, i32.const(4)) : inY;
      const inPanel = i32.const(4 * (block.begin * o.panelWidth + column));
      f.call(
        callee,
        i32.add(at(args.x, row, o.xStride), i32.const(4 * block.begin)),
        i32.add(at(args.w, panel, 4 * o.k * o.panelWidth), inPanel),
        i32.add(args.y, inY),
        o.bias ? i32.add(args.bias, inRow) : i32.const(0),
        o.added ? i32.add(args.added, inAdded) : i32.const(0),
      );
    }
  };
  f.for(panel, range.firstPanel, range.endPanel, 1, () => {
    for (const block of blocks) {
      f.set(row, range.firstRow);
      for (const shape of tileShapes(caps, o)) {
        f.while(i32.le_s(i32.add(row, i32.const(shape.rows)), range.endRow), () => {
          if (inTail === 0) tiles(shape, o.panelWidth, block);
          else
            f.if(
              i32.eq(panel, lastPanel),
              () => tiles(shape, inTail, block),
              () => tiles(shape, o.panelWidth, block),
            );
          f.increase(row, shape.rows);
        });
      }
    }
  });
}

interface BlockOfK {
  readonly begin: number;
  readonly size: number;
}

/**
 * A long k in nearly equal blocks of at most 256, each summed from zero and then added to y: the error of a sum grows with
 * its length (tiny's encoder has a place that makes 1.8e-3 of sums of 384, 3e-4 of two of 192), and the part of a panel
 * that all rows of a block of rows meet, 16 KiB at most, stays in the first-level cache. A few rows are summed in one go.
 * Blocks cost some 5 %; adding up inside the tile instead costs more, since accumulators then go to the stack.
 */
function blocksOfK(k: number, isBlocked: boolean): readonly BlockOfK[] {
  const count = isBlocked ? Math.ceil(k / longestSum) : 1;
  const size = count === 1 ? k : Math.ceil(k / count / 16) * 16;
  const blocks: BlockOfK[] = [];
  for (let begin = 0; begin < k; begin += size) blocks.push({ begin, size: Math.min(size, k - begin) });
  return blocks;
}

/** Full tiles, then those for what is left of `capacity`, then single rows for any number of live rows. */
function tileShapes(
  caps: CpuCaps,
  { capacity, panelWidth }: Pick<ProductOptions, 'capacity' | 'panelWidth'>,
): readonly TileShape[] {
  const full = fullTile(caps);
  const heights = new Set([Math.min(capacity, full.rows), capacity % full.rows, 1]);
  return [...heights]
    .filter((rows) => rows > 0)
    .sort((a, b) => b - a)
    .map((rows) => ({ rows, columns: rows <= 2 ? panelWidth : full.columns }));
}
