/** The language of each speaker: in one call there may be two, with an interpreter. */
import type { LanguageDetection } from '../../decode/languageDetect.ts';
import type { ResolvedTranscribeOptions } from '../options.ts';
import { type RecordingLanguage, recordingLanguage } from '../recording/language.ts';
import type { SpeechModel } from '../speechModel.ts';
import type { ChannelSpeech } from './channelSpeech.ts';

/** Below it, a language is not believed of someone who says less than another: "mhm" is any language's. */
const CERTAIN = 0.5;

export interface SpeakerLanguages {
  /** Of who says most. */
  readonly main: RecordingLanguage;
  /** One for each channel. */
  readonly each: readonly RecordingLanguage[];
}

/** @throws as `recordingLanguage` */
export async function speakerLanguages(
  model: SpeechModel,
  channels: readonly Pick<ChannelSpeech, 'mel'>[],
  options: ResolvedTranscribeOptions,
): Promise<SpeakerLanguages> {
  const longest = channels.reduce((most, channel) => (channel.mel.nFrames > most.mel.nFrames ? channel : most));
  const main = await recordingLanguage(model, longest.mel, options);
  const each: RecordingLanguage[] = [];
  for (const channel of channels) {
    const isKnown = channel === longest || channel.mel.nFrames === 0 || !main.detection;
    const own = isKnown ? main : await recordingLanguage(model, channel.mel, options);
    each.push(isCertain(own.detection) ? own : main);
  }
  return { main, each };
}

function isCertain(detection: LanguageDetection | undefined): boolean {
  return detection !== undefined && (detection.probabilities[detection.language] ?? 0) >= CERTAIN;
}
