/** The options of `sotto bench`, all of them checked before a model is looked for. */
import { resolve as resolvePath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE_OPTIONS } from '../../weights/options.ts';
import { OptionsError } from '../base/errors.ts';
import { type BenchConfiguration, type BenchReport, readReport } from '../benchmark/report.ts';
import { DEVICE_OPTIONS } from '../devices/options.ts';
import { lookAtRecording } from '../files/recordings.ts';
import { resolve } from '../options/resolve.ts';
import type { OptionTable } from '../options/spec.ts';
import { readOptions, type WrittenOption, writtenOptions } from '../options/text.ts';
import { ADAPTER_OPTIONS } from '../runtime/adapterOptions.ts';
import { languageCode } from '../text/languages.ts';
import { checkResultFile } from './resultFile.ts';
import { MOST_THREADS } from './settings.ts';
import { readTextFile } from './textFile.ts';

const BENCH_OPTIONS = {
  model: {
    kind: 'names',
    where: ['command'],
    group: 'model',
    help: 'Names or folders of models. They are fetched before anything is timed.',
    none: 'tiny.',
    command: { short: 'm', placeholder: 'NAME|DIR,...' },
  },
  device: {
    kind: 'choices',
    choices: DEVICE_OPTIONS.device.choices,
    default: ['auto'],
    where: ['command'],
    group: 'model',
    help: DEVICE_OPTIONS.device.help,
  },
  ...ADAPTER_OPTIONS,
  dtype: {
    kind: 'choices',
    choices: DEVICE_OPTIONS.dtype.choices,
    default: ['auto'],
    where: ['command'],
    group: 'model',
    help: DEVICE_OPTIONS.dtype.help,
  },
  threads: {
    kind: 'list',
    default: '0',
    where: ['command'],
    group: 'model',
    help: 'Threads that compute on the CPU; 0 takes what the machine has.',
    command: { placeholder: 'N,...' },
  },
  batch: {
    kind: 'list',
    default: '1',
    where: ['command'],
    group: 'batch',
    help: 'Windows of 30 s decoded at once (batchSize). 1 decodes one after another, each with the text before it.',
    command: { placeholder: 'N,...' },
  },
  runs: {
    kind: 'integer',
    min: 1,
    max: 1000,
    default: 5,
    where: ['command'],
    group: 'recordings',
    help: 'Processes of each row. Each loads the model and transcribes twice.',
  },
  audio: {
    kind: 'text',
    where: ['command'],
    group: 'recordings',
    help: 'The recording.',
    none: '11 s of an inaugural address, which come with sotto, as does their transcript.',
    command: { placeholder: 'FILE' },
  },
  text: {
    kind: 'text',
    where: ['command'],
    group: 'recordings',
    help: 'What is said in it, as plain text in UTF-8: adds the word errors.',
    command: { placeholder: 'FILE' },
  },
  language: {
    kind: 'text',
    where: ['command'],
    group: 'recordings',
    help: 'The language of the recording.',
    none: 'it is detected each time.',
    command: { placeholder: 'LANGUAGE' },
  },
  json: {
    kind: 'text',
    where: ['command'],
    group: 'output',
    help: 'Where to write every measurement (docs/bench.md explains the fields).',
    command: { placeholder: 'FILE' },
  },
  svg: {
    kind: 'text',
    where: ['command'],
    group: 'output',
    help: 'Where to write a chart.',
    command: { placeholder: 'FILE' },
  },
  markdown: {
    kind: 'boolean',
    default: false,
    where: ['command'],
    group: 'output',
    help: 'The table in Markdown.',
    command: { flag: true },
  },
  baseline: {
    kind: 'text',
    where: ['command'],
    group: 'output',
    help: 'A file of an earlier run (json): adds a column with time / time then, and whether the spread explains it.',
    command: { placeholder: 'FILE' },
  },
  verbose: {
    kind: 'boolean',
    default: false,
    where: ['command'],
    group: 'output',
    help: 'Each measurement as it is taken, with the path of WebAssembly or the adapter.',
    command: { flag: true },
  },
  ...CACHE_OPTIONS,
} as const satisfies OptionTable;

const PLACES = ['command', 'load'] as const;

export const BENCH_COMMAND_OPTIONS: readonly WrittenOption[] = writtenOptions(BENCH_OPTIONS, PLACES);

/** @see assets/README.md */
const OWN_RECORDING = {
  path: fileURLToPath(new URL('../../../assets/jfk.wav', import.meta.url)),
  text: 'And so, my fellow Americans, ask not what your country can do for you, ask what you can do for your country.',
};

