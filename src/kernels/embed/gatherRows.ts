/** y[i] = x[index[i]]: the rows whose logits are wanted. x: [sourceRows, n]; index: [rows]; y: [rows, n]. */
import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { copyFloats } from '../../engine/wasm/rows.ts';
import { i32 } from '../../engine/wasm/scalar.ts';
import { at, forWorkItems } from '../../engine/wasm/signature.ts';
import type { WasmVariant } from '../../engine/wasm/variant.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';

// Short enough for one file: a copy, on each device.
const wgsl: WgslVariant<'rows' | 'n'> = {
  name: 'threadPerElement',
  groups: (c, liveRows) => [Math.ceil(c.dims.n / 64), liveRows, 1],
  wgsl: ({ dims: { n } }) => /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < ${n}u) { y[id.y * ${n}u + id.x] = x[index[id.y] * ${n}u + id.x]; }
}`,
};

const wasm: WasmVariant<'x' | 'index' | 'y', 'rows' | 'n'> = {
  // A work item is a row.
  name: 'rows',
  workItems: (_c, liveRows) => liveRows,
  emit(f, { dims: { n } }) {
    const { x, index, y } = f.args;
    const source = (row: Parameters<typeof at>[1]) => at(x, i32.load(at(index, row, 4)), 4 * n);
    forWorkItems(f, (row) => copyFloats(f, at(y, row, 4 * n), source(row), n));
  },
};

export const gatherRows = defineKernel({
  name: 'gatherRows',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['sourceRows', 'n'] },
    index: { access: 'read', dtype: 'u32', dims: ['rows'] },
    y: { access: 'write', dtype: 'f32', dims: ['rows', 'n'] },
  },
  params: {},
  cost: ({ rows, n }) => ({ flops: 0, bytes: 8 * rows * n }),
  variants: { webgpu: [wgsl], wasm: [wasm] },
});

export const reference: Reference<typeof gatherRows> = ({ x, index, y }, { n }, _params, liveRows) => {
  for (let row = 0; row < liveRows; row++) for (let i = 0; i < n; i++) y[row * n + i] = x[index[row]! * n + i]!;
};

const anyRow: Fill = (index, d, random) => {
  for (let i = 0; i < index.length; i++) index[i] = Math.floor(random() * d.sourceRows!);
};

export const cases: readonly KernelCase[] = [
  { dims: { sourceRows: 1, rows: 1, n: 1 }, fill: { index: anyRow } },
  { dims: { sourceRows: 32, rows: 5, n: 77 }, fill: { index: anyRow } },
  { dims: { sourceRows: 9, rows: 8, n: 384 }, fill: { index: anyRow }, liveRows: 2 },
];

export const tolerance = (): Tolerance => ({ absolute: 0, relative: 0 });
