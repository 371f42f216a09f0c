/** Which GPU, where a runtime can be asked for one by name. */
import type { OptionsOf, OptionTable } from '../options/spec.ts';
import type { Platform } from './platform.ts';

export const ADAPTER_OPTIONS = {
  adapter: {
    kind: 'text',
    where: ['load'],
    group: 'model',
    help: 'With device webgpu in Node and Bun: the GPU that has this in its name, as "nvidia" or "intel". A name that none has is answered with those that are there.',
    none: 'the one that WebGPU prefers.',
    command: { placeholder: 'NAME' },
  },
} as const satisfies OptionTable;

export type AdapterOptions = OptionsOf<typeof ADAPTER_OPTIONS, 'load'>;

/** The platform with the adapter that is asked for in place of the one that it would take. */
export function withAdapter(platform: Platform, { adapter }: AdapterOptions): Platform {
  return adapter === undefined ? platform : { ...platform, gpu: (options) => platform.gpu({ ...options, adapter }) };
}
