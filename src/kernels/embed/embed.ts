/**
 * y[row] = E[token] + P[position], for the rows whose token lies in this shard of the embedding.
 * rowState: [rows, 4] (sampling/decodeState.ts); E: [count, nState] in panels; P: [nTextCtx, nState]; y: [rows, nState].
 *
 * Each token is in one shard, so the commands of all shards together write each row once.
 */
import { WEIGHT_TYPES } from '../../engine/dtype.ts';
import { defineKernel, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { panelCount, panelIndex } from '../matmul/panels.ts';
import { fillRowState, ROW_STATE } from '../sampling/decodeState.ts';

export const embed = defineKernel({
  name: 'embed',
  args: {
    rowState: { access: 'read', dtype: 'u32', dims: ['rows', ROW_STATE.width] },
    table: { access: 'read', dtype: WEIGHT_TYPES, dims: ['panels', 'nState', 'panelWidth'] },
    positions: { access: 'read', dtype: 'f32', dims: ['nTextCtx', 'nState'] },
    y: { access: 'readwrite', dtype: 'f32', dims: ['rows', 'nState'] },
  },
  params: { begin: 0, count: 0 },
  cost: ({ rows, nState }) => ({ flops: rows * nState, bytes: 12 * rows * nState }),
  variants: {
    webgpu: async () => (await import('../webgpu.ts')).embed,
    wasm: async () => (await import('../wasm.ts')).embed,
  },
});

export const reference: Reference<typeof embed> = (
  { rowState, table, positions, y },
  { nState, panelWidth },
  { begin, count },
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++) {
    const token = rowState[ROW_STATE.at(row, 'token')]! - begin;
    if (token < 0 || token >= count) continue;
    const position = rowState[ROW_STATE.at(row, 'position')]!;
    for (let i = 0; i < nState; i++)
      y[row * nState + i] = table[panelIndex(token, i, nState, panelWidth)]! + positions[position * nState + i]!;
  }
};

function sizes(
  rows: number,
  nState: number,
  vocab: number,
  begin: number,
  count: number,
  more?: Partial<KernelCase>,
): KernelCase {
  return {
    dims: { rows, nState, nTextCtx: 9, panelWidth: 16, panels: panelCount(count, 16) },
    params: { begin, count },
    fill: { rowState: fillRowState(vocab, 9, 1) },
    ...more,
  };
}

export const cases: readonly KernelCase[] = [
  /* @__PURE__ */ sizes(1, 4, 5, 0, 5),
  /* @__PURE__ */ sizes(7, 33, 100, 0, 100),
  /* @__PURE__ */ sizes(12, 64, 100, 32, 40, { note: 'a shard: other rows stay' }),
  /* @__PURE__ */ sizes(8, 64, 50, 0, 50, { liveRows: 3 }),
];

export const tolerance = (): Tolerance => ({ absolute: 3e-7, relative: 0 });
