/**
 * Attention of new rows against one window's sound, over keys and values in panels.
 *
 * A work item is one head and up to five rows. Rows of one window that follow each other share the loads of keys and values,
 * as many as a tile takes. Sums have the same order whatever rows stand beside a row: a score is four sums, of every fourth
 * column each, added up as (0 + 1) + (2 + 3); a column of the result is one sum over all positions.
 */
import { CACHE_TYPES, type DType, storageType } from '../../engine/dtype.ts';
import type { KernelContext } from '../../engine/variant.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems, min } from '../../engine/wasm/signature.ts';
import type { EmitContext, WasmFeatures, WasmVariant } from '../../engine/wasm/variant.ts';
import { type TileShape, tile } from '../matmul/tile.wasm.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';
import { isOneType } from './cache.wasm.ts';
import { hidePadding } from './heads.wasm.ts';
import { scoreTile } from './scoreTile.wasm.ts';
import { softmaxRow } from './softmax.wasm.ts';

/** Beams by default, so that those of several windows are not mixed. */
const ROWS_PER_ITEM = 5;

type Dims = 'rows' | 'nState' | 'nCtx' | 'keyPanels' | 'keyPanel' | 'valuePanel';
type Context = KernelContext<Dims, 'nHead'>;
type Emit = Pick<EmitContext, 'module' | 'features'>;

interface Sizes {
  readonly nCtx: number;
  readonly nState: number;
  readonly headDim: number;
  /** How keys and values are stored. */
  readonly dtype: DType;
  readonly elementBytes: number;
  readonly keyPanels: number;
  readonly keyPanel: number;
  readonly valuePanel: number;
}

function sizes({ dims, params, dtype }: Context): Sizes {
  const { nCtx, nState, keyPanels, keyPanel, valuePanel } = dims;
  const { elementBytes } = storageType(dtype('keys'));
  return {
    nCtx,
    nState,
    headDim: nState / params.nHead,
    dtype: dtype('keys'),
    elementBytes,
    keyPanels,
    keyPanel,
    valuePanel,
  };
}

/** Bytes into the scratch: 1 / sum of each row, what the score tile keeps, scores. */
function layout({ keyPanels, keyPanel }: Sizes): Readonly<Record<'sums' | 'scores' | 'scoreStride' | 'end', number>> {
  const sums = 64;
  const scores = sums + 4 * ROWS_PER_ITEM * keyPanel;
  const scoreStride = 4 * keyPanels * keyPanel;
  return { sums, scores, scoreStride, end: scores + ROWS_PER_ITEM * scoreStride };
}

/** Tiles by their rows, the highest first, none for more than there are at most; the last is of one row. */
function tileShapes(
  { relaxedSimd, revectorize, preloadsOperands }: WasmFeatures,
  { dims }: Pick<Context, 'dims'>,
): readonly TileShape[] {
  const isSmall = preloadsOperands || !relaxedSimd;
  const full = isSmall ? { rows: 4, columns: 8 } : { rows: 5, columns: revectorize ? 16 : 8 };
  const shapes = [full, { rows: 2, columns: 16 }, { rows: 1, columns: 16 }];
  return shapes.filter(({ rows }) => rows <= dims.rows);
}

