/** Every kernel, case and WGSL variant on the GPU that tests have here (test/support/webgpu.ts). */
import { openOrSkip } from '../support/webgpu.ts';
import { conformance } from './conformance.ts';

// Half as wide vectors of lavapipe compile in half the time, which is what this suite spends its time on.
process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';

const device = await openOrSkip('the conformance of WGSL kernels');
if (device) conformance('webgpu', device.description, async () => device, process.argv[2]);
