/** What `align` takes: what of `transcribe` is about recognising, and marks. */
import { OptionsError } from '../../base/errors.ts';
import { checkTranscribeOptions, TRANSCRIBE_OPTIONS, type TranscribeOptions } from '../options.ts';

/** Options of `transcribe` that say what is written, or that leave out what a known text has. */
const OTHERS = [
  'task',
  'multilingual',
  'withoutTimestamps',
  'wordTimestamps',
  'prefix',
  'clipTimestamps',
  'channels',
  'speakerNames',
  'batchSize',
  'vad',
  'hallucinationSilenceThreshold',
  'onSegment',
] as const satisfies readonly (keyof TranscribeOptions)[];

type Other = (typeof OTHERS)[number];

export type AlignOptions = Omit<TranscribeOptions, Other>;

/** Names of the options that can be written down. */
export const ALIGN_NAMES: readonly string[] = Object.entries(TRANSCRIBE_OPTIONS).flatMap(([name, { where }]) =>
  isOther(name) || !(where as readonly string[]).includes('transcribe') ? [] : [name],
);

/** Of the options of a transcription those that `align` has. */
export function alignOptionsOf(transcribe: TranscribeOptions): AlignOptions {
  return Object.fromEntries(Object.entries(transcribe).filter(([name]) => ALIGN_NAMES.includes(name)));
}

function isOther(name: string): boolean {
  return OTHERS.some((other) => other === name);
}

/** How the recording is transcribed. @throws {OptionsError} */
export function recognitionOptions(options: AlignOptions): TranscribeOptions {
  const recognition = { ...options, wordTimestamps: true };
  checkTranscribeOptions(recognition);
  const other = Object.keys(options).find(isOther);
  if (other === undefined) return recognition;
  throw new OptionsError('unknown', `There is no option ${other} of align.`, {
    hint: 'A text is aligned as it stands, with the whole of one recording.',
  });
}
