/** The model's programs by the kernels' references: tests the programs themselves, without any device. */
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import { WEIGHT_TYPES } from '../../src/engine/dtype.ts';
import { modelSuite } from './modelSuite.ts';

for (const dtype of WEIGHT_TYPES.filter((type) => type !== 'q8b32'))
  modelSuite('reference', async () => createReferenceDevice(), dtype);
