/** Builds a model of its parts: files, device, tokenizer, engine. Finding files and reading recordings is handed in. */
import type { OpenSound } from './audio/audioInput.ts';
import { N_FRAMES } from './audio/constants.ts';
import { OptionsError, SottoError, WeightsError } from './base/errors.ts';
import type { CallOptions } from './base/progress.ts';
import { type ModelFiles, openModelFiles } from './checkpoint/modelFiles.ts';
import type { OpenSource } from './checkpoint/source.ts';
import { chooseDevice } from './devices/choose.ts';
import { DEVICE_OPTIONS, type DeviceChoice, type DeviceOptions } from './devices/options.ts';
import type { Engine } from './lasting/engines.ts';
import type { LastingEngine } from './lasting/keepEngine.ts';
import { chooseStorage } from './model/chooseStorage.ts';
import type { ModelDimensions } from './model/dims.ts';
import { createInference, type DecoderLater } from './model/inference.ts';
import { recordingsWithin } from './model/storage.ts';
import { checkValues } from './options/check.ts';
import { resolve } from './options/resolve.ts';
import type { Platform } from './runtime/platform.ts';
import { Tokenizer } from './text/tokenizer.ts';
import { Whisper } from './whisper.ts';

export interface LoadOptions extends DeviceOptions, CallOptions {
  /**
   * `encoder`: resolve as soon as sound can be encoded. The decoder is loaded while the first window is encoded, so the first
   * text is there sooner; what is wrong with its weights is thrown by the call that needs them. `all`, the default: resolve
   * when everything is loaded.
   */
  readonly until?: 'all' | 'encoder' | undefined;
}

/** Called by `load` before it looks for a file. @throws {OptionsError} `type`, `range` */
export function checkLoadOptions(options: LoadOptions): void {
  checkValues(DEVICE_OPTIONS, 'load', options);
  const { until = 'all' } = options;
  if (until !== 'all' && until !== 'encoder')
    throw new OptionsError('range', `until is ${JSON.stringify(until)}, not 'all' or 'encoder'.`);
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
 * @param open    the files of the model by their names
 * @param explain what is thrown in place of an error
 * @throws {OptionsError}, {WeightsError}, {DeviceError}, the signal's reason; what was allocated by then is released
 */
export async function loadWhisper(
  platform: Platform,
  open: OpenSource,
  openSound: OpenSound,
  options: LoadOptions = {},
  explain: (error: unknown) => unknown = (error) => error,
): Promise<Whisper> {
  checkLoadOptions(options);
  const { device: choice, ...wishes } = resolve(DEVICE_OPTIONS, 'load', options);
  const files = await openModelFiles(open, options).catch((error: unknown) => {
    throw explain(error);
  });
  const closing = new AbortController();
  const decoderLater =
    options.until === 'encoder' ? { signal: closing.signal, onRead: () => files.close(), explain } : undefined;
  const openOn = async (
    on: DeviceChoice,
    from: ModelFiles,
    calls: Pick<CallOptions, 'signal' | 'onProgress'>,
    later?: DecoderLater,
  ): Promise<Engine> => {
    const device = await chooseDevice(platform, on, options);
    try {
      const storage = await chooseStorage({
        dims: from.dims,
        dtypeOf: from.dtype,
        dtype: unlessAuto(wishes.dtype),
        cacheDtype: unlessAuto(wishes.cacheDtype),
        room: device.room,
      });
      const inference = await createInference(device, from.dims, from, {
        signal: calls.signal,
        onProgress: calls.onProgress,
        ...storage,
        alignmentHeads: from.generation.alignmentHeads,
        decoderLater: later,
      });
      calls.signal?.throwIfAborted();
      return { device, inference };
    } catch (error) {
      await device.close();
      throw error;
    }
  };
  let engine: LastingEngine | undefined;
  try {
    checkWindow(files.dims);
    const tokenizer = new Tokenizer(files.tokenizer);
    const first = await openOn(choice, files, options, decoderLater);
    engine = first;
    if (first.device.kind === 'webgpu') {
      const { keepEngine } = await import('./lasting/keepEngine.ts');
      const openAgain = async (on: DeviceChoice, until: AbortSignal): Promise<Engine> => {
        const again = await openModelFiles(open, { signal: until });
        return openOn(on, again, { signal: until }).finally(() => again.close());
      };
      engine = keepEngine(first, choice, openAgain, options.onWarning);
    }
    if (!decoderLater) await files.close();
    const release = async (): Promise<void> => {
      closing.abort(new SottoError('closed', 'This model was closed.'));
      await files.close();
    };
    const { dims, storage } = engine.inference;
    const recordingsAtOnce = wishes.recordingsAtOnce ?? recordingsWithin(dims, storage.cacheDtype);
    const { scratch } = platform;
    return new Whisper({ ...engine, tokenizer, openSound, scratch, recordingsAtOnce, release });
  } catch (error) {
    await engine?.device.close();
    await files.close();
    throw explain(error);
  }
}

function unlessAuto<T extends string>(value: T | 'auto'): T | undefined {
  return value === 'auto' ? undefined : value;
}

/** The encoder halves the frames. @throws {WeightsError} `unsupported` for a model that hears other than 30 s at once */
function checkWindow({ nAudioCtx }: ModelDimensions): void {
  if (2 * nAudioCtx === N_FRAMES) return;
  throw new WeightsError(
    'unsupported',
    `The model has windows of ${nAudioCtx} positions (max_source_positions), not ${N_FRAMES / 2}, which are 30 s.`,
  );
}
