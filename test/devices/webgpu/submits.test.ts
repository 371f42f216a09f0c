/** Work is cut into submits that no driver takes for hung. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createWebGpuDevice } from '../../../src/devices/webgpu/device.ts';
import { record } from '../../../src/engine/program.ts';
import { matmul } from '../../../src/kernels/matmul/matmul.ts';
import { openNullGpu } from '../../support/nullGpu.ts';

const test = suite('submits');

test('cut by the work of the rows that live, and joined where that is little', async () => {
  const gpu = await openNullGpu();
  const device = await createWebGpuDevice(gpu.gpu);
  const [rows, size] = [1024, 4096];
  const x = device.allocate('x', 'f32', [rows, size], 'state');
  const w = device.allocate('w', 'f32', [size / 64, size, 64], 'weights');
  const bias = device.allocate('bias', 'f32', [size], 'weights');
  // 34 GFLOP each, and half of that.
  const program = record('four products', (p) => {
    for (let i = 0; i < 4; i++) p.run(matmul, { x, w, bias, y: p.scratch(`y${i}`, 'f32', [rows, size]) });
  });
  const [ready] = await device.prepare([program]);
  const submitsOf = async (work: () => unknown): Promise<number> => {
    const before = gpu.counts.submits;
    await work();
    await Promise.resolve();
    return gpu.counts.submits - before;
  };
  const run = (rows: number): void => device.submit(ready!, { rows });
  assert.is(await submitsOf(() => run(rows)), 4);
  assert.is(await submitsOf(() => run(rows / 2)), 2);
  assert.is(await submitsOf(() => run(16)), 1);
  // What belongs to one turn of the event loop, up to that much work, and up to what is written.
  const two = (): void => [16, 16].forEach(run);
  assert.is(await submitsOf(two), 1);
  assert.is(await submitsOf(() => [rows / 2, 16, rows / 2].forEach(run)), 4);
  assert.is(await submitsOf(() => [two(), device.write(x, new Float32Array(4)), two()]), 2);
  assert.is(await submitsOf(async () => [two(), await Promise.all([device.read(x, 0, 4), device.read(w, 0, 4)])]), 1);
  assert.equal(await gpu.errors(), []);
  await device.close();
});

test.run();
