/**
 * A decoded window whose words are aligned with the sound: what the word times of its segments are made of, and what an
 * overlap of two windows is merged by.
 */
import type { AudioFeatures } from '../../decode/inference.ts';
import type { ResolvedTranscribeOptions } from '../options.ts';
import type { SpeechModel } from '../speechModel.ts';
import { framesToSeconds } from '../time.ts';
import type { WindowPlace, WindowSegment } from '../window/segments.ts';
import { type AlignedWord, findAlignment, spreadWords } from './alignment.ts';
import { addWordTimestamps, type WithWords } from './wordTimestamps.ts';

export interface AlignedWindow<S extends WindowSegment = WindowSegment> {
  readonly place: WindowPlace;
  /** Without words. */
  readonly segments: readonly S[];
  /** The words of all their text, in order; times from the start of the window. */
  readonly words: readonly AlignedWord[];
  /** Where speech ended before the window, in seconds. */
  readonly lastSpeech: number;
}

export type WordOptions = Pick<
  ResolvedTranscribeOptions,
  'task' | 'prependPunctuations' | 'appendPunctuations' | 'signal'
>;

/** Aligns all words of a window; without alignment heads, spreads them over the time of their segments. */
export async function alignWindow<S extends WindowSegment>(
  { inference, tokenizer }: SpeechModel,
  window: Omit<AlignedWindow<S>, 'words'> & { readonly audio: AudioFeatures; readonly language: string },
  { task, signal }: WordOptions,
): Promise<AlignedWindow<S>> {
  const { audio, language, place, segments, lastSpeech } = window;
  if (!inference.align) {
    const words = spreadWords(tokenizer, segments, language, framesToSeconds(place.seek));
    return { place, segments, words, lastSpeech };
  }
  const textTokens = segments.flatMap(({ tokens }) => tokens.filter((token) => token < tokenizer.eot));
  const input = { audio, textTokens, language, task, nFrames: place.size };
  return { place, segments, words: await findAlignment(inference, tokenizer, input, signal), lastSpeech };
}

/** The segments of an aligned window with their words; their start and end follow them. */
export function segmentsWithWords<S extends WindowSegment>(
  { tokenizer }: SpeechModel,
  { segments, words, lastSpeech }: AlignedWindow<S>,
  options: WordOptions,
): WithWords<S>[] {
  return addWordTimestamps({
    segments,
    words,
    eot: tokenizer.eot,
    prependPunctuations: options.prependPunctuations,
    appendPunctuations: options.appendPunctuations,
    lastSpeech,
  });
}

/** The first `count` segments of an aligned window, with their words. */
export function firstSegments(window: AlignedWindow, count: number, eot: number): AlignedWindow {
  const segments = window.segments.slice(0, count);
  let left = segments.reduce((n, { tokens }) => n + tokens.filter((token) => token < eot).length, 0);
  const words: AlignedWord[] = [];
  for (const word of window.words) {
    if (left <= 0) break;
    words.push(word);
    left -= word.tokens.length;
  }
  return { ...window, segments, words };
}
