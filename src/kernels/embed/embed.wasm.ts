import { scaleLayout, storageType, WEIGHT_TYPES } from '../../engine/dtype.ts';
import { type F32, f32, type I32, i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems } from '../../engine/wasm/signature.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import { ROW_STATE } from '../sampling/decodeState.ts';

type Dims = 'panels' | 'nState' | 'panelWidth';

export const variants: readonly WasmVariant<'rowState' | 'table' | 'positions' | 'y', Dims, 'begin' | 'count'>[] = [
  {
    // A work item is a row. One float a turn: a token's inputs lie a cache line apart in its panel.
    name: 'rows',
    takes: { table: WEIGHT_TYPES },
    workItems: (_c, liveRows) => liveRows,
    emit(f, { dims: { panels, nState, panelWidth }, params, dtype }) {
      const { rowState, table, positions, y } = f.args;
      const { elementBytes, scaleBlock, wasm } = storageType(dtype('table'));
      if (!wasm) throw new TypeError(`${dtype('table')} holds no weights`);
      const layout = scaleBlock === undefined ? undefined : scaleLayout([panels, nState, panelWidth], scaleBlock);
      forWorkItems(f, (row) => {
        const state = f.let(at(rowState, row, ROW_STATE.rowBytes));
        const token = f.let(i32.sub(i32.load(state, ROW_STATE.offset.token), i32.const(params.begin)));
        // Unsigned: a token before the shard is a large number.
        f.if(i32.lt_u(token, i32.const(params.count)), () => {
          const panel = f.let(i32.div_u(token, i32.const(panelWidth)));
          const lane = f.let(i32.rem_u(token, i32.const(panelWidth)));
          const from = f.let(at(at(table, panel, elementBytes * nState * panelWidth), lane, elementBytes));
          const position = f.let(at(positions, i32.load(state, ROW_STATE.offset.position), 4 * nState));
          const to = f.let(at(y, row, 4 * nState));
          const run = (count: number, scaled: (value: F32) => F32): void =>
            f.repeat(i32.const(count), () => {
              const value = scaled(wasm.load(f, from, 0));
              f.do(f32.store(to, f32.add(value, f32.load(position))));
              f.increase(from, elementBytes * panelWidth);
              f.increase(position, 4);
              f.increase(to, 4);
            });
          if (!layout) {
            run(nState, (value) => value);
            return;
          }
          const inPanel: I32 = at(at(table, panel, 4 * layout.blocks * panelWidth), lane, 4);
          const scales = f.let(i32.add(inPanel, i32.const(layout.scales)));
          for (let begin = 0; begin < nState; begin += layout.blockSize) {
            const scale = f.let(f32.load(scales));
            run(Math.min(layout.blockSize, nState - begin), (value) => f32.mul(value, scale));
            f.increase(scales, 4 * panelWidth);
          }
        });
      });
    },
  },
];
