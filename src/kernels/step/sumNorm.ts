/**
 * y = layerNorm(x), of the rows of a step. x: [rows, parts, k], of which the sum over parts counts; gamma, beta: [k]; y: [rows, k].
 *
 * For more rows than `normMatmul` takes: there each workgroup of a product would have to find the norms of all of them.
 * @see layerNorm.ts: the same without parts
 */
import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { partsProblem } from './cut.ts';
import { normalized } from './normalized.ts';

export const sumNorm = defineKernel({
  name: 'sumNorm',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['rows', 'xWidth'] },
    gamma: { access: 'read', dtype: 'f32', dims: ['k'] },
    beta: { access: 'read', dtype: 'f32', dims: ['k'] },
    y: { access: 'write', dtype: 'f32', dims: ['rows', 'k'] },
  },
  params: {},
  check: (d) => partsProblem('x', d.xWidth, d.k),
  cost: ({ rows, k, xWidth }) => ({ flops: rows * (8 * k + xWidth), bytes: 4 * rows * (xWidth + k) }),
  variants: { webgpu: async () => (await import('./webgpu.ts')).sumNorm },
});

export const reference: Reference<typeof sumNorm> = ({ x, gamma, beta, y }, { xWidth, k }, _params, liveRows) => {
  for (let row = 0; row < liveRows; row++)
    y.set(normalized(x.subarray(row * xWidth, (row + 1) * xWidth), gamma, beta), row * k);
};

const farFromZero: Fill = (x, _d, random) => {
  for (let i = 0; i < x.length; i++) x[i] = 250 + random();
};

export const cases: readonly KernelCase[] = [
  { dims: { rows: 1, k: 1, xWidth: 1 } },
  { dims: { rows: 3, k: 77, xWidth: 154 } },
  { dims: { rows: 20, k: 64, xWidth: 256 }, liveRows: 17, note: 'part of the rows live' },
  { dims: { rows: 2, k: 384, xWidth: 768 }, fill: { x: farFromZero }, note: 'mean far above the deviation' },
  { dims: { rows: 16, k: 384, xWidth: 1536 }, bench: true, note: 'a batch of windows, tiny' },
];

/** As layerNorm's: a mean of values near 500 is off by 5e-5, a sum of two parts by 1.5e-5; both by 1.6e-4 after scaling, where the deviation is 0.4. */
export const tolerance = (): Tolerance => ({ absolute: 3e-4, relative: 0 });
