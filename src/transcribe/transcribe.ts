/**
 * Transcribes a recording window by window, each beginning where the last one's text ended.
 *
 * @see openai/whisper, whisper/transcribe.py: transcribe
 */
import type { LanguageDetection } from '../decode/languageDetect.js';
import { OptionsError } from '../errors.js';
import { strip } from '../numeric/python.js';
import type { Task, Tokenizer } from '../tokenizer/tokenizer.js';
import { clipsOf } from './clips.js';
import { recordingLanguage } from './language.js';
import { checkTranscribeOptions, type TranscribeOptions } from './options.js';
import { PromptHistory } from './prompt.js';
import { type Segment, seconds } from './segments.js';
import { type MelSource, type Transcriber, WINDOW_FRAMES, WindowDecoder } from './window.js';

export type { TranscribeOptions } from './options.js';
export type { Segment, Word } from './segments.js';
export type { MelSource, Transcriber } from './window.js';

/** What is known when all segments are. */
export interface TranscriptSummary {
  /** All text, as the tokenizer gives it: usually with a leading space. */
  readonly text: string;
  /** Code of the language. */
  readonly language: string;
  /** Present if the language was detected. */
  readonly detection?: LanguageDetection | undefined;
  /** `translate` if the text is a translation into English. */
  readonly task?: Task | undefined;
  /** Seconds of the recording, of which 10 ms are the least part; absent in a transcript made by hand. */
  readonly duration?: number | undefined;
}

export interface Transcript extends TranscriptSummary {
  readonly segments: readonly Segment[];
}

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
  if (options.wordTimestamps && !inference.align) {
    throw new OptionsError('wordTimestamps', 'This engine cannot tell the times of words.');
  }
  const clips = clipsOf(options.clipTimestamps ?? [], mel.nFrames);
  const room = (inference.nTextCtx >> 1) - 1;
  const history = new PromptHistory({
    initial: promptTokens(tokenizer, options.initialPrompt),
    carry: options.carryInitialPrompt ?? false,
    hotwords: promptTokens(tokenizer, options.hotwords).slice(0, room),
    condition: options.conditionOnPreviousText ?? true,
    resetAbove: options.promptResetOnTemperature ?? 0.5,
    room,
  });

  signal?.throwIfAborted();
  const { language, detection } = await recordingLanguage(model, mel, options);
  options.onLanguage?.(language, detection);
  const decoder = new WindowDecoder(model, mel, language, options);

  const total = seconds(mel.nFrames);
  let id = 0;
  for (const clip of clips) {
    let seek = clip.start;
    while (seek < clip.end) {
      signal?.throwIfAborted();
      onProgress?.({ stage: 'transcribe', done: seconds(seek), total, unit: 'seconds' });
      const place = { seek, size: Math.min(WINDOW_FRAMES, clip.end - seek) };
      const { segments, temperature, next } = await decoder.run(place, history.prompt);
      seek = next;
      if (!segments) continue;
      history.add(
        segments.flatMap(({ tokens }) => tokens),
        temperature,
      );
      for (const segment of segments) {
        const whole = { id: id++, ...segment };
        options.onSegment?.(whole);
        yield whole;
      }
    }
  }
  onProgress?.({ stage: 'transcribe', done: total, total, unit: 'seconds' });
  const { task = 'transcribe' } = options;
  return { text: tokenizer.decode(history.said), language, detection, task, duration: total };
}

function promptTokens(tokenizer: Tokenizer, text: string | undefined): number[] {
  return text === undefined ? [] : tokenizer.encode(` ${strip(text)}`);
}
