/** sotto in browsers: models come from an address or from Blobs, recordings too. */

import { openPageModel } from './checkpoint/pageModel.ts';
import { blobSource, type OpenSource } from './checkpoint/source.ts';
import { type LoadOptions, loadWhisper, modelText, refuseModel } from './load.ts';
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
 * @throws {OptionsError}, {WeightsError}, {DeviceError}; the signal's reason
 */
export async function load(model: string | URL | ModelBlobs, options: LoadOptions = {}): Promise<Whisper> {
  const text = modelText(model);
  const base = globalThis.location?.href;
  const open = text === undefined ? given(model as ModelBlobs) : openPageModel(text, base, { signal: options.signal });
  return loadWhisper(createWebPlatform(), open, openWebSound, options);
}

/** @param blobs what else was given */
function given(blobs: ModelBlobs): OpenSource {
  if (typeof blobs !== 'object' || blobs === null) refuseModel(blobs, 'a name, an address, or Blobs by file name');
  return async (name) => {
    const blob = Object.hasOwn(blobs, name) ? blobs[name] : undefined;
    return blob && blobSource(name, blob);
  };
}
