/**
 * The model's programs by the kernels' references, against a model that is written a second time and shares no arithmetic
 * with them: tests the programs, and the references that devices are held against. Each kernel is then made a little wrong,
 * which has to be noticed: a kernel that could be wrong here could be wrong on every device.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import { WEIGHT_TYPES } from '../../src/engine/dtype.ts';
import { type KernelModule, storageTypes } from '../../src/engine/kernel.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { modelChecks, modelSuite } from './modelSuite.ts';

for (const dtype of WEIGHT_TYPES.filter((type) => type !== 'int8b32'))
  modelSuite('reference', async () => createReferenceDevice(), dtype);
modelSuite('reference, fused steps', async () =>
  createReferenceDevice({ fusedSteps: true, panelWidth: 64, crossPanelWidth: 1 }),
);

/**
 * The same kernel, with a hundredth added to every other number that it writes (to all of them would be undone by the next
 * layerNorm); the lowest bit turned over if it writes no f32.
 */
function slightlyWrong(module: KernelModule): KernelModule {
  const { args } = module.kernel;
  const written = Object.keys(args).filter((name) => args[name]!.access !== 'read');
  const floats = written.filter((name) => storageTypes(args[name]!)[0] === 'f32');
  return {
    ...module,
    reference(arrays, ...rest) {
      const before = new Map(written.map((name) => [name, arrays[name]!.slice()]));
      module.reference(arrays, ...rest);
      for (const name of floats.length > 0 ? floats : written) {
        const array = arrays[name]!;
        for (let i = 0; i < array.length; i++) {
          if (array[i] === before.get(name)![i]) continue;
          if (floats.length === 0) array[i]! ^= 1;
          else if (i % 2 === 0) array[i]! *= 1.01;
        }
      }
    },
  };
}

const test = suite('a kernel that is a little wrong');

for (const wrong of kernels) {
  test(`${wrong.kernel.name} is noticed`, async () => {
    const modules = kernels.map((module) => (module === wrong ? slightlyWrong(module) : module));
    // The kernels of fused steps, and what packs panels, have no variant for the CPU.
    const isForGpus = wrong.kernel.variants.wasm === undefined;
    const options = { fusedSteps: isForGpus, packsPanels: isForGpus, panelWidth: 64, crossPanelWidth: 1 };
    const model = modelChecks(async () => createReferenceDevice({ modules, ...options }));
    await model.open();
    const noticed: string[] = [];
    for (const { name, run } of model.checks) {
      await run().catch(() => noticed.push(name));
      if (noticed.length > 0) break; // what it has left open would disturb the next
    }
    await model.close();
    assert.is(noticed.length, 1);
  });
}

test.run();
