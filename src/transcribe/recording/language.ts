/** Which language a recording is in: as given, or detected on its first windows. */

import { N_FRAMES } from '../../audio/constants.ts';
import type { LogMel } from '../../audio/features/logMel.ts';
import { detectLanguage, type LanguageDetection } from '../../decode/languageDetect.ts';
import { languageCode } from '../../text/languages.ts';
import type { ResolvedTranscribeOptions } from '../options.ts';
import type { SpeechModel } from '../speechModel.ts';

export interface RecordingLanguage {
  readonly language: string;
  /** Present if it was detected. */
  readonly detection?: LanguageDetection | undefined;
}

/** @throws {OptionsError} `language` if Whisper, or this model, does not know it */
export async function recordingLanguage(
  model: SpeechModel,
  mel: LogMel,
  options: ResolvedTranscribeOptions,
): Promise<RecordingLanguage> {
  const { tokenizer } = model;
  if (options.language === undefined) {
    if (!tokenizer.isMultilingual) return { language: 'en' };
    const detection = await detect(model, mel, options.languageDetectionSegments, options.signal);
    return { language: detection.language, detection };
  }
  const given = languageCode(options.language);
  if (tokenizer.isMultilingual) tokenizer.languageToken(given);
  if (tokenizer.isMultilingual || given === 'en') return { language: given };
  options.onWarning?.({
    code: 'englishOnly',
    message: `This model is English-only: language "${options.language}" is ignored.`,
  });
  return { language: 'en' };
}

/** Averages the probabilities over the first windows. */
async function detect(
  { inference, tokenizer }: SpeechModel,
  mel: LogMel,
  nWindows: number,
  signal?: AbortSignal,
): Promise<LanguageDetection> {
  const found: LanguageDetection[] = [];
  for (let seek = 0; found.length < nWindows && (seek === 0 || seek < mel.nFrames); seek += N_FRAMES) {
    // openai/whisper detects on the first window padded with real silence; windows to decode are padded with 0.
    const window = seek === 0 ? mel.detectionWindow() : mel.window(seek, Math.min(N_FRAMES, mel.nFrames - seek));
    const audio = await inference.encode(await window, signal);
    try {
      found.push(await detectLanguage(inference, tokenizer, audio, signal));
    } finally {
      audio.close();
    }
  }
  const [first] = found;
  if (first && found.length === 1) return first;
  const mean = (code: string): number =>
    found.reduce((sum, { probabilities }) => sum + (probabilities[code] ?? 0), 0) / found.length;
  const means = tokenizer.languages.map((code) => [code, mean(code)] as const).sort((a, b) => b[1] - a[1]);
  const [best] = means;
  return { language: best?.[0] ?? 'en', probabilities: Object.fromEntries(means) };
}
