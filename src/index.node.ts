/** sotto in Node and Bun: models come from folders, the cache, installed packages or the hub; recordings from files. */
import { fileURLToPath } from 'node:url';
import { openFolder } from '../weights/fileSource.js';
import { locateModel } from '../weights/locate.js';
import { type LoadOptions, loadWhisper } from './load.js';
import { createNodePlatform } from './platform/node.js';
import { readAudio } from './platform/nodeAudio.js';
import type { Platform } from './platform/platform.js';
import { openUrlFolder } from './weights/urlSource.js';
import type { Whisper } from './whisper.js';

export { convert } from '../weights/convert.js';
export * from './index.js';
export { createNodePlatform } from './platform/node.js';
export { readAudio } from './platform/nodeAudio.js';

export interface NodeLoadOptions extends LoadOptions {
  /** Where fetched and converted models are kept; `$SOTTO_CACHE`, else the user's cache folder. */
  readonly cacheDir?: string | undefined;
  /** Another runtime's platform; Node's (or Bun's) when absent. */
  readonly platform?: Platform | undefined;
}

/**
 * Loads a model.
 *
 * @param model a name (`tiny`, `base.en`, `turbo` ...), `owner/repo` of the Hugging Face hub, a folder, or the address
 *   of a folder
 * @throws {WeightsError}, {DeviceError}; the signal's reason
 */
export async function load(model: string | URL, options: NodeLoadOptions = {}): Promise<Whisper> {
  const open = isAddress(model)
    ? openUrlFolder(String(model), { signal: options.signal })
    : openFolder(await locateModel(model instanceof URL ? fileURLToPath(model) : model, options));
  return loadWhisper(options.platform ?? createNodePlatform(), open, readAudio, options);
}

function isAddress(model: string | URL): boolean {
  return /^https?:/i.test(String(model));
}
