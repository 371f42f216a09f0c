/**
 * Looks inside a window of a recording: what the encoder heard, which tokens were candidates and what the rules struck out,
 * how beams were searched, where the decoder attended to, and the path that gives words their times.
 *
 * The recording is transcribed as always up to that window. The window is then decoded once more by the same code, step by
 * step, so that nothing here is a second opinion.
 */
import { FRAMES_PER_SECOND, N_FRAMES } from '../audio/constants.ts';
import type { LogMel } from '../audio/features/logMel.ts';
import { OptionsError } from '../base/errors.ts';
import { FallbackDecoder, isSilence } from '../decode/fallback.ts';
import { type ResolvedTranscribeOptions, resolveTranscribeOptions } from '../transcribe/options.ts';
import { type SequenceWindow, windowsInSequence } from '../transcribe/sequence.ts';
import type { SpeechModel } from '../transcribe/speechModel.ts';
import { framesToSeconds } from '../transcribe/time.ts';
import { cutSegments, type WindowPlace } from '../transcribe/window/segments.ts';
import { requireAlignment } from '../transcribe/words/requireAlignment.ts';
import { AttemptRecorder } from './attempts.ts';
import { type AttentionInput, inspectAttention } from './attention.ts';
import type { Inspection, Matrix } from './inspection.ts';
import { type InspectOptions, inspectOptions, type ResolvedInspection } from './options.ts';

/** Sizes of the decoder. */
export interface DecoderSize {
  readonly nTextLayer: number;
  readonly nTextHead: number;
}

/** @throws {OptionsError} `range` for a window, a second or a head that is not there; as `transcribe` */
export async function inspect(
  model: SpeechModel,
  mel: LogMel,
  given: InspectOptions,
  size: DecoderSize,
): Promise<Inspection> {
  const { look, transcribe } = inspectOptions(given);
  const heads = headsAsked(look, size);
  requireAlignment(model.inference);
  const options = resolveTranscribeOptions(transcribe);
  const { window, index } = await findWindow(model, mel, options, look);
  const { inference, tokenizer } = model;
  const { place, prompt, language, next, segments } = window;
  const { signal, task } = options;
  const recorder = new AttemptRecorder(tokenizer, look.candidates);
  const decoder = new FallbackDecoder(
    inference,
    tokenizer,
    { ...options, language: undefined },
    options.temperature,
    recorder,
  );
  const heard = await mel.window(place.seek, place.size);
  const audio = await inference.encode(heard, signal);
  try {
    const [decoded] = await decoder.run([{ audio, language, prompt, stream: place.seek }], signal);
    const cut = isSilence(decoded, options) ? [] : cutSegments(decoded, place, tokenizer).segments;
    const textTokens = cut.flatMap(({ tokens }) => tokens.filter((token) => token < tokenizer.eot));
    const alignment = await inspectAttention(
      inference,
      tokenizer,
      { audio, place, textTokens, language, task, heads },
      signal,
    );
    return {
      window: {
        index,
        start: framesToSeconds(place.seek),
        end: framesToSeconds(place.seek + place.size),
        next: framesToSeconds(next),
        duration: framesToSeconds(mel.nFrames),
      },
      language,
      task,
      mel: heardPart(heard, mel.nMels, place),
      attempts: recorder.attempts,
      segments,
      ...(alignment && { alignment }),
    };
  } finally {
    audio.close();
  }
}

/** Transcribes up to the window that is asked for. */
async function findWindow(
  model: SpeechModel,
  mel: LogMel,
  options: ResolvedTranscribeOptions,
  { window: wanted = 0, at }: ResolvedInspection,
): Promise<{ readonly window: SequenceWindow; readonly index: number }> {
  const duration = framesToSeconds(mel.nFrames);
  if (at !== undefined && at >= duration) throw notThere(`There is no second ${at}`, duration);
  let index = 0;
  for await (const event of windowsInSequence(model, mel, options)) {
    if ('summary' in event) break;
    const { place, next } = event.window;
    if (at === undefined ? index === wanted : at * FRAMES_PER_SECOND < next) {
      if (at !== undefined && at * FRAMES_PER_SECOND < place.seek)
        throw notThere(`No window has second ${at}`, duration);
      return { window: event.window, index };
    }
    index++;
  }
  if (at !== undefined) throw notThere(`No window has second ${at}`, duration);
  throw new OptionsError('range', `There is no window ${wanted}: the recording has ${index}, counted from 0.`);
}

function notThere(what: string, duration: number): OptionsError {
  return new OptionsError('range', `${what}: the recording is ${duration} s long.`, {
    hint: 'Seconds count from its start; clipTimestamps leaves out what is between clips.',
  });
}

/** @throws {OptionsError} `range` */
function headsAsked(
  { heads, layer, head }: ResolvedInspection,
  { nTextLayer, nTextHead }: DecoderSize,
): AttentionInput['heads'] {
  if (layer === undefined) return heads === 'none' ? [] : heads;
  if (layer >= nTextLayer || (head !== undefined && head >= nTextHead)) {
    const what = layer >= nTextLayer ? `layer ${layer}` : `head ${head} in layer ${layer}`;
    throw new OptionsError('range', `The decoder has no ${what}.`, {
      hint: `It has layers 0 to ${nTextLayer - 1}, each with heads 0 to ${nTextHead - 1}.`,
    });
  }
  if (head !== undefined) return [[layer, head]];
  return Array.from({ length: nTextHead }, (_, i) => [layer, i] as const);
}

/** @param heard [nMels, 3000] */
function heardPart(heard: Float32Array, nMels: number, { size }: WindowPlace): Matrix {
  const values = new Float32Array(nMels * size);
  for (let m = 0; m < nMels; m++) values.set(heard.subarray(m * N_FRAMES, m * N_FRAMES + size), m * size);
  return { rows: nMels, columns: size, values };
}
