/** sotto in browsers: models come from an address or from Blobs, recordings too. */

import { openPageModel } from './checkpoint/pageModel.ts';
import { blobSource, type OpenSource } from './checkpoint/source.ts';
import { type LoadOptions, loadWhisper } from './load.ts';
import { createWebPlatform } from './runtime/web.ts';
import { openWebSound } from './runtime/webAudio.ts';
import type { Whisper } from './whisper.ts';

export * from './index.ts';
export { readWebAudio as readAudio } from './runtime/webAudio.ts';

/** The files of a converted model by name: `model.safetensors`, `config.json`, `tokenizer.json` ... */
export type ModelBlobs = Readonly<Record<string, Blob>>;

/**
 * Loads a model.
 *
 * @param model a name (`tiny`, `base.en`, `turbo` ...), whose weights come from the Hugging Face hub; the address of its
 *   folder (`./tiny` for one of this page's server; read by range: the server must know Range requests for large files); or
 *   its files, e.g. from an `<input type="file" webkitdirectory>` or the Cache API
 * @throws {WeightsError}, {DeviceError}; the signal's reason
 */
export async function load(model: string | URL | ModelBlobs, options: LoadOptions = {}): Promise<Whisper> {
  const isAddress = typeof model === 'string' || model instanceof URL;
  const open = isAddress
    ? openPageModel(String(model), globalThis.location?.href, { signal: options.signal })
    : given(model);
  return loadWhisper(createWebPlatform(), open, openWebSound, options);
}

function given(blobs: ModelBlobs): OpenSource {
  return async (name) => {
    const blob = Object.hasOwn(blobs, name) ? blobs[name] : undefined;
    return blob && blobSource(name, blob);
  };
}
