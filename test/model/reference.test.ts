/** The model's programs by the kernels' references: tests the programs themselves, without any device. */
import { createReferenceDevice } from '../../src/dev/referenceDevice.js';
import { modelSuite } from './modelSuite.js';

modelSuite('reference', async () => createReferenceDevice());
