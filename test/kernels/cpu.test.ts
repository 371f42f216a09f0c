/** Every kernel on the CPU device, on one thread and two. `node dist/test/kernels/cpu.test.js [kernel] [threads]` */
import { createCpuDevice } from '../../src/device/cpu/device.js';
import { createNodePlatform } from '../../src/platform/node.js';
import { conformance } from './conformance.js';

const [only, threads] = process.argv.slice(2);
const platform = createNodePlatform();
for (const count of threads ? [Number(threads)] : [1, 2])
  conformance(`cpu, ${count} threads`, () => createCpuDevice(platform, { threads: count }), only || undefined);
