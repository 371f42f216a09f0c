/**
 * Transcribes a recording window by window, each beginning where the last one's text ended.
 *
 * @see openai/whisper, whisper/transcribe.py: transcribe
 */
import { FallbackDecoder, isSilence, type QualityThresholds } from '../decode/fallback.js';
import type { Inference } from '../decode/inference.js';
import { detectLanguage, type LanguageDetection } from '../decode/languageDetect.js';
import type { DecodingResult } from '../decode/task.js';
import { strip } from '../numeric/python.js';
import { languageCode } from '../tokenizer/languages.js';
import type { Tokenizer } from '../tokenizer/tokenizer.js';
import { clipsOf } from './clips.js';
import { checkTranscribeOptions, type TranscribeOptions, temperatureList } from './options.js';
import { PromptHistory } from './prompt.js';
import { cutSegments, type Segment, seconds, type WindowPlace, type WindowSegment } from './segments.js';

export type { TranscribeOptions } from './options.js';
export type { Segment, Word } from './segments.js';

/** What transcription needs of a loaded model. */
export interface Transcriber {
  readonly inference: Inference;
  readonly tokenizer: Tokenizer;
}

/** The log-mel of a recording, as `audio/logMel.ts` makes it. */
export interface MelSource {
  /** Frames of 10 ms. */
  readonly nFrames: number;
  /** Frames seek .. seek + size - 1 and 0.0 behind them; [nMels, 3000]. */
  window(seek: number, size: number): Float32Array;
  /** The first 30 s and silence behind them; [nMels, 3000]. */
  detectionWindow(): Float32Array;
}

/** What is known when all segments are. */
export interface TranscriptSummary {
  /** All text, as the tokenizer gives it: usually with a leading space. */
  readonly text: string;
  /** Code of the language. */
  readonly language: string;
  /** Present if the language was detected. */
  readonly detection?: LanguageDetection | undefined;
}

export interface Transcript extends TranscriptSummary {
  readonly segments: readonly Segment[];
}

/** Frames of a window: 30 s. */
const WINDOW_FRAMES = 3000;

/**
 * Text, segments and language of one recording.
 *
 * @throws {OptionsError}, {NumericError} `nonFinite`, or the signal's reason
 */
export async function transcribe(
  model: Transcriber,
  mel: MelSource,
  options: TranscribeOptions = {},
): Promise<Transcript> {
  const segments: Segment[] = [];
  const iterator = transcribeSegments(model, mel, options);
  for (;;) {
    const { done, value } = await iterator.next();
    if (done) return { ...value, segments };
    segments.push(value);
  }
}

/** The same segment by segment, as they are found. Leaving the loop stops the work and gives back what it holds. */
export async function* transcribeSegments(
  model: Transcriber,
  mel: MelSource,
  options: TranscribeOptions = {},
): AsyncGenerator<Segment, TranscriptSummary, undefined> {
  checkTranscribeOptions(options);
  const { signal, onProgress } = options;
  const { inference, tokenizer } = model;
  const clips = clipsOf(options.clipTimestamps ?? [], mel.nFrames);
  const thresholds: QualityThresholds = {
    compressionRatioThreshold: orDefault(options.compressionRatioThreshold, 2.4),
    logprobThreshold: orDefault(options.logprobThreshold, -1),
    noSpeechThreshold: orDefault(options.noSpeechThreshold, 0.6),
  };
  const { initialPrompt } = options;
  const prompt = initialPrompt === undefined ? [] : tokenizer.encode(` ${strip(initialPrompt)}`);
  const history = new PromptHistory(prompt, {
    carry: options.carryInitialPrompt ?? false,
    condition: options.conditionOnPreviousText ?? true,
    room: (inference.nTextCtx >> 1) - 1,
  });

  signal?.throwIfAborted();
  const detection = options.language === undefined ? await detect(model, mel, signal) : undefined;
  const language = languageOf(tokenizer, options, detection);
  options.onLanguage?.(language, detection);
  const decoder = new FallbackDecoder(
    inference,
    tokenizer,
    { ...options, language },
    temperatureList(options.temperature),
    thresholds,
  );

  const total = seconds(mel.nFrames);
  let id = 0;
  for (const clip of clips) {
    let seek = clip.start;
    while (seek < clip.end) {
      signal?.throwIfAborted();
      onProgress?.({ stage: 'transcribe', done: seconds(seek), total, unit: 'seconds' });
      const place = { seek, size: Math.min(WINDOW_FRAMES, clip.end - seek) };
      const { result, segments, advance } = await decodeWindow(
        model,
        mel,
        decoder,
        place,
        history.prompt,
        thresholds,
        signal,
      );
      // A window without timestamp rules can end in 0.00, or say nothing new: go on all the same.
      seek += advance > 0 ? advance : place.size;
      const kept = segments.map(emptyIfBlank);
      if (kept.length === 0) continue;
      history.add(
        kept.flatMap(({ tokens }) => tokens),
        result.temperature,
      );
      for (const segment of kept) {
        const whole = { id: id++, ...segment };
        options.onSegment?.(whole);
        yield whole;
      }
    }
  }
  onProgress?.({ stage: 'transcribe', done: total, total, unit: 'seconds' });
  return { text: tokenizer.decode(history.said), language, detection };
}

interface DecodedWindow {
  readonly result: DecodingResult;
  /** None if the window is silence. */
  readonly segments: readonly WindowSegment[];
  readonly advance: number;
}

async function decodeWindow(
  { inference, tokenizer }: Transcriber,
  mel: MelSource,
  decoder: FallbackDecoder,
  place: WindowPlace,
  prompt: readonly number[],
  thresholds: QualityThresholds,
  signal: AbortSignal | undefined,
): Promise<DecodedWindow> {
  const audio = await inference.encode(mel.window(place.seek, place.size), signal);
  try {
    const [result] = await decoder.run([{ audio, prompt, stream: place.seek }], signal);
    if (isSilence(result!, thresholds)) return { result: result!, segments: [], advance: place.size };
    return { result: result!, ...cutSegments(result!, place, tokenizer) };
  } finally {
    audio.close();
  }
}

async function detect({ inference, tokenizer }: Transcriber, mel: MelSource, signal?: AbortSignal) {
  if (!tokenizer.isMultilingual) return undefined;
  const audio = await inference.encode(mel.detectionWindow(), signal);
  try {
    return await detectLanguage(inference, tokenizer, audio, signal);
  } finally {
    audio.close();
  }
}

function languageOf(tokenizer: Tokenizer, options: TranscribeOptions, detection?: LanguageDetection): string {
  if (detection) return detection.language;
  const given = languageCode(options.language ?? 'en');
  if (tokenizer.isMultilingual) tokenizer.languageToken(given);
  if (tokenizer.isMultilingual || given === 'en') return given;
  options.onWarning?.({
    code: 'englishOnly',
    message: `This model is English-only: language "${options.language}" is not used, English is.`,
  });
  return 'en';
}

/** A segment that takes no time or says nothing stays, without its text. */
function emptyIfBlank(segment: WindowSegment): WindowSegment {
  if (segment.start !== segment.end && strip(segment.text) !== '') return segment;
  return { ...segment, text: '', tokens: [], words: [] };
}

/** Undefined gives the default; null stays, and switches a test off. */
function orDefault(value: number | null | undefined, standard: number): number | null {
  return value === undefined ? standard : value;
}