export const variants: readonly WasmVariant<'q' | 'keys' | 'values' | 'rowState' | 'y', Dims, 'nHead'>[] = [
  {
    name: 'panels',
    takes: { keys: CACHE_TYPES, values: CACHE_TYPES },
    // Scores are made in sixteens, and columns of values in fours.
    when: (c) => isOneType(c) && c.dims.keyPanel === 16 && c.dims.valuePanel % 4 === 0,
    workItems: (c, liveRows) => c.params.nHead * Math.ceil(liveRows / ROWS_PER_ITEM),
    scratchBytes: (c) => layout(sizes(c)).end,
    emit(f, c) {
      const s = sizes(c);
      const { nCtx, nState, headDim, elementBytes } = s;
      const { scratch, q, keys, values, rowState, y, liveRows } = f.args;
      const [row, next] = [f.local('i32'), f.local('i32')];
      const audioOf = (r: typeof row) => i32.load(at(rowState, r, ROW_STATE.rowBytes), ROW_STATE.offset.audio);
      forWorkItems(f, (item) => {
        const groups = f.let(i32.div_u(i32.add(liveRows, i32.const(ROWS_PER_ITEM - 1)), i32.const(ROWS_PER_ITEM)));
        const head = f.let(i32.mul(i32.div_u(item, groups), i32.const(headDim)));
        f.set(row, i32.mul(i32.rem_u(item, groups), i32.const(ROWS_PER_ITEM)));
        const end = f.let(min(f, i32.add(row, i32.const(ROWS_PER_ITEM)), liveRows));
        const inHead = (base: typeof row, r: typeof row) =>
          i32.add(at(base, r, 4 * nState), i32.mul(head, i32.const(4)));
        f.while(i32.lt_s(row, end), () => {
          const audio = f.let(audioOf(row));
          f.set(next, i32.add(row, i32.const(1)));
          f.block((exit) =>
            f.loop((again) => {
              f.brIf(exit, i32.ge_s(next, end));
              f.brIf(exit, i32.ne(audioOf(next), audio));
              f.increase(next, 1);
              f.br(again);
            }),
          );
          const slotKeys = at(keys, audio, elementBytes * s.keyPanels * s.keyPanel * nState);
          const headKeys = f.let(at(slotKeys, head, elementBytes * s.keyPanel));
          const headValues = f.let(at(at(values, audio, elementBytes * nCtx * nState), head, elementBytes * nCtx));
          for (const shape of tileShapes(c.features, c))
            f.while(i32.le_s(i32.add(row, i32.const(shape.rows)), next), () => {
              f.call(attend(c, s, shape), headKeys, headValues, scratch, inHead(q, row), inHead(y, row));
              f.increase(row, shape.rows);
            });
        });
      });
    },
  },
];

/** The function (keys, values, scratch, query, out) for `shape.rows` rows of one head. */
function attend({ module, features }: Emit, s: Sizes, shape: TileShape): FunctionBuilder {
  return module.once(`attend ${shape.rows} ${JSON.stringify(s)}`, () => {
    const f = module.function('attend', { keys: 'i32', values: 'i32', scratch: 'i32', query: 'i32', out: 'i32' });
    const { keys, values, scratch, query, out } = f.args;
    const { sums, scores, scoreStride } = layout(s);
    const { rows } = shape;
    const firstScores = f.let(i32.add(scratch, i32.const(scores)));
    const { run, columns } = scoreTile(module, features, {
      rows,
      headDim: s.headDim,
      panelWidth: s.keyPanel,
      dtype: s.dtype,
      queryStride: 4 * s.nState,
      scoreStride,
    });
    const target = f.let(firstScores);
    f.repeat(i32.const(s.keyPanels), () => {
      for (let column = 0; column < s.keyPanel; column += columns) {
        const panel = i32.add(keys, i32.const(s.elementBytes * column));
        f.call(run, panel, query, i32.add(target, i32.const(4 * column)), i32.add(scratch, i32.const(sums)));
      }
      f.increase(keys, s.elementBytes * s.nState * s.keyPanel);
      f.increase(target, 4 * s.keyPanel);
    });
    for (let row = 0; row < rows; row++) {
      const line = f.let(i32.add(firstScores, i32.const(row * scoreStride)));
      hidePadding(f, line, { nCtx: s.nCtx, keys: s.keyPanels * s.keyPanel });
      f.call(softmaxRow(module, features), line, i32.const(s.keyPanels * s.keyPanel), at(scratch, i32.const(row), 4));
    }
    const across = Math.min(shape.columns, s.valuePanel);
    for (let column = 0; column < s.headDim; column += across) {
      const sum = tile(module, features, {
        rows,
        columns: across,
        k: s.nCtx,
        panelWidth: s.valuePanel,
        dtype: s.dtype,
        xStride: scoreStride,
        yStride: 4 * s.nState,
        stored: across,
        added: 'scaleRows',
      });
      const inPanel = column % s.valuePanel;
      const place = i32.const(s.elementBytes * ((column - inPanel) * s.nCtx + inPanel));
      f.call(sum, firstScores, i32.add(values, place), i32.add(out, i32.const(4 * column)), i32.const(0), scratch);
    }
    return f;
  });
}
