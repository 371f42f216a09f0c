/** Whether what was measured on this GPU counts. */
import type { OptionsOf, OptionTable } from '../options/spec.ts';

export const TUNING_OPTIONS = {
  tuned: {
    kind: 'boolean',
    default: true,
    where: ['load'],
    group: 'model',
    help: 'On WebGPU outside of pages: runs the kernels that "sotto kernel --tune" measured to be the fastest on this GPU, if it was run. False goes by rules of thumb.',
  },
} as const satisfies OptionTable;

export type TuningOptions = OptionsOf<typeof TUNING_OPTIONS, 'load'>;
