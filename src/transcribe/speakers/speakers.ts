/**
 * A recording whose channels are speakers, as calls are recorded: each channel is transcribed as a recording of its own, all
 * at once, and the segments are merged by time. So speakers who talk at the same time keep all of their words.
 */
import { FRAMES_PER_SECOND } from '../../audio/constants.ts';
import type { LogMel } from '../../audio/features/logMel.ts';
import { AudioError, OptionsError } from '../../base/errors.ts';
import { Semaphore } from '../../base/semaphore.ts';
import { anySignal } from '../../base/signals.ts';
import { resolveTranscribeOptions, type TranscribeOptions } from '../options.ts';
import type { SpeechModel } from '../speechModel.ts';
import { framesToSeconds } from '../time.ts';
import { checkTranscription, transcribeSegments } from '../transcribe.ts';
import type { Segment, TranscriptSummary } from '../transcript.ts';
import type { WindowSegment } from '../window/segments.ts';
import { type ChannelSpeech, channelSpeech } from './channelSpeech.ts';
import { CommonProgress } from './commonProgress.ts';
import { cutAtJoints } from './cutAtJoints.ts';
import { speakerLanguages } from './languages.ts';
import { mergeByTime, SegmentQueue } from './mergeByTime.ts';

export interface Speaker {
  /** Of a channel; the caller's to close. */
  readonly mel: LogMel;
  readonly name: string;
}

export interface SpeakersWork {
  /** Channels that are transcribed at the same time, at most. */
  readonly atOnce: number;
  /** Called when the model is needed no more, which may be before the last segment is asked for. */
  readonly onDecoded?: () => void;
}

/**
 * Segments of all speakers in the order of their beginnings, each as soon as none before it can come. Leaving the loop stops
 * the work.
 *
 * @param speakers of one recording: their channels are equally long
 * @throws {OptionsError}; {AudioError} `channels`; the signal's reason
 */
export async function* transcribeSpeakers(
  model: SpeechModel,
  speakers: readonly Speaker[],
  given: TranscribeOptions,
  { atOnce, onDecoded }: SpeakersWork,
): AsyncGenerator<Segment, TranscriptSummary, undefined> {
  checkTranscription(model, given);
  const mels = speakers.map(({ mel }) => mel);
  const options = resolveTranscribeOptions(given);
  const channels = await channelSpeech(mels, options);
  const { main, each } = await speakerLanguages(model, channels, options);
  options.onLanguage?.(main.language, main.detection);
  const isOfSeveral = new Set(each.map(({ language }) => language)).size > 1;
  const stop = new AbortController();
  const { signal, release } = anySignal(options.signal, stop.signal);
  const duration = framesToSeconds(Math.max(...mels.map(({ nFrames }) => nFrames)));
  const weights = channels.map(({ mel }) => mel.nFrames);
  const progress = new CommonProgress(weights, duration, options.onProgress);
  const queues = channels.map(() => new SegmentQueue());
  const places = new Semaphore(options.batchSize > 1 ? 1 : atOnce);
  const transcribed = async (channel: ChannelSpeech, i: number): Promise<void> => {
    const queue = queues[i]!; // one for each channel, as is all that follows
    const { language } = each[i]!;
    const { name } = speakers[i]!;
    try {
      const unlock = await places.lock(signal);
      try {
        const own = { ...given, signal, onProgress: progress.of(i) };
        for await (const segment of segmentsOf(model, channel, language, own))
          queue.push(bySpeaker(segment, name, options.wordTimestamps, isOfSeveral ? language : undefined));
      } finally {
        unlock();
      }
      queue.end();
    } catch (error) {
      queue.fail(error);
    }
  };
  const working = Promise.all(channels.map(transcribed)).then(() => onDecoded?.());
  try {
    let text = '';
    let id = 0;
    for await (const found of mergeByTime(queues)) {
      const segment = { ...found, id: id++ };
      text += segment.text;
      options.onSegment?.(segment);
      yield segment;
    }
    progress.end();
    const { language, detection } = main;
    return { text, language, detection, task: options.task, duration };
  } finally {
    stop.abort('nobody wants the rest');
    await working;
    release();
  }
}

/**
 * @param count channels of the recording
 * @throws {AudioError} `channels` if it is one; {OptionsError} `contradiction` if there are not as many names
 */
export function speakerNames(count: number, given: readonly string[] | undefined): readonly string[] {
  if (count < 2) {
    throw new AudioError('channels', 'The recording has one channel, so its channels do not tell speakers apart.', {
      hint: 'Leave channels out. A call has a channel for each party only if it was recorded so.',
    });
  }
  if (given === undefined) {
    return count === 2 ? ['Left', 'Right'] : Array.from({ length: count }, (_, i) => `Channel ${i + 1}`);
  }
  if (given.length === count) return given;
  const found = given.length === 1 ? 'one name' : `${given.length} names`;
  throw new OptionsError('contradiction', `speakerNames has ${found}, and the recording ${count} channels.`, {
    hint: 'Name all of them, the left one first.',
  });
}

/** What is about the recording, not about one channel of it. */
const WHOLE = {
  channels: undefined,
  speakerNames: undefined,
  vad: undefined,
  onLanguage: undefined,
  onSegment: undefined,
} as const satisfies TranscribeOptions;

/** The segments of one channel, with times of the recording. */
async function* segmentsOf(
  model: SpeechModel,
  { mel, timeline, clips }: ChannelSpeech,
  language: string,
  options: TranscribeOptions,
): AsyncGenerator<WindowSegment, void, undefined> {
  if (clips.length === 0) return;
  const own: TranscribeOptions = {
    ...options,
    ...WHOLE,
    // Where speakers take turns, words say who spoke when.
    wordTimestamps: model.inference.align !== undefined,
    clipTimestamps: clips.flatMap(({ start, end }) => [start / FRAMES_PER_SECOND, end / FRAMES_PER_SECOND]),
    language: options.multilingual ? undefined : language,
  };
  for await (const segment of transcribeSegments(model, mel, own))
    yield* cutAtJoints(segment, timeline, model.tokenizer);
}

/** @param language where speakers have several */
function bySpeaker(
  { words, ...segment }: WindowSegment,
  speaker: string,
  withWords: boolean,
  language: string | undefined,
): WindowSegment {
  return {
    ...segment,
    speaker,
    ...(language !== undefined && segment.language === undefined && { language }),
    ...(withWords && words && { words: words.map((word) => ({ ...word, speaker })) }),
  };
}
