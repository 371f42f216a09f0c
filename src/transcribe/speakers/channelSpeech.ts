/**
 * What is decoded of each channel where channels are speakers: the speech of its own speaker, spliced. In a call everyone is
 * silent half of the time; what Whisper writes on silence, or on the other's voice far away, must not become somebody's words.
 */
import { N_FRAMES } from '../../audio/constants.ts';
import { measureActivity } from '../../audio/features/activity.ts';
import { isOneSound, type OwnActivity, ownActivity } from '../../audio/features/crosstalk.ts';
import type { LogMel } from '../../audio/features/logMel.ts';
import { type ResolvedSpeechOptions, SPEECH_OPTIONS } from '../../audio/features/vad.ts';
import { AudioError } from '../../base/errors.ts';
import { resolve } from '../../options/resolve.ts';
import type { ResolvedTranscribeOptions } from '../options.ts';
import { type Clip, clipsOf } from '../recording/clips.ts';
import { SpeechMap, spliceSpeech } from '../recording/speech.ts';
import { SILENCE_OFFSET, type Timeline } from '../recording/timeline.ts';

export interface ChannelSpeech {
  /** Its speech, spliced; frames in which the other is heard are silent. */
  readonly mel: LogMel;
  readonly timeline: Timeline;
  /** What is to be transcribed, in frames of `mel`; none if its speaker says nothing. */
  readonly clips: readonly Clip[];
}

/** Speech of their own, in which nothing is made silent: with its soft ends; in seconds. */
const KEPT = { minSilence: 0.5, padding: 0.3 } as const;

/**
 * @param mels of the channels of one recording, the caller's to close
 * @throws {AudioError} `channels` if two of them are one sound; the signal's reason
 */
export async function channelSpeech(
  mels: readonly LogMel[],
  options: Pick<ResolvedTranscribeOptions, 'vad' | 'clipTimestamps' | 'signal'>,
): Promise<ChannelSpeech[]> {
  const measured = [];
  for (const mel of mels) measured.push(await measureActivity(mel, options.signal));
  for (const [i, a] of measured.entries()) {
    for (const [k, b] of measured.entries()) if (k > i && isOneSound(a, b)) throw oneSound(i, k);
  }
  const speech = options.vad || resolve(SPEECH_OPTIONS, 'transcribe', {});
  return ownActivity(measured).map((own, i) => {
    const mel = mels[i]!; // one for each
    return speechOf(mel, own, clipsOf(options.clipTimestamps ?? [], mel.nFrames), speech);
  });
}

function speechOf(
  mel: LogMel,
  own: OwnActivity,
  given: readonly Clip[],
  options: ResolvedSpeechOptions,
): ChannelSpeech {
  const map = new SpeechMap(own);
  const silent = own.crosstalk.slice();
  for (const { start, end } of map.spans({ ...options, ...KEPT })) silent.fill(0, start, end);
  const { timeline, clips } = spliceSpeech(given, map, options);
  return { mel: timeline.splice(withSilence(mel, silent)), timeline, clips };
}

/** @param silent 1 for frames that are made silent; [nFrames] */
function withSilence(mel: LogMel, silent: Uint8Array): LogMel {
  if (!silent.includes(1)) return mel;
  const window: LogMel['window'] = async (seek, size, room) => {
    const cut = await mel.window(seek, size, room); // [nMels, N_FRAMES]
    if (!silent.subarray(seek, seek + size).includes(1)) return cut;
    const [silence = 0] = await mel.window(mel.nFrames + SILENCE_OFFSET, 1);
    for (let row = 0; row < cut.length; row += N_FRAMES) {
      for (let i = 0; i < size; i++) if (silent[seek + i] === 1) cut[row + i] = silence;
    }
    return cut;
  };
  return { ...mel, window, detectionWindow: () => window(0, N_FRAMES) };
}

function oneSound(i: number, k: number): AudioError {
  return new AudioError(
    'channels',
    `Channels ${i + 1} and ${k + 1} of the recording hold one sound, so they do not tell speakers apart.`,
    { hint: 'Transcribe it as a recording of one channel: leave channels out.' },
  );
}