export interface BenchSettings {
  readonly models: readonly string[];
  readonly devices: readonly (typeof DEVICE_OPTIONS.device.choices)[number][];
  readonly dtypes: readonly string[];
  readonly threads: readonly number[];
  readonly batches: readonly number[];
  readonly runs: number;
  readonly audio: string;
  readonly transcript: string | undefined;
  readonly language: string | undefined;
  readonly cacheDir: string | undefined;
  readonly adapter: string | undefined;
  readonly json: string | undefined;
  readonly svg: string | undefined;
  readonly baseline: BenchReport | undefined;
  readonly isMarkdown: boolean;
  readonly isVerbose: boolean;
}

/**
 * @param values what is written on the command line
 * @throws {OptionsError}; {AudioError} for a recording that is not there; {OutputError} for a place that cannot be written
 */
export function readBenchSettings(values: ReadonlyMap<string, string>): BenchSettings {
  const given = readOptions(BENCH_OPTIONS, PLACES, values, '--');
  const own = resolve(BENCH_OPTIONS, 'command', given);
  const threads = counts('--threads', own.threads, 0, MOST_THREADS);
  const batches = counts('--batch', own.batch, 1, 256);
  if (own.text !== undefined && own.audio === undefined)
    throw new OptionsError('contradiction', '--text is the transcript of a recording, and none is named.', {
      hint: 'Add --audio FILE.',
    });
  const audio = own.audio === undefined ? OWN_RECORDING.path : lookAtRecording(own.audio);
  const transcript = own.text === undefined ? undefined : readTextFile(own.text);
  const baseline = own.baseline === undefined ? undefined : readReport(readTextFile(own.baseline), own.baseline);
  if (given.adapter !== undefined && !own.device.every((device) => device === 'webgpu'))
    throw new OptionsError('contradiction', '--adapter names a GPU: it wants --device webgpu.');
  checkOutputs(own);
  return {
    models: [...new Set(own.model ?? ['tiny'])],
    devices: [...new Set(own.device)],
    dtypes: [...new Set(own.dtype)],
    threads,
    batches,
    runs: own.runs,
    audio,
    transcript: own.audio === undefined ? OWN_RECORDING.text : transcript,
    language: own.language === undefined ? undefined : languageCode(own.language),
    cacheDir: given.cacheDir,
    adapter: given.adapter,
    json: own.json,
    svg: own.svg,
    baseline,
    isMarkdown: own.markdown,
    isVerbose: own.verbose,
  };
}

/** Whole numbers of a list, each once. @throws {OptionsError} `badValue` */
function counts(label: string, list: string | readonly number[], min: number, max: number): readonly number[] {
  const numbers =
    typeof list === 'string' ? list.split(',').map((item) => (item.trim() ? Number(item) : Number.NaN)) : list;
  const wrong = numbers.some((number) => !Number.isInteger(number) || number < min || number > max);
  if (wrong)
    throw new OptionsError('badValue', `${label} takes whole numbers from ${min} to ${max}, not "${String(list)}".`, {
      hint: `For example: ${label} 1,2`,
    });
  return [...new Set(numbers)];
}

/** @throws {OptionsError} `overwrites`, {OutputError} */
function checkOutputs(own: Readonly<Record<'json' | 'svg' | 'audio' | 'text' | 'baseline', string | undefined>>): void {
  const { json, svg } = own;
  if (json !== undefined && svg !== undefined && resolvePath(json) === resolvePath(svg))
    throw new OptionsError('overwrites', `--json and --svg name the same file, ${json}.`);
  for (const path of [json, svg]) if (path !== undefined) checkResultFile(path, [own.audio, own.text, own.baseline]);
}

/** Every combination; threads are the CPU's alone. @param devices as they are here: `auto` has become one */
export function configurationsOf(
  { models, dtypes, threads, batches }: BenchSettings,
  devices: readonly string[],
  hardwareThreads: number,
): readonly BenchConfiguration[] {
  const counts = [...new Set(threads.map((count) => count || hardwareThreads))];
  return models.flatMap((model) =>
    devices.flatMap((device) =>
      dtypes.flatMap((dtype) =>
        (device === 'webgpu' ? [null] : counts).flatMap((count) =>
          batches.map((batch) => ({ model, device, dtype, threads: count, batch })),
        ),
      ),
    ),
  );
}
