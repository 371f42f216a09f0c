/** The model's programs, and the real tiny and base models, on the CPU with one and two threads. */
import { createCpuDevice } from '../../src/devices/wasm/device.ts';
import { createNodePlatform } from '../../src/runtime/node.ts';
import { jfkSuite } from './jfkSuite.ts';
import { modelSuite } from './modelSuite.ts';

const platform = createNodePlatform();
modelSuite('cpu, one thread', () => createCpuDevice(platform, { threads: 1 }));
for (const dtype of ['f32', 'f16'] as const)
  modelSuite('cpu, two threads', () => createCpuDevice(platform, { threads: 2 }), dtype);
// Inputs of int8 products are rounded to 14 bits: each is off by up to 6e-5 of the largest, some ten products one after the other.
modelSuite('cpu, two threads', () => createCpuDevice(platform, { threads: 2 }), 'int8', 1e-3);
jfkSuite('cpu', 'tiny', () => createCpuDevice(platform, { threads: 1 }));
jfkSuite('cpu', 'base', () => createCpuDevice(platform, { threads: 2 }));
