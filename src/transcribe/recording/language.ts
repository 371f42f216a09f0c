/** Which language a recording is in: as given, or detected on its first windows. */
import { detectLanguage, type LanguageDetection } from '../../decode/languageDetect.ts';
import { languageCode } from '../../text/languages.ts';
import type { ResolvedTranscribeOptions } from '../options.ts';
import { type MelSource, type Transcriber, WINDOW_FRAMES } from '../window/window.ts';

export interface RecordingLanguage {
  readonly language: string;
  /** Present if it was detected. */
  readonly detection?: LanguageDetection | undefined;
}

/** @throws {OptionsError} `language` if Whisper, or this model, knows none of that name */
export async function recordingLanguage(
  model: Transcriber,
  mel: MelSource,
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
    message: `This model is English-only: language "${options.language}" is not used, English is.`,
  });
  return { language: 'en' };
}

/** Means of the probabilities over the first windows. */
async function detect(
  { inference, tokenizer }: Transcriber,
  mel: MelSource,
  nWindows: number,
  signal?: AbortSignal,
): Promise<LanguageDetection> {
  const found: LanguageDetection[] = [];
  for (let seek = 0; found.length < nWindows && (seek === 0 || seek < mel.nFrames); seek += WINDOW_FRAMES) {
    // openai/whisper shows the first window with its real silence, as no window is decoded.
    const window = seek === 0 ? mel.detectionWindow() : mel.window(seek, Math.min(WINDOW_FRAMES, mel.nFrames - seek));
    const audio = await inference.encode(window, signal);
    try {
      found.push(await detectLanguage(inference, tokenizer, audio, signal));
    } finally {
      audio.close();
    }
  }
  if (found.length === 1) return found[0]!;
  const mean = (code: string): number =>
    found.reduce((sum, { probabilities }) => sum + (probabilities[code] ?? 0), 0) / found.length;
  const means = tokenizer.languages.map((code): [string, number] => [code, mean(code)]).sort((a, b) => b[1] - a[1]);
  return { language: means[0]![0], probabilities: Object.fromEntries(means) };
}
