/** y[i] = x[index[i]]: the rows whose logits are wanted. x: [sourceRows, n]; index: [rows]; y: [rows, n]. */

import type {
  Kernel,
  KernelCase,
  KernelContext,
  ModuleBuilderLike,
  Reference,
  Tolerance,
} from '../../engine/kernel.ts';
import type { FunctionBuilder } from '../../engine/wasm/function.ts';
import { copyFloats } from '../../engine/wasm/rows.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, forUnits, kernelFunction } from '../../engine/wasm/signature.ts';

export const selectRows = {
  name: 'selectRows',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['sourceRows', 'n'] },
    index: { access: 'read', dtype: 'u32', dims: ['rows'] },
    y: { access: 'write', dtype: 'f32', dims: ['rows', 'n'] },
  },
  params: {},
  cost: (d) => ({ flops: 0, bytes: 8 * d.rows! * d.n! }),
  gpu: [
    {
      name: 'threadPerElement',
      groups: (c, liveRows) => [Math.ceil(c.dims.n! / 64), liveRows, 1],
      wgsl: ({ dims: { n } }) => /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < ${n}u) { y[id.y * ${n}u + id.x] = x[index[id.y] * ${n}u + id.x]; }
}`,
    },
  ],
  // A unit is a row.
  cpu: [{ name: 'rows', units: (_c, liveRows) => liveRows, emit: emitRows }],
} as const satisfies Kernel;

function emitRows(w: ModuleBuilderLike, { dims }: KernelContext): FunctionBuilder {
  const f = kernelFunction(w, selectRows);
  const { x, index, y } = f.args;
  const bytes = 4 * dims.n!;
  forUnits(f, (row) => copyFloats(f, at(y, row, bytes), at(x, i32.load(at(index, row, 4)), bytes), dims.n!));
  return f;
}

export const reference: Reference = ({ x, index, y }, { n }, _params, liveRows) => {
  for (let row = 0; row < liveRows; row++) for (let i = 0; i < n!; i++) y![row * n! + i] = x![index![row]! * n! + i]!;
};

const anyRow: NonNullable<KernelCase['fill']>[string] = (index, d, random) => {
  for (let i = 0; i < index.length; i++) index[i] = Math.floor(random() * d.sourceRows!);
};

export const cases: readonly KernelCase[] = [
  { dims: { sourceRows: 1, rows: 1, n: 1 }, fill: { index: anyRow } },
  { dims: { sourceRows: 32, rows: 5, n: 77 }, fill: { index: anyRow } },
  { dims: { sourceRows: 9, rows: 8, n: 384 }, fill: { index: anyRow }, liveRows: 2 },
];

export const tolerance = (): Tolerance => ({ absolute: 0, relative: 0 });
