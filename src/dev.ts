/** For people who work on kernels: `import ... from 'sotto/dev'`. */
export { caseTitle, checkKernel, type KernelCheck } from './dev/checkKernel.js';
export { measurePeaks, type Peaks } from './dev/peaks.js';
export { createReferenceDevice } from './dev/referenceDevice.js';
export { type KernelTiming, timeKernel } from './dev/timeKernel.js';
export type { Kernel, KernelCase, KernelModule, Reference, Tolerance } from './kernels/contract.js';
export { kernels } from './kernels/registry.js';
export { type Command, command, type Program, type ProgramBuilder, record, type Tensor } from './program/program.js';
