/** Every kernel on the CPU device, on one thread and two. `node dist/test/kernels/cpu.test.js [kernel] [threads]` */
import { createCpuDevice } from '../../src/devices/wasm/device.ts';
import { createNodePlatform } from '../../src/runtime/node.ts';
import { conformance } from './conformance.ts';

const [only, threads] = process.argv.slice(2);
const platform = createNodePlatform();
for (const count of threads ? [Number(threads)] : [1, 2])
  conformance('cpu', `${count} threads`, () => createCpuDevice(platform, { threads: count }), only || undefined);
