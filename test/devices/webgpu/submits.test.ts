/** Work is cut into submits that no driver takes for hung. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createWebGpuDevice } from '../../../src/devices/webgpu/device.ts';
import { record } from '../../../src/engine/program.ts';
import { matmul } from '../../../src/kernels/matmul/matmul.ts';
import { openNullGpu } from '../../support/nullGpu.ts';

const test = suite('submits');

test('cut by the work of the rows that live, not of those that there is room for', async () => {
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
  const submitsOf = (rows?: number): number => {
    const before = gpu.counts.submits;
    device.submit(ready!, rows === undefined ? {} : { rows });
    return gpu.counts.submits - before;
  };
  assert.is(submitsOf(), 4);
  assert.is(submitsOf(rows / 2), 2);
  assert.is(submitsOf(16), 1);
  assert.equal(await gpu.errors(), []);
  await device.close();
});

test.run();
