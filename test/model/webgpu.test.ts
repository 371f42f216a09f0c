/** The model's programs, and the real tiny and base models, on WebGPU. */
import type { Prefers } from '../../src/engine/wgsl/tuning.ts';
import { openOrSkip } from '../support/webgpu.ts';
import { jfkSuite } from './jfkSuite.ts';
import { modelSuite } from './modelSuite.ts';

const device = await openOrSkip('the model on WebGPU');
if (device) {
  modelSuite('webgpu', async () => device);
  modelSuite('webgpu', async () => (await openOrSkip('the model on WebGPU'))!, 'f16');
  // What hardware prefers: fused steps, and variants by subgroups where the GPU has some.
  const bySubgroups: Prefers = (_command, variants) => variants.find(({ name }) => name.endsWith('BySubgroups'))?.name;
  const asOnHardware = { fusedSteps: true, packsPanels: true, tuning: async () => bySubgroups };
  modelSuite('webgpu, as on hardware', async () => (await openOrSkip('the model on WebGPU', asOnHardware))!);
  for (const size of ['tiny', 'base'] as const)
    jfkSuite('webgpu', size, async () => (await openOrSkip('JFK on WebGPU'))!);
}
