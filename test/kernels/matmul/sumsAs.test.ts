/** A row of many gives the bits that it gives in a command of few rows, where that is asked for. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomStream } from '../../../src/base/random.ts';
import { createCpuDevice } from '../../../src/devices/wasm/device.ts';
import type { WeightType } from '../../../src/engine/dtype.ts';
import { storageType } from '../../../src/engine/dtype.ts';
import { record } from '../../../src/engine/program.ts';
import { matmul } from '../../../src/kernels/matmul/matmul.ts';
import { createNodePlatform } from '../../../src/runtime/node.ts';

const test = suite('sums as in few rows');
/** Longer than a block of a sum. */
const [k, n, panelWidth] = [600, 48, 16];
const panels = n / panelWidth;

for (const dtype of ['f32', 'f16', 'int8'] as const satisfies WeightType[])
  test(dtype, async () => {
    const device = await createCpuDevice(createNodePlatform(), { threads: 1 });
    try {
      const random = randomStream(5);
      const w = device.allocate('w', dtype, [panels, k, panelWidth], 'weights');
      const values = Float32Array.from({ length: panels * k * panelWidth }, () => random() - 0.5);
      device.write(w, storageType(dtype).narrow(values, w.shape));
      const bias = device.allocate('bias', 'f32', [n], 'weights');
      const xs = Float32Array.from({ length: 60 * k }, () => random() - 0.5);
      const run = async (rows: number, live: number, sumsAs?: number): Promise<Uint32Array> => {
        const x = device.allocate('x', 'f32', [rows, k], 'state');
        const y = device.allocate('y', 'f32', [rows, n], 'state');
        device.write(x, xs.subarray(0, live * k));
        const program = record('product', (p) => p.run(matmul, { x, w, bias, y }), { sumsAs });
        const [ready] = await device.prepare([program]);
        device.submit(ready!, { rows: live });
        const found = await device.read(y, 0, live * n);
        for (const tensor of [x, y]) device.free(tensor);
        return new Uint32Array(found.buffer, found.byteOffset, found.length);
      };
      for (const alone of [1, 2, 5, 8]) {
        const expected = await run(alone, alone);
        for (const [rows, live] of [
          [8, 8],
          [40, 40],
          [40, 13],
          [60, 60],
          [60, 5],
        ] as const) {
          const found = await run(rows, live, alone);
          const common = Math.min(alone, live) * n;
          assert.equal(found.subarray(0, common), expected.subarray(0, common), `${live} of ${rows} rows as ${alone}`);
        }
      }
    } finally {
      await device.close();
    }
  });

test.run();
