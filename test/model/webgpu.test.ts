/** The model's programs, and the real tiny and base models, on WebGPU. */
import { openOrSkip } from '../support/webgpu.ts';
import { jfkSuite } from './jfkSuite.ts';
import { modelSuite } from './modelSuite.ts';

const device = await openOrSkip('the model on WebGPU');
if (device) {
  modelSuite('webgpu', async () => device);
  for (const dtype of ['f16', 'q8'] as const)
    modelSuite('webgpu', async () => (await openOrSkip('the model on WebGPU'))!, dtype);
  for (const size of ['tiny', 'base'] as const)
    jfkSuite('webgpu', size, async () => (await openOrSkip('JFK on WebGPU'))!);
}
