/**
 * y = (x - mean) / sqrt(variance + 1e-5) * gamma + beta over the last axis; x, y: [rows, nState].
 *
 * Two passes in f32: one pass (E[x^2] - E[x]^2) loses all digits when |mean| is far above the deviation, and Whisper's
 * residual stream has such channels. Biased variance. Ba, Kiros, Hinton 2016, "Layer Normalization".
 */
import { defineKernel, type Fill, type KernelCase, type Reference, type Tolerance } from '../../engine/kernel.ts';
import { EPSILON } from './epsilon.ts';

export const layerNorm = defineKernel({
  name: 'layerNorm',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['rows', 'nState'] },
    gamma: { access: 'read', dtype: 'f32', dims: ['nState'] },
    beta: { access: 'read', dtype: 'f32', dims: ['nState'] },
    y: { access: 'write', dtype: 'f32', dims: ['rows', 'nState'] },
  },
  params: {},
  cost: (d) => ({ flops: 8 * d.rows * d.nState, bytes: 8 * d.rows * d.nState }),
  variants: {
    webgpu: async () => (await import('../webgpu.ts')).layerNorm,
    wasm: async () => (await import('../wasm.ts')).layerNorm,
  },
});

export const reference: Reference<typeof layerNorm> = ({ x, gamma, beta, y }, { nState: n }, _params, liveRows) => {
  for (let row = 0; row < liveRows; row++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += x[row * n + i]!;
    const mean = sum / n;
    let squares = 0;
    for (let i = 0; i < n; i++) squares += (x[row * n + i]! - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / n + EPSILON);
    for (let i = 0; i < n; i++) y[row * n + i] = (x[row * n + i]! - mean) * scale * gamma[i]! + beta[i]!;
  }
};

const around =
  (mean: number, spread = 1): Fill =>
  (x, _dims, random) => {
    for (let i = 0; i < x.length; i++) x[i] = mean + spread * (2 * random() - 1);
  };

export const cases: readonly KernelCase[] = [
  { dims: { rows: 1, nState: 1 } },
  { dims: { rows: 3, nState: 77 } },
  { dims: { rows: 8, nState: 64 }, liveRows: 5, note: 'part of the rows live' },
  { dims: { rows: 2, nState: 384 }, fill: { x: /* @__PURE__ */ around(1000) }, note: 'mean far above the deviation' },
  { dims: { rows: 2, nState: 384 }, fill: { x: /* @__PURE__ */ around(3, 0) }, note: 'constant rows: beta comes out' },
  { dims: { rows: 1, nState: 1280 } },
  { dims: { rows: 1500, nState: 384 }, bench: true, note: 'encoder, tiny' },
  { dims: { rows: 1, nState: 512 }, bench: true, note: 'one token, base' },
];

// The mean of values near 1000 has an error of about 1e-4 absolute in f32, a row of deviation 0.6 so 2e-4 after scaling.
export const tolerance = (): Tolerance => ({ absolute: 3e-4, relative: 0 });
