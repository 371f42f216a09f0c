/**
 * How a recording is transcribed: openai/whisper's arguments of `transcribe()` under camelCase names, with its defaults.
 *
 * @see openai/whisper, whisper/transcribe.py: transcribe
 */

import { SPEECH_OPTIONS } from '../audio/features/vad.ts';
import type { CallOptions } from '../base/progress.ts';
import type { LanguageDetection } from '../decode/languageDetect.ts';
import {
  checkBeams,
  checkLogitFilter,
  contradiction,
  DECODING_OPTIONS,
  type DecodingCallbacks,
} from '../decode/options.ts';
import { checkNames, checkValues } from '../options/check.ts';
import { resolve } from '../options/resolve.ts';
import type { CallbackNames, OptionsOf, OptionTable, ResolvedOptions } from '../options/spec.ts';
import type { Segment } from './transcript.ts';
import { defaultAppendPunctuations, defaultPrependPunctuations } from './words/punctuations.ts';

const EVERYWHERE = ['transcribe', 'transcribeAll', 'stream'] as const;
/** What asks for the rest of a recording has no meaning while it is still coming. */
const RECORDINGS = ['transcribe', 'transcribeAll'] as const;

/** What `transcribe` takes, and with what it takes of a stream and of decoding. */
export const TRANSCRIBE_OPTIONS = {
  ...DECODING_OPTIONS,
  initialPrompt: {
    kind: 'text',
    where: EVERYWHERE,
    group: 'content',
    help: 'Text said to come before the first window: names, spelling, style.',
  },
  carryInitialPrompt: {
    kind: 'boolean',
    default: false,
    where: EVERYWHERE,
    group: 'content',
    help: 'Put initialPrompt before every window, not only the first. In a batch it stands before all of them unless this is switched off.',
  },
  conditionOnPreviousText: {
    kind: 'boolean',
    default: true,
    where: EVERYWHERE,
    group: 'content',
    help: 'Give the text so far as prompt for the next window. Switched off, context is lost and loops are escaped.',
  },
  hotwords: {
    kind: 'text',
    where: EVERYWHERE,
    group: 'content',
    help: 'Words shown to every window before all else, so that they are known and spelt so.',
  },
  multilingual: {
    kind: 'boolean',
    default: false,
    where: RECORDINGS,
    group: 'content',
    help: 'Find the language anew in every window.',
  },
  languageDetectionSegments: {
    kind: 'integer',
    min: 1,
    default: 1,
    where: RECORDINGS,
    group: 'content',
    help: 'Windows of 30 seconds that are looked at to find the language.',
  },
  channels: {
    kind: 'choice',
    choices: ['mix', 'speakers'],
    default: 'mix',
    where: ['transcribe'],
    group: 'content',
    help: 'What the channels of a recording are. mix: parts of one sound, which are added up. speakers: one person each, as in calls that are recorded with a party a side; each is transcribed by itself, and every segment says who speaks.',
  },
  speakerNames: {
    kind: 'names',
    where: ['transcribe'],
    group: 'content',
    help: 'Names of the speakers in the order of the channels, the left one first; with channels speakers.',
    none: 'Left and Right; Channel 1, Channel 2 ... where there are more.',
  },
  clipTimestamps: {
    kind: 'list',
    where: RECORDINGS,
    group: 'content',
    help: 'Seconds: transcribe only these parts. The last end may be left out.',
    command: { placeholder: 'START,END,...', default: '0' },
  },
  /** `beamSize` and `patience` count at 0 alone, `bestOf` above it. */
  temperature: {
    kind: 'numbers',
    min: 0,
    default: [0, 0.2, 0.4, 0.6, 0.8, 1],
    where: EVERYWHERE,
    group: 'decoding',
    help: 'Temperatures tried in turn until the text of a window is good enough.',
  },
  batchSize: {
    kind: 'integer',
    min: 1,
    max: 256,
    default: 1,
    where: RECORDINGS,
    group: 'batch',
    help: 'Windows decoded at once, of all recordings named: quicker, and no window is shown what was said before it (conditionOnPreviousText is then off). Recordings are cut in pauses.',
  },
  /** Times are those of the recording; the timestamp tokens in `tokens` are those of the speech alone. */
  vad: {
    kind: 'table',
    options: SPEECH_OPTIONS,
    default: false,
    where: RECORDINGS,
    group: 'batch',
    help: 'Look for speech first and decode nothing else, so that silence is not taken for text.',
  },
  wordTimestamps: {
    kind: 'boolean',
    default: false,
    // A stream finds them always; the command says whether they are written.
    where: [...RECORDINGS, 'command'],
    group: 'words',
    help: 'Find the times of single words too; segments then begin and end with them.',
  },
  prependPunctuations: {
    kind: 'text',
    default: defaultPrependPunctuations,
    where: EVERYWHERE,
    group: 'words',
    help: 'Marks that belong to the word after them.',
    command: { placeholder: 'MARKS' },
  },
  appendPunctuations: {
    kind: 'text',
    default: defaultAppendPunctuations,
    where: EVERYWHERE,
    group: 'words',
    help: 'Marks that belong to the word before them.',
    command: { placeholder: 'MARKS' },
  },
  hallucinationSilenceThreshold: {
    kind: 'number',
    unit: 'seconds',
    min: 0,
    where: RECORDINGS,
    group: 'words',
    help: 'Text with more silence than this around it is dropped if its words are unlikely.',
  },
} as const satisfies OptionTable;

