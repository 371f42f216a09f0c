/** Every kernel on the CPU device. `node dist/test/kernels/cpu.test.js [kernel] [threads]`; 1 and 2 threads when absent. */
import { createCpuDevice } from '../../src/device/cpu/device.js';
import { createNodePlatform } from '../../src/platform/node.js';
import { conformance } from './conformance.js';

const only = process.argv[2] || undefined;
const platform = createNodePlatform();
for (const threads of process.argv[3] ? [Number(process.argv[3])] : [1, 2])
  conformance(`cpu, ${threads} threads`, () => createCpuDevice(platform, { threads }), only);
