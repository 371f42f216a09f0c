/** y[i] = x[index[i]]: the rows whose logits are wanted. x: [sourceRows, n]; index: [rows]; y: [rows, n]. */
import type { Kernel, KernelCase, Reference, Tolerance } from './contract.js';

export const selectRows = {
  name: 'selectRows',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['sourceRows', 'n'] },
    index: { access: 'read', dtype: 'u32', dims: ['rows'] },
    y: { access: 'write', dtype: 'f32', dims: ['rows', 'n'] },
  },
  params: {},
  cost: (d) => ({ flops: 0, bytes: 8 * d.rows! * d.n! }),
  gpu: [],
  cpu: [],
} as const satisfies Kernel;

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