export interface SegmentCallbacks {
  /** Called once the language is known: detected, or as given (then without probabilities). */
  readonly onLanguage?: ((language: string, detection?: LanguageDetection) => void) | undefined;
  /** Called with each segment as soon as it is final. */
  readonly onSegment?: ((segment: Segment) => void) | undefined;
}

interface Callbacks extends DecodingCallbacks, SegmentCallbacks, CallOptions {}

const CALLBACKS = {
  logitFilter: true,
  onLanguage: true,
  onSegment: true,
  onProgress: true,
  onWarning: true,
  signal: true,
} as const satisfies CallbackNames<Callbacks>;

export interface TranscribeOptions extends OptionsOf<typeof TRANSCRIBE_OPTIONS, 'transcribe'>, Callbacks {}

export interface ResolvedTranscribeOptions
  extends ResolvedOptions<typeof TRANSCRIBE_OPTIONS, 'transcribe'>,
    Callbacks {}

/** Checked options with their defaults. */
export function resolveTranscribeOptions(options: TranscribeOptions): ResolvedTranscribeOptions {
  const resolved = resolve(TRANSCRIBE_OPTIONS, 'transcribe', options);
  // Each chunk of a batch is decoded as if it were the first window.
  const carryInitialPrompt = options.carryInitialPrompt ?? resolved.batchSize > 1;
  return { ...options, ...resolved, carryInitialPrompt };
}

/**
 * @throws {OptionsError} `unknown` for a name that is no option, `type` for a value of the wrong kind, `range` for one out
 *   of its range, `contradiction` for options that exclude each other
 */
export function checkTranscribeOptions(options: TranscribeOptions): void {
  checkNames(TRANSCRIBE_OPTIONS, 'transcribe', options, CALLBACKS);
  checkValues(TRANSCRIBE_OPTIONS, 'transcribe', options);
  checkLogitFilter(options);
  checkBeams(options);
  if (options.hotwords && options.prefix?.length)
    contradiction('hotwords and prefix exclude each other.', 'Give one of them.');
  if (options.multilingual && options.language !== undefined) {
    contradiction(
      'multilingual and language exclude each other.',
      'Leave the language out: it is detected window by window.',
    );
  }
  if (options.speakerNames !== undefined && options.channels !== 'speakers')
    contradiction('speakerNames has no effect without channels speakers.', 'Set channels to speakers.');
  const wordOptions = ['prependPunctuations', 'appendPunctuations', 'hallucinationSilenceThreshold'] as const;
  for (const name of wordOptions) {
    if (options[name] === undefined || options.wordTimestamps) continue;
    contradiction(`${name} needs wordTimestamps.`, 'Set wordTimestamps to true.');
  }
  if (resolveTranscribeOptions(options).batchSize > 1) checkBatch(options);
}

/** @throws {OptionsError} `contradiction` for what a batch cannot do */
function checkBatch({ conditionOnPreviousText, promptResetOnTemperature }: TranscribeOptions): void {
  if (conditionOnPreviousText) {
    contradiction(
      'conditionOnPreviousText and batchSize exclude each other: windows of a batch are decoded at the same time.',
      'Leave one of them out.',
    );
  }
  if (promptResetOnTemperature !== undefined) {
    contradiction(
      'promptResetOnTemperature has no effect in a batch, whose windows are not shown one another.',
      'Leave it out.',
    );
  }
}
