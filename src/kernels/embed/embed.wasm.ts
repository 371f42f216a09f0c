import { type DType, storageType, WEIGHT_TYPES } from '../../engine/dtype.ts';
import { INTERLEAVED, type Int8Layout, int8Layout } from '../../engine/int8.ts';
import type { Local } from '../../engine/wasm/expression.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { f32, type I32, i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems } from '../../engine/wasm/signature.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';

type Dims = 'panels' | 'nState' | 'panelWidth';

/** A token's place in the table, and where its position's row and its row of y begin; those two are moved on. */
interface Place {
  readonly table: I32;
  readonly panel: I32;
  readonly lane: I32;
  readonly position: Local<'i32'>;
  readonly to: Local<'i32'>;
}

function emitFloats(
  f: FunctionBuilder,
  dtype: DType,
  { nState, panelWidth }: Readonly<Record<'nState' | 'panelWidth', number>>,
  { table, panel, lane, position, to }: Place,
): void {
  const { elementBytes, wasm } = storageType(dtype);
  if (!wasm) throw new TypeError(`${dtype} holds no weights`);
  const from = f.let(at(at(table, panel, elementBytes * nState * panelWidth), lane, elementBytes));
  f.repeat(i32.const(nState), () => {
    f.do(f32.store(to, f32.add(wasm.load(f, from, 0), f32.load(position))));
    f.increase(from, elementBytes * panelWidth);
    f.increase(position, 4);
    f.increase(to, 4);
  });
}

function emitInt8(f: FunctionBuilder, layout: Int8Layout, { table, panel, lane, position, to }: Place): void {
  const { k, width, groups, blocks, blockSize } = layout;
  const groupBytes = INTERLEAVED * width;
  const from = f.let(at(at(table, panel, groups * groupBytes), lane, INTERLEAVED));
  const inPanel = at(at(table, panel, 4 * blocks * width), lane, 4);
  const scale = f.let(i32.add(inPanel, i32.const(layout.scales)));
  for (let begin = 0; begin < k; begin += blockSize) {
    const size = Math.min(blockSize, k - begin);
    const add = (inputs: number): void => {
      for (let i = 0; i < inputs; i++) {
        const whole = f32.sub(f32.convert_i32_s(i32.load8_s(from, i)), f32.load(scale, layout.zeros - layout.scales));
        const value = f32.mul(whole, f32.load(scale));
        f.do(f32.store(to, f32.add(value, f32.load(position, 4 * i)), 4 * i));
      }
      f.increase(from, groupBytes);
      f.increase(position, 4 * INTERLEAVED);
      f.increase(to, 4 * INTERLEAVED);
    };
    const turns = Math.floor(size / INTERLEAVED);
    if (turns > 0) f.repeat(i32.const(turns), () => add(INTERLEAVED));
    if (size % INTERLEAVED > 0) add(size % INTERLEAVED);
    f.increase(scale, 4 * width);
  }
}

export const variants: readonly WasmVariant<'rowState' | 'table' | 'positions' | 'y', Dims, 'begin' | 'count'>[] = [
  {
    // A work item is a row. One float, or two bytes, a turn: a token's inputs lie a cache line apart in its panel.
    name: 'rows',
    takes: { table: WEIGHT_TYPES },
    workItems: (_c, liveRows) => liveRows,
    emit(f, { dims: { panels, nState, panelWidth }, params, dtype }) {
      const { rowState, table, positions, y } = f.args;
      const { scaleBlock } = storageType(dtype('table'));
      const layout = scaleBlock === undefined ? undefined : int8Layout([panels, nState, panelWidth], scaleBlock);
      forWorkItems(f, (row) => {
        const state = f.let(at(rowState, row, ROW_STATE.rowBytes));
        const token = f.let(i32.sub(i32.load(state, ROW_STATE.offset.token), i32.const(params.begin)));
        // Unsigned: a token before the shard is a large number.
        f.if(i32.lt_u(token, i32.const(params.count)), () => {
          const panel = f.let(i32.div_u(token, i32.const(panelWidth)));
          const lane = f.let(i32.rem_u(token, i32.const(panelWidth)));
          const position = f.let(at(positions, i32.load(state, ROW_STATE.offset.position), 4 * nState));
          const to = f.let(at(y, row, 4 * nState));
          const place = { table, panel, lane, position, to };
          if (layout) emitInt8(f, layout, place);
          else emitFloats(f, dtype('table'), { nState, panelWidth }, place);
        });
      });
    },
  },
];
