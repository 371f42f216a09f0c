/** Loads a model in Node and Bun: from a folder, the cache, an installed package, the hub or an address. */
import { fileURLToPath } from 'node:url';
import { damaged } from '../weights/cache.ts';
import { variable } from '../weights/environment.ts';
import { openFolder } from '../weights/fileSource.ts';
import { locateModel } from '../weights/locate.ts';
import type { CacheOptions } from '../weights/options.ts';
import { namedModel } from './checkpoint/modelNames.ts';
import { openUrlFolder } from './checkpoint/urlSource.ts';
import { checkLoadOptions, type LoadOptions, loadWhisper, modelText, refuseModel } from './load.ts';
import { checkValues } from './options/check.ts';
import { ADAPTER_OPTIONS, type AdapterOptions, withAdapter } from './runtime/adapterOptions.ts';
import { checkAdapter } from './runtime/checkAdapter.ts';
import { createNodePlatform } from './runtime/node.ts';
import { openSound } from './runtime/nodeAudio.ts';
import type { Platform } from './runtime/platform.ts';
import { withTuning } from './tuning/nodeTuning.ts';
import { TUNING_OPTIONS, type TuningOptions } from './tuning/options.ts';
import type { Whisper } from './whisper.ts';

export interface NodeLoadOptions extends LoadOptions, CacheOptions, AdapterOptions, TuningOptions {
  /** Another runtime's platform; Node's (or Bun's) when absent. */
  readonly platform?: Platform | undefined;
}

/**
 * Loads a model.
 *
 * @param model a name (`tiny`, `base.en`, `turbo` ...), `owner/repo` of the Hugging Face hub, a folder, or the address
 *   of a folder
 * @throws {OptionsError}, {WeightsError}, {DeviceError}; the signal's reason
 */
export async function load(model: string | URL, options: NodeLoadOptions = {}): Promise<Whisper> {
  checkLoadOptions(options);
  checkValues(TUNING_OPTIONS, 'load', options);
  const text = modelText(model) ?? refuseModel(model, 'the name of a model, a folder or an address');
  const { platform: given = createNodePlatform() } = options;
  checkValues(ADAPTER_OPTIONS, 'load', options);
  await checkAdapter(given, options);
  const platform = withTuning(withAdapter(given, options), options);
  if (/^https?:/i.test(text) && !namedModel(text)) {
    // With Node's HTTP, which a folder does not need.
    const { proxyFetch } = await import('./runtime/nodeProxy.ts');
    const open = openUrlFolder(text, { signal: options.signal, fetch: proxyFetch(variable) });
    return loadWhisper(platform, open, openSound, options);
  }
  const folder = await locateModel(/^file:/i.test(text) ? fileURLToPath(text) : text, options);
  return loadWhisper(platform, openFolder(folder), openSound, options, (error) => damaged(error, folder, options));
}
