/** The model's programs, and the real tiny and base models, on WebGPU. */
import { openOrSkip } from '../support/webgpu.ts';
import { jfkSuite } from './jfkSuite.ts';
import { modelSuite } from './modelSuite.ts';

const device = await openOrSkip('the model on WebGPU');
if (device) {
  modelSuite('webgpu', async () => device);
  modelSuite('webgpu', async () => (await openOrSkip('the model on WebGPU'))!, 'f16');
  const asOnHardware = { fusedSteps: true, packsPanels: true };
  modelSuite('webgpu, as on hardware', async () => (await openOrSkip('the model on WebGPU', asOnHardware))!);
  for (const size of ['tiny', 'base'] as const)
    jfkSuite('webgpu', size, async () => (await openOrSkip('JFK on WebGPU'))!);
}
