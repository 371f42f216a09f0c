/**
 * y = x W^T with what belongs to it (bias, GELU, an addend), over weights in panels: the loops around the tiles.
 *
 * A work item is a block of rows by a group of panels. Within it each panel meets all rows of the block before the next one
 * comes, so a panel (24 KiB at k = 384) is read from memory once and stays in the first-level cache, and the block of x
 * (72 KiB) in the second. A few rows, as in a decoding step, are one block: then the weights stream through once.
 *
 * f16 is widened in the inner loop for one or two rows; for more, and where there are scales, a block of a panel at a time is
 * unpacked into the thread's scratch first (unpack.wasm.ts). int8 with a scale a row meets rows in integers
 * (integerGemm.wasm.ts), unless that is forced.
 */
import { storageType, WEIGHT_TYPES } from '../../engine/dtype.ts';
import type { KernelContext } from '../../engine/variant.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { type I32, i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems, min } from '../../engine/wasm/signature.ts';
import type { EmitContext, KernelFunction, WasmFeatures, WasmVariant } from '../../engine/wasm/variant.ts';
import { geluRows } from './epilogue.wasm.ts';
import type { GemmArgs, GemmOptions, GemmRange } from './gemmOptions.ts';
import { panelCount } from './panels.ts';
import { fullTile, type TileShape, tile } from './tile.wasm.ts';
import { unpackedRows, unpackPanel } from './unpack.wasm.ts';

/** Live rows up to which a product is "few rows": one block. */
export const FEW_ROWS = 48;
/** Unpacked panels are worth meeting more rows. */
const UNPACKED_ROWS = 96;
const LONGEST_SUM = 256;

function rowsPerBlock(o: GemmOptions): number {
  return isUnpacked(o) ? UNPACKED_ROWS : FEW_ROWS;
}

function panelsPerGroup(o: GemmOptions): number {
  return o.rows > FEW_ROWS ? 24 : 4;
}

function groupCount(o: GemmOptions): number {
  return Math.ceil(panelCount(o.n, o.panelWidth) / panelsPerGroup(o));
}

export function gemmWorkItems(o: GemmOptions, liveRows: number): number {
  return workItemCount(o, liveRows, rowsPerBlock(o));
}

/** @param blockOfRows rows of one work item */
export function workItemCount(o: GemmOptions, liveRows: number, blockOfRows: number): number {
  return Math.ceil(liveRows / blockOfRows) * groupCount(o);
}

/** Is W widened in scratch before it is used? */
function isUnpacked({ dtype, rows }: Pick<GemmOptions, 'dtype' | 'rows'>): boolean {
  if (dtype === 'f32') return false;
  return rows > 2 || storageType(dtype).scaleBlock !== undefined;
}

/** Is a long k summed in blocks? Where W is widened block by block, and where there are more rows than a tile has. */
function isBlocked({ dtype, sumsAs }: Pick<GemmOptions, 'dtype' | 'sumsAs'>, tileRows: number): boolean {
  return isUnpacked({ dtype, rows: sumsAs }) || sumsAs > tileRows;
}

export function gemmScratchBytes(o: GemmOptions): number {
  if (!isUnpacked(o)) return 0;
  // No tile has fewer rows than need unpacking.
  const blocks = blocksOfK(o.k, isBlocked(o, Number.POSITIVE_INFINITY));
  return 4 * o.panelWidth * Math.max(...blocks.map(({ size }) => unpackedRows(size)));
}

/**
 * The variants of a kernel that is such a product: one for many live rows, and one for few, which hands out smaller groups
 * of panels. A kernel without a dim `rows` has the first alone.
 */
export function gemmWasm<A extends string, D extends string, P extends string>(
  options: (c: KernelContext<D | 'rows', P>) => GemmOptions,
  args: (f: KernelFunction<A>, c: KernelContext<D | 'rows', P>) => GemmArgs,
): readonly WasmVariant<A, D | 'rows', P>[] {
  const shared = {
    takes: { w: WEIGHT_TYPES },
    workItems: (c: KernelContext<D | 'rows', P>, liveRows: number) => gemmWorkItems(options(c), liveRows),
    scratchBytes: (c: KernelContext<D | 'rows', P>) => gemmScratchBytes(options(c)),
    emit(f: KernelFunction<A>, c: EmitContext<D | 'rows', P>) {
      const given = args(f, c);
      forWorkItems(f, (item) => emitGemm(f, c, options(c), given, item));
    },
  };
  return [
    { name: 'tiles', rows: { min: FEW_ROWS + 1 }, ...shared },
    { name: 'fewRows', rows: { max: FEW_ROWS }, ...shared },
  ];
}

export function rangeOf(f: FunctionBuilder, o: GemmOptions, args: GemmArgs, item: I32, blockOfRows: number): GemmRange {
  const groups = i32.const(groupCount(o));
  const perBlock = i32.const(blockOfRows);
  const perGroup = i32.const(panelsPerGroup(o));
  const firstRow = f.let(i32.mul(i32.div_u(item, groups), perBlock));
  const firstPanel = f.let(i32.mul(i32.rem_u(item, groups), perGroup));
  return {
    firstRow,
    endRow: f.let(min(f, i32.add(firstRow, perBlock), args.rows)),
    firstPanel,
    endPanel: f.let(min(f, i32.add(firstPanel, perGroup), i32.const(panelCount(o.n, o.panelWidth)))),
  };
}

