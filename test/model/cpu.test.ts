/** The model's programs, and the real tiny and base models, on the CPU with one and two threads. */
import { createCpuDevice } from '../../src/devices/wasm/device.ts';
import { createNodePlatform } from '../../src/runtime/node.ts';
import { jfkSuite } from './jfkSuite.ts';
import { modelSuite } from './modelSuite.ts';

const platform = createNodePlatform();
modelSuite('cpu, one thread', () => createCpuDevice(platform, { threads: 1 }));
for (const dtype of ['f32', 'f16'] as const)
  modelSuite('cpu, two threads', () => createCpuDevice(platform, { threads: 2 }), dtype);
// The encoder's attention rounds keys and values to 12 bits: each is off by up to 1.2e-4 of the largest, in two layers. Inputs of
// products have 16 bits, which is an eighth of that. The farthest number is 5.5e-4 away.
modelSuite('cpu, two threads', () => createCpuDevice(platform, { threads: 2 }), 'int8', 7e-4);
jfkSuite('cpu', 'tiny', () => createCpuDevice(platform, { threads: 1 }));
jfkSuite('cpu', 'base', () => createCpuDevice(platform, { threads: 2 }));
