/** sotto in browsers: models come from an address or from Blobs, recordings too. */

import { blobSource, type OpenSource } from './checkpoint/source.ts';
import { openUrlFolder } from './checkpoint/urlSource.ts';
import { type LoadOptions, loadWhisper, modelText, refuseModel } from './load.ts';
import { createWebPlatform } from './runtime/web.ts';
import { openWebSound } from './runtime/webAudio.ts';
import type { ModelStore } from './store/modelStore.ts';
import type { Whisper } from './whisper.ts';

export * from './index.ts';
export { createWebPlatform } from './runtime/web.ts';
export { readWebAudio as readAudio } from './runtime/webAudio.ts';
export type { KeptModel, ModelStore, StoreOptions } from './store/modelStore.ts';

export interface WebLoadOptions extends LoadOptions {
  /**
   * Whether the model's files are kept on the machine (in the Cache API, of this origin): fetched once, a download that was cut
   * goes on where it stopped, and loads without a network. When absent: those of names are, those of addresses are not.
   */
  readonly keep?: boolean | undefined;
  /**
   * Address of a folder that has models by name, each as `sotto convert` makes it, in f16 or int8 perhaps: `tiny` is HOST/tiny/. A
   * server other than the page's must allow it (CORS). When absent: the Hugging Face hub, which has f32.
   */
  readonly host?: string | URL | undefined;
}

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
export async function load(model: string | URL | ModelBlobs, options: WebLoadOptions = {}): Promise<Whisper> {
  const text = modelText(model);
  const open = text === undefined ? given(model as ModelBlobs) : await openNamed(text, options);
  return loadWhisper(createWebPlatform(), open, openWebSound, options);
}

/** The models that this origin keeps on the machine; undefined where a page can keep none (not https, storage forbidden). */
export async function openModelStore(): Promise<ModelStore | undefined> {
  return (await import('./store/webStore.ts')).webStore();
}

/** Names, and what is kept, are loaded when they are asked for: a page that has its model beside it needs neither. */
async function openNamed(model: string, options: WebLoadOptions): Promise<OpenSource> {
  const base = globalThis.location?.href;
  const isBeside = /^\.{0,2}\/\w/.test(model) && /^http/.test(base);
  if (isBeside && options.keep === undefined)
    return openUrlFolder(new URL(model, base).href, { signal: options.signal });
  return (await import('./store/webStore.ts')).openWebModel(model, base, {
    ...options,
    host: modelText(options.host) ?? options.host,
  });
}

/** @param blobs what else was given */
function given(blobs: ModelBlobs): OpenSource {
  if (typeof blobs !== 'object' || blobs === null) refuseModel(blobs, 'a name, an address, or Blobs by file name');
  return async (name) => {
    const blob = Object.hasOwn(blobs, name) ? blobs[name] : undefined;
    return blob && blobSource(name, blob);
  };
}
