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
    choices: ['f32', 'f16', 'int8'],
    none: 'each stays as its file has it, bf16 as f32.',
    where: ['load'],
    group: 'model',
    help: 'How the weights are stored in memory. f16 takes half the bytes, int8 a quarter, at some loss.',
  },
  cacheDtype: {
    kind: 'choice',
    choices: ['f32', 'f16'],
    default: 'f32',
    where: ['load'],
    group: 'model',
    help: 'How the keys and values of attention are stored in memory. f16 takes half the bytes.',
  },
} as const satisfies OptionTable;

export type DeviceOptions = OptionsOf<typeof DEVICE_OPTIONS, 'load'>;
export type DeviceChoice = ResolvedOptions<typeof DEVICE_OPTIONS, 'load'>['device'];
