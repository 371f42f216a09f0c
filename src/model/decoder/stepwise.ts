/**
 * Decoding that is not greedy, or not alone, or not by the plain kernels. A page loads it when it is wanted, as one part: each part more cuts what it shares
 * with the others in smaller pieces, of which all have to be loaded.
 */
export { decodeBeams } from './beams.ts';
export { DeviceDecoding } from './decoding.ts';
export { fusedStep } from './fusedStep.ts';
export { DeviceSharedRows } from './sharedRows.ts';
export { teacherForced } from './teacherForced.ts';
