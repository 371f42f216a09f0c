/** The model's programs, and the real tiny model, on WebGPU. */
import { openOrSkip } from '../support/webgpu.js';
import { jfkSuite } from './jfkSuite.js';
import { modelSuite } from './modelSuite.js';

const device = await openOrSkip('the model on WebGPU');
if (device) {
  modelSuite('webgpu', async () => device);
  jfkSuite('webgpu', 'tiny', async () => (await openOrSkip('JFK on WebGPU'))!);
}