/** Emits one work item. */
export function emitGemm(
  f: FunctionBuilder,
  { module, features }: Pick<EmitContext, 'module' | 'features'>,
  o: GemmOptions,
  args: GemmArgs,
  item: I32,
): void {
  const range = rangeOf(f, o, args, item, rowsPerBlock(o));
  const added = o.added && !o.gelu ? 'add' : undefined;
  emitPanels(f, { module, features }, { ...o, added }, args, range);
  emitGelu(f, { module, features }, o, args, range);
}

/** GELU of a range of y, then what is added. */
export function emitGelu(
  f: FunctionBuilder,
  { module, features }: Pick<EmitContext, 'module' | 'features'>,
  o: GemmOptions,
  args: GemmArgs,
  { firstRow, endRow, firstPanel, endPanel }: GemmRange,
): void {
  if (!o.gelu) return;
  const start = f.let(
    i32.add(i32.mul(firstRow, i32.const(o.yStride)), i32.mul(firstPanel, i32.const(4 * o.panelWidth))),
  );
  const width = i32.const(o.panelWidth);
  f.call(
    geluRows(module, features, o.yStride, o.added),
    i32.add(args.y, start),
    o.added ? i32.add(args.added, start) : i32.const(0),
    i32.sub(endRow, firstRow),
    i32.sub(min(f, i32.mul(endPanel, width), i32.const(o.n)), i32.mul(firstPanel, width)),
  );
}

/** Emits the product of a range of rows with a range of panels. `scaleRows`: times added[row] at the end. */
export function emitPanels(
  f: FunctionBuilder,
  { module, features }: Pick<EmitContext, 'module' | 'features'>,
  o: Omit<GemmOptions, 'gelu' | 'added'> & { readonly added?: 'add' | 'scaleRows' | undefined },
  args: Omit<GemmArgs, 'rows'>,
  range: GemmRange,
): void {
  const panels = panelCount(o.n, o.panelWidth);
  const inTail = o.n % o.panelWidth;
  const lastPanel = i32.const(panels - 1);
  const unpacks = isUnpacked(o);
  const blocks = blocksOfK(o.k, isBlocked(o, fullTile(features).rows));
  const dtype = unpacks ? 'f32' : o.dtype;
  const { elementBytes } = storageType(dtype);
  const panel = f.local('i32');
  const row = f.local('i32');
  /** The tiles side by side that make the first `columns` columns of the panel, over one block of k. */
  const tiles = (shape: TileShape, columns: number, block: BlockOfK): void => {
    for (let column = 0; column < columns; column += shape.columns) {
      const callee = tile(module, features, {
        ...shape,
        k: block.size,
        panelWidth: o.panelWidth,
        dtype,
        xStride: o.xStride,
        yStride: o.yStride,
        stored: Math.min(shape.columns, columns - column),
        base: block.begin > 0 ? 'y' : o.bias ? 'bias' : undefined,
        added: block.begin + block.size === o.k ? o.added : undefined,
      });
      const inRow = i32.add(i32.mul(panel, i32.const(4 * o.panelWidth)), i32.const(4 * column));
      const inY = i32.add(i32.mul(row, i32.const(o.yStride)), inRow);
      const inAdded = o.added === 'scaleRows' ? i32.mul(row, i32.const(4)) : inY;
      const w = unpacks
        ? i32.add(args.scratch, i32.const(4 * column))
        : i32.add(
            at(args.w, panel, elementBytes * o.k * o.panelWidth),
            i32.const(elementBytes * (block.begin * o.panelWidth + column)),
          );
      f.call(
        callee,
        i32.add(at(args.x, row, o.xStride), i32.const(4 * block.begin)),
        w,
        i32.add(args.y, inY),
        o.bias ? i32.add(args.bias, inRow) : i32.const(0),
        o.added ? i32.add(args.added, inAdded) : i32.const(0),
      );
    }
  };
  f.for(panel, range.firstPanel, range.endPanel, 1, () => {
    for (const block of blocks) {
      if (unpacks) {
        const unpack = unpackPanel(module, { ...block, dtype: o.dtype, panels, k: o.k, panelWidth: o.panelWidth });
        f.call(unpack, args.w, panel, args.scratch);
      }
      f.set(row, range.firstRow);
      for (const shape of tileShapes(features, o)) {
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
  const count = isBlocked ? Math.ceil(k / LONGEST_SUM) : 1;
  const size = count === 1 ? k : Math.ceil(k / count / 16) * 16;
  const blocks: BlockOfK[] = [];
  for (let begin = 0; begin < k; begin += size) blocks.push({ begin, size: Math.min(size, k - begin) });
  return blocks;
}

/**
 * Full tiles, then those for what is left of `rows`, then smaller ones for any number of live rows: each reads the panel
 * once, so that a prompt of four tokens should not read it four times. Which tile computes a sum does not change it.
 */
function tileShapes(
  features: WasmFeatures,
  { rows, panelWidth }: Pick<GemmOptions, 'rows' | 'panelWidth'>,
): readonly TileShape[] {
  const full = fullTile(features);
  const smaller = rows > full.rows && rows <= FEW_ROWS ? [4, 2] : [];
  const heights = new Set([Math.min(rows, full.rows), rows % full.rows, ...smaller, 1]);
  return [...heights]
    .filter((height) => height > 0 && height <= full.rows)
    .sort((a, b) => b - a)
    .map((height) => ({ rows: height, columns: height <= 2 ? panelWidth : full.columns }));
}
