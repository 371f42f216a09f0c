/** The model's programs by the kernels' references: tests the programs themselves, without any device. */
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import { modelSuite } from './modelSuite.ts';

modelSuite('reference', async () => createReferenceDevice());
