/** Looks inside a recording with a loaded model. */
import type { AudioInput } from '../audio/audioInput.ts';
import type { LogMel } from '../audio/features/logMel.ts';
import type { CallOptions } from '../base/progress.ts';
import type { SpeechModel } from '../transcribe/speechModel.ts';
import { type DecoderSize, inspect } from './inspect.ts';
import type { Inspection } from './inspection.ts';
import { type InspectOptions, inspectOptions } from './options.ts';

/** As much as is asked of a `Whisper`. */
export interface InspectedModel {
  readonly dims: DecoderSize;
  withLogMel<T>(
    audio: AudioInput,
    options: CallOptions,
    work: (model: SpeechModel, mel: LogMel, signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
}

/**
 * Looks inside a window of a recording: its log-mel, the candidates of every token and what the rules struck out, beams as
 * a tree, cross-attention, and the path that gives words their times. The model is then in use by this call alone.
 *
 *     const { attempts, alignment } = await inspectRecording(whisper, 'talk.mp3', { at: 95, beamSize: 5 });
 *
 * @throws as `transcribe`; {OptionsError} `range` for a window, a second or a head that is not there
 */
export async function inspectRecording(
  whisper: InspectedModel,
  audio: AudioInput,
  options: InspectOptions = {},
): Promise<Inspection> {
  inspectOptions(options);
  return whisper.withLogMel(audio, options, (model, mel, signal) =>
    inspect(model, mel, { ...options, signal }, whisper.dims),
  );
}
