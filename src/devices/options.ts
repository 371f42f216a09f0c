/** Which device runs a model, and how it is stored there. */
import type { OptionsOf, OptionTable, ResolvedOptions } from '../options/spec.ts';

export const DEVICE_OPTIONS = {
  device: {
    kind: 'choice',
    choices: ['auto', 'webgpu', 'cpu'],
    default: 'auto',
    where: ['load'],
    group: 'model',
    help: 'auto takes a hardware GPU, else the CPU. webgpu also takes a software adapter.',
  },
  threads: {
    kind: 'integer',
    min: 0,
    max: 256,
    default: 0,
    where: ['load'],
    group: 'model',
    help: 'Threads that compute on the CPU; 0 takes what the machine has.',
  },
  dtype: {
    kind: 'choice',
    choices: ['auto', 'f32', 'f16', 'int8'],
    default: 'auto',
    where: ['load'],
    group: 'model',
    help: 'How the weights are stored in memory. f16 takes half the bytes, int8 a quarter, at some loss. auto: as the file has them, if there is room.',
  },
  cacheDtype: {
    kind: 'choice',
    choices: ['auto', 'f32', 'f16'],
    default: 'auto',
    where: ['load'],
    group: 'model',
    help: 'How the keys and values of attention are stored in memory. f16 takes half the bytes. auto takes it with int8, or for want of room.',
  },
  recordingsAtOnce: {
    kind: 'integer',
    min: 1,
    max: 64,
    where: ['load'],
    group: 'batch',
    help: 'Recordings that are decoded at once, each as it is alone; others wait. Each takes memory for a window and its beams.',
    none: 'there are 8, and fewer with a large model.',
  },
} as const satisfies OptionTable;

export type DeviceOptions = OptionsOf<typeof DEVICE_OPTIONS, 'load'>;
export type DeviceChoice = ResolvedOptions<typeof DEVICE_OPTIONS, 'load'>['device'];
