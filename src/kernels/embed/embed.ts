/**
 * y[row] = E[token] + P[position], for the rows whose token lies in this shard of the embedding.
 * rowState: [rows, 4] (rowState.ts); E: [count, nState] in panels; P: [nTextCtx, nState]; y: [rows, nState].
 *
 * Each token is in one shard, so the commands of all shards together write each row once.
 */

import type {
  Kernel,
  KernelCase,
  KernelContext,
  ModuleBuilderLike,
  Reference,
  Tolerance,
} from '../../engine/kernel.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { f32, i32 } from '../../engine/wasm/scalar.ts';
import { at, forUnits, kernelFunction } from '../../engine/wasm/signature.ts';
import { panelCount, panelIndex } from '../matmul/panels.ts';

export const embed = {
  name: 'embed',
  args: {
    rowState: { access: 'read', dtype: 'u32', dims: ['rows', 4] },
    table: { access: 'read', dtype: 'f32', dims: ['panels', 'nState', 'panelWidth'] },
    positions: { access: 'read', dtype: 'f32', dims: ['nTextCtx', 'nState'] },
    y: { access: 'readwrite', dtype: 'f32', dims: ['rows', 'nState'] },
  },
  params: { begin: 0, count: 0 },
  cost: (d) => ({ flops: d.rows! * d.nState!, bytes: 12 * d.rows! * d.nState! }),
  gpu: [
    {
      name: 'threadPerElement',
      groups: (c, liveRows) => [Math.ceil(c.dims.nState! / 64), liveRows, 1],
      wgsl: ({ dims: { nState, panelWidth }, params: { begin, count } }) => /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  let row = id.y;
  let token = rowState[row * 4u];
  if (i >= ${nState}u || token < ${begin}u || token - ${begin}u >= ${count}u) { return; }
  let n = token - ${begin}u;
  let at = ((n / ${panelWidth}u) * ${nState}u + i) * ${panelWidth}u + n % ${panelWidth}u;
  y[row * ${nState}u + i] = table[at] + positions[rowState[row * 4u + 1u] * ${nState}u + i];
}`,
    },
  ],
  // A unit is a row. One float a turn: the table's rows lie a cache line apart from input to input.
  cpu: [{ name: 'rows', units: (_c, liveRows) => liveRows, emit: emitRows }],
} as const satisfies Kernel;

function emitRows(w: ModuleBuilderLike, { dims, params }: KernelContext): FunctionBuilder {
  const { nState, panelWidth } = dims;
  const f = kernelFunction(w, embed);
  const { rowState, table, positions, y } = f.args;
  forUnits(f, (row) => {
    const state = f.let(at(rowState, row, 16));
    const token = f.let(i32.sub(i32.load(state), i32.const(params.begin!)));
    // Unsigned: a token before the shard is a large number.
    f.if(i32.lt_u(token, i32.const(params.count!)), () => {
      const panel = at(table, i32.div_u(token, i32.const(panelWidth!)), 4 * nState! * panelWidth!);
      const from = f.let(at(panel, i32.rem_u(token, i32.const(panelWidth!)), 4));
      const position = f.let(at(positions, i32.load(state, 4), 4 * nState!));
      const to = f.let(at(y, row, 4 * nState!));
      f.repeat(i32.const(nState!), () => {
        f.do(f32.store(to, f32.add(f32.load(from), f32.load(position))));
        f.increase(from, 4 * panelWidth!);
        f.increase(position, 4);
        f.increase(to, 4);
      });
    });
  });
  return f;
}

export const reference: Reference = (
  { rowState, table, positions, y },
  { nState, panelWidth },
  { begin, count },
  liveRows,
) => {
  for (let row = 0; row < liveRows; row++) {
    const token = rowState![row * 4]! - begin!;
    if (token < 0 || token >= count!) continue;
    const position = rowState![row * 4 + 1]!;
    for (let i = 0; i < nState!; i++)
      y![row * nState! + i] = table![panelIndex(token, i, nState!, panelWidth!)]! + positions![position * nState! + i]!;
  }
};

/** Tokens below `vocab`, positions below `ctx`, sequences and audio below `slots`. */
export function fillRowState(vocab: number, ctx: number, slots: number): NonNullable<KernelCase['fill']>[string] {
  return (state, _d, random) => {
    for (let row = 0; row * 4 < state.length; row++) {
      state[row * 4] = Math.floor(random() * vocab);
      state[row * 4 + 1] = Math.floor(random() * ctx);
      state[row * 4 + 2] = Math.floor(random() * slots);
      state[row * 4 + 3] = Math.floor(random() * slots);
    }
  };
}

function sizes(rows: number, nState: number, vocab: number, begin: number, count: number, more?: object): KernelCase {
  return {
    dims: { rows, nState, nTextCtx: 9, panelWidth: 16, panels: panelCount(count, 16) },
    params: { begin, count },
    fill: { rowState: fillRowState(vocab, 9, 1) },
    ...more,
  };
}

export const cases: readonly KernelCase[] = [
  sizes(1, 4, 5, 0, 5),
  sizes(7, 33, 100, 0, 100),
  sizes(12, 64, 100, 32, 40, { note: 'a shard: other rows stay' }),
  sizes(8, 64, 50, 0, 50, { liveRows: 3 }),
];

export const tolerance = (): Tolerance => ({ absolute: 3e-7, relative: 0 });
