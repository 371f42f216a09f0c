/** What `inspect` takes: which window, what of it, and how it is decoded. */
import { OptionsError } from '../base/errors.ts';
import { contradiction } from '../decode/options.ts';
import { checkNames, checkValues } from '../options/check.ts';
import { resolve } from '../options/resolve.ts';
import type { OptionsOf, OptionTable, ResolvedOptions } from '../options/spec.ts';
import { checkTranscribeOptions, TRANSCRIBE_OPTIONS, type TranscribeOptions } from '../transcribe/options.ts';

export const INSPECT_OPTIONS = {
  window: {
    kind: 'integer',
    min: 0,
    where: ['inspect'],
    group: 'inspection',
    help: 'Which window of the recording, counted from 0.',
    none: 'it is the first.',
    command: { placeholder: 'N' },
  },
  at: {
    kind: 'number',
    unit: 'seconds',
    min: 0,
    where: ['inspect'],
    group: 'inspection',
    help: 'The window whose text this second of the recording is in.',
    none: 'it is the first.',
    command: { placeholder: 'SECONDS' },
  },
  heads: {
    kind: 'choice',
    choices: ['alignment', 'all', 'none'],
    default: 'alignment',
    where: ['inspect'],
    group: 'inspection',
    help: 'Heads whose cross-attention is given: those that words are timed by, or all; a large model has 640, of which each takes up to 1 MB.',
  },
  layer: {
    kind: 'integer',
    min: 0,
    where: ['inspect'],
    group: 'inspection',
    help: 'The heads of this layer of the decoder, counted from 0, in place of heads.',
    none: 'heads says which.',
    command: { placeholder: 'N' },
  },
  head: {
    kind: 'integer',
    min: 0,
    where: ['inspect'],
    group: 'inspection',
    help: 'Of the layer this head alone, counted from 0.',
    none: 'all of the layer.',
    command: { placeholder: 'N' },
  },
  candidates: {
    kind: 'integer',
    min: 1,
    max: 1000,
    default: 8,
    where: ['inspect'],
    group: 'inspection',
    help: 'For every token, so many of the likeliest before the rules and so many of those after them.',
    command: { placeholder: 'N' },
  },
} as const satisfies OptionTable;

/** Options of `transcribe` that a single window has no use for, or that are as for word times. */
const OTHERS = [
  'wordTimestamps',
  'channels',
  'speakerNames',
  'batchSize',
  'vad',
  'onSegment',
] as const satisfies readonly (keyof TranscribeOptions)[];

type Other = (typeof OTHERS)[number];

export interface InspectOptions extends Omit<TranscribeOptions, Other>, OptionsOf<typeof INSPECT_OPTIONS, 'inspect'> {}

export type ResolvedInspection = ResolvedOptions<typeof INSPECT_OPTIONS, 'inspect'>;

/** Names of the options of `transcribe` that `inspect` has too. */
export const INSPECT_NAMES: readonly string[] = Object.entries(TRANSCRIBE_OPTIONS).flatMap(([name, { where }]) =>
  OTHERS.some((other) => other === name) || !(where as readonly string[]).includes('transcribe') ? [] : [name],
);

/**
 * @returns what is looked at, and how the recording is transcribed
 * @throws {OptionsError} as `transcribe`; `contradiction`
 */
export function inspectOptions(options: InspectOptions): {
  readonly look: ResolvedInspection;
  readonly transcribe: TranscribeOptions;
} {
  checkValues(INSPECT_OPTIONS, 'inspect', options);
  const names = Object.keys(INSPECT_OPTIONS);
  const entries = Object.entries(options);
  const transcribe = { ...Object.fromEntries(entries.filter(([name]) => !names.includes(name))), wordTimestamps: true };
  checkTranscribeOptions(transcribe);
  const other = OTHERS.find((name) => Object.hasOwn(options, name));
  if (other !== undefined)
    throw new OptionsError('unknown', `There is no option ${other} of inspect.`, {
      hint: 'It looks at a window of the whole recording, decoded as with word times.',
    });
  checkNames(INSPECT_OPTIONS, 'inspect', Object.fromEntries(entries.filter(([name]) => names.includes(name))));
  const { window, at, layer, head } = options;
  if (window !== undefined && at !== undefined)
    contradiction('window and at exclude each other: both name a window.', 'Give one of them.');
  if (head !== undefined && layer === undefined)
    contradiction('head needs layer: heads are counted in each layer.', 'Give the layer too.');
  if (layer !== undefined && options.heads !== undefined)
    contradiction('heads and layer exclude each other.', 'Give one of them.');
  return { look: resolve(INSPECT_OPTIONS, 'inspect', options), transcribe };
}
