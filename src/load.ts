/** Builds a model of its parts: files, device, tokenizer, engine. Finding files and reading recordings is handed in. */
import type { OpenSound } from './audio/audioInput.ts';
import { N_FRAMES } from './audio/constants.ts';
import { OptionsError, WeightsError } from './base/errors.ts';
import type { CallOptions } from './base/progress.ts';
import { openModelFiles } from './checkpoint/modelFiles.ts';
import type { OpenSource } from './checkpoint/source.ts';
import { chooseDevice } from './devices/choose.ts';
import { DEVICE_OPTIONS, type DeviceOptions } from './devices/options.ts';
import type { ModelDimensions } from './model/dims.ts';
import { createInference } from './model/inference.ts';
import { checkValues } from './options/check.ts';
import { resolve } from './options/resolve.ts';
import type { Platform } from './runtime/platform.ts';
import { Tokenizer } from './text/tokenizer.ts';
import { Whisper } from './whisper.ts';

export interface LoadOptions extends DeviceOptions, CallOptions {}

/** Called by `load` before it looks for a file. @throws {OptionsError} `type`, `range` */
export function checkLoadOptions(options: LoadOptions): void {
  checkValues(DEVICE_OPTIONS, 'load', options);
}

/**
 * A name, path or address as text, whatever realm a URL is of; undefined for anything else.
 *
 * @param model what was handed to `load`, by JavaScript perhaps
 */
export function modelText(model: unknown): string | undefined {
  if (typeof model === 'string') return model;
  const href = typeof model === 'object' && model !== null && 'href' in model ? model.href : undefined;
  return typeof href === 'string' ? href : undefined;
}

/** @throws {OptionsError} `type` */
export function refuseModel(model: unknown, wanted: string): never {
  const kind = model === null ? 'null' : typeof model;
  throw new OptionsError('type', `load was given ${kind}, not ${wanted}.`, { hint: "For example: load('tiny')" });
}

/**
 * @param open the files of the model by their names
 * @throws {OptionsError}, {WeightsError}, {DeviceError}, the signal's reason; what was allocated by then is released
 */
export async function loadWhisper(
  platform: Platform,
  open: OpenSource,
  openSound: OpenSound,
  options: LoadOptions = {},
): Promise<Whisper> {
  const { signal } = options;
  checkLoadOptions(options);
  const { device: choice, dtype, cacheDtype } = resolve(DEVICE_OPTIONS, 'load', options);
  const files = await openModelFiles(open, options);
  try {
    checkWindow(files.dims);
    const tokenizer = new Tokenizer(files.tokenizer);
    const device = await chooseDevice(platform, choice, options);
    try {
      const inference = await createInference(device, files.dims, files, {
        ...options,
        dtype,
        cacheDtype,
        alignmentHeads: files.generation.alignmentHeads,
      });
      signal?.throwIfAborted();
      return new Whisper({ device, inference, tokenizer, openSound, scratch: platform.scratch });
    } catch (error) {
      await device.close();
      throw error;
    }
  } finally {
    await files.close();
  }
}

/** The encoder halves the frames. @throws {WeightsError} `unsupported` for a model that hears other than 30 s at once */
function checkWindow({ nAudioCtx }: ModelDimensions): void {
  if (2 * nAudioCtx === N_FRAMES) return;
  throw new WeightsError(
    'unsupported',
    `The model has windows of ${nAudioCtx} positions (max_source_positions), not ${N_FRAMES / 2}, which are 30 s.`,
  );
}
