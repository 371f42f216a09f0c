import { OptionsError } from '../base/errors.ts';
import { type AdapterOptions, withAdapter } from './adapterOptions.ts';
import type { Platform } from './platform.ts';

/**
 * Is there the adapter that is asked for? Known before a model is looked for.
 *
 * @throws {OptionsError} `contradiction`, {DeviceError} `noAdapter`, `webgpuMissing`
 */
export async function checkAdapter(
  platform: Platform,
  options: AdapterOptions & { readonly device?: string | undefined },
): Promise<void> {
  if (options.adapter === undefined) return;
  const { device = 'auto' } = options;
  if (device !== 'webgpu')
    throw new OptionsError('contradiction', `adapter names a GPU, and device is ${device}.`, {
      hint: 'Let device be webgpu.',
    });
  // What is missing altogether is told when the device is opened.
  await withAdapter(platform, options).gpu();
}
