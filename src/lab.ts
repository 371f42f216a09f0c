/** For people who work on kernels: `import ... from 'sotto/lab'`. */

export { createReferenceDevice } from './devices/reference/device.ts';
export type { Kernel, KernelCase, KernelModule, Reference, Tolerance } from './engine/kernel.ts';
export { type Command, command, type Program, type ProgramBuilder, record, type Tensor } from './engine/program.ts';
export { kernels } from './kernels/registry.ts';
export { caseTitle, checkKernel, type KernelCheck } from './lab/checkKernel.ts';
export { measurePeaks, type Peaks } from './lab/peaks.ts';
export { type KernelTiming, timeKernel } from './lab/timeKernel.ts';
