/** What the card gives to WGSL at most: multiply-adds, matrices, bytes; and what it asks for a dispatch and for an answer. */
import type { WebGpuDevice } from '../../src/devices/webgpu/device.ts';
import type { Device } from '../../src/engine/device.ts';
import { defineKernel, type Kernel } from '../../src/engine/kernel.ts';
import { record } from '../../src/engine/program.ts';
import type { WgslVariant } from '../../src/engine/wgsl/variant.ts';
import { gatherRows } from '../../src/kernels/embed/gatherRows.ts';
import { measurePeaks } from '../../src/lab/peaks.ts';
import { timeKernel } from '../../src/lab/timeKernel.ts';
import { attempt, type PartOptions } from './notes.ts';

/** Products a subgroup makes, in chains that do not wait for one another. */
const TURNS = 1024;
const CHAINS = 8;

const matrices: WgslVariant<'items'> = {
  name: 'chains',
  needs: ['shader-f16', 'subgroups', 'chromium-experimental-subgroup-matrix'],
  halves: ['x'],
  groups: (c) => [c.dims.items, 1, 1],
  wgsl: (_c, { matrix }) => {
    const { m, n, k, subgroupSize } = matrix!; // given with what it needs
    const chains = Array.from({ length: CHAINS }, (_, i) => i);
    return `
@compute @workgroup_size(${subgroupSize})
fn main(@builtin(workgroup_id) item: vec3u) {
  let left = subgroupMatrixLoad<subgroup_matrix_left<f16, ${k}, ${m}>, row_major>(&x, 0u, ${k}u);
  let right = subgroupMatrixLoad<subgroup_matrix_right<f16, ${n}, ${k}>, row_major>(&x, 0u, ${n}u);
${chains.map((i) => `  var sum${i}: subgroup_matrix_result<f32, ${n}, ${m}>;`).join('\n')}
  for (var turn = 0u; turn < ${TURNS}u; turn++) {
${chains.map((i) => `    sum${i} = subgroupMatrixMultiplyAccumulate(left, right, sum${i});`).join('\n')}
  }
${chains.map((i) => `  subgroupMatrixStore<row_major>(&y, item.x * 2048u + ${256 * i}u, sum${i}, ${n}u);`).join('\n')}
}`;
  },
};

/** f16 x f16 summed in f32; y: a place of 16 x 16 for each chain. */
const peakMatrices: Kernel = defineKernel({
  name: 'peakMatrices',
  args: {
    x: { access: 'read', dtype: ['f16'], dims: [256] },
    y: { access: 'write', dtype: 'f32', dims: ['items', 2048] },
  },
  params: {},
  cost: ({ items }) => ({ flops: items * TURNS * CHAINS, bytes: 8192 * items }),
  variants: { webgpu: [matrices] },
});

export async function ceilings(device: WebGpuDevice, { note, isSmall }: PartOptions): Promise<void> {
  const { gflops, gigabytes } = await measurePeaks(device);
  note({ what: 'f32 multiply-adds, bytes read', gflops, gigabytes });
  await attempt(note, 'matrices', () => matrixCeiling(device, { note, isSmall }));
  await attempt(note, 'dispatches', () => dispatches(device, { note, isSmall }));
}

async function matrixCeiling(device: WebGpuDevice, { note, isSmall }: PartOptions): Promise<void> {
  const { matrix } = device.gpu ?? {};
  if (!matrix) return note({ what: 'matrices', none: 'the device has none of f16 summed in f32' });
  const kase = { dims: { items: isSmall ? 4 : 4096 }, fill: { x: () => {} } };
  const module = {
    kernel: peakMatrices,
    reference: () => {},
    cases: [kase],
    tolerance: () => ({ absolute: 0, relative: 0 }),
  };
  const { gflops } = await timeKernel(device, module, kase);
  const { m, n, k } = matrix;
  note({ what: `matrices f16 > f32 ${m}x${n}x${k}`, gflops: gflops * 2 * m * n * k });
}

/** A chain of which each reads what the one before wrote: what a token pays whatever it computes. */
async function dispatches(device: Device, { note, isSmall }: PartOptions): Promise<void> {
  const rows = (name: string): ReturnType<Device['allocate']> => device.allocate(name, 'f32', [1, 64], 'state');
  const [x, y] = [rows('x'), rows('y')];
  const index = device.allocate('index', 'u32', [1], 'state');
  for (const length of [54, 390]) {
    const chain = record(`chain of ${length}`, (p) => {
      for (let i = 0; i < length; i++) p.run(gatherRows, i % 2 === 0 ? { x, index, y } : { x: y, index, y: x });
    });
    const [ready] = await device.prepare([chain]);
    const least = async (time: () => Promise<number>): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < (isSmall ? 3 : 30); i++) times.push(await time());
      return Math.min(...times);
    };
    const onHost = await least(async () => {
      const before = performance.now();
      device.submit(ready!);
      await device.read(x, 0, 1);
      return performance.now() - before;
    });
    const { measure } = device;
    const onDevice = measure && (await least(() => measure(ready!)));
    note({ what: chain.name, usADispatch: onDevice && (1000 * onDevice) / length, hostMs: onHost });
  }
  const before = performance.now();
  const trips = isSmall ? 10 : 100;
  for (let i = 0; i < trips; i++) await device.read(x, 0, 1);
  note({ what: 'an answer', ms: (performance.now() - before) / trips });
}
