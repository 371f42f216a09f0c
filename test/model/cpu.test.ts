/** The model's programs, and the real tiny and base models, on the CPU with one and two threads. */
import { createCpuDevice } from '../../src/devices/wasm/device.ts';
import { createNodePlatform } from '../../src/runtime/node.ts';
import { jfkSuite } from './jfkSuite.ts';
import { modelSuite } from './modelSuite.ts';

const platform = createNodePlatform();
modelSuite('cpu, one thread', () => createCpuDevice(platform, { threads: 1 }));
for (const dtype of ['f32', 'f16', 'int8'] as const)
  modelSuite('cpu, two threads', () => createCpuDevice(platform, { threads: 2 }), dtype);
jfkSuite('cpu', 'tiny', () => createCpuDevice(platform, { threads: 1 }));
jfkSuite('cpu', 'base', () => createCpuDevice(platform, { threads: 2 }));
