/** What the options of `sotto batch` say, all of it checked before anything is loaded. */
import { OptionsError } from '../base/errors.ts';
import type { BatchItem, ItemOptions, ItemSettings } from '../batch/item.ts';
import { settingsIdentity } from '../batch/item.ts';
import { BATCH_OPTIONS } from '../batch/options.ts';
import type { Source } from '../batch/sources/source.ts';
import { fileOfList, type SourceOptions, sourceOf } from '../batch/sources/sourceOf.ts';
import type { NodeLoadOptions } from '../load.node.ts';
import { pick, resolve } from '../options/resolve.ts';
import type { ResolvedOptions } from '../options/spec.ts';
import { readOptions, type WrittenOption, writtenOptions } from '../options/text.ts';
import type { Format } from '../output/writer.ts';
import { COMMAND_OPTIONS } from './options.ts';
import { formatsOf } from './prepareRun.ts';
import { optionReader, REQUEST_OPTIONS } from './requestOptions.ts';

const LOAD_PLACES = ['load'] as const;

/** Those of a batch first, then those of `sotto AUDIO` that it takes. */
export const BATCH_COMMAND_OPTIONS: readonly WrittenOption[] = [
  ...writtenOptions(BATCH_OPTIONS, ['command']),
  ...writtenOptions(COMMAND_OPTIONS, LOAD_PLACES),
  ...REQUEST_OPTIONS,
];

export interface BatchSettings {
  readonly own: ResolvedOptions<typeof BATCH_OPTIONS, 'command'>;
  readonly load: NodeLoadOptions;
  readonly formats: readonly Format[];
  readonly reader: ItemOptions;
  /** The options of an item. @throws {OptionsError} */
  readonly settingsOf: (item: Pick<BatchItem, 'options'>) => ItemSettings;
  /** `settingsIdentity` of these. */
  readonly identityOf: (item: Pick<BatchItem, 'options'>) => string;
}

/**
 * @param values by the names of options
 * @throws {OptionsError} for what is wrong with them
 */
export function readBatchSettings(values: ReadonlyMap<string, string>): BatchSettings {
  const own = resolve(BATCH_OPTIONS, 'command', readOptions(BATCH_OPTIONS, ['command'], values, '--'));
  const load = pick(COMMAND_OPTIONS, 'load', readOptions(COMMAND_OPTIONS, LOAD_PLACES, values, '--'));
  const reader = optionReader(values);
  // Most recordings have none of their own.
  const settings = remembered((options) => reader.read(new Map(Object.entries(options))));
  const identities = remembered((options) => settingsIdentity(settings(options)));
  return {
    own,
    load,
    formats: formatsOf(own.outputFormat),
    reader,
    settingsOf: ({ options = {} }) => settings(options),
    identityOf: ({ options = {} }) => identities(options),
  };
}

/** @throws {OptionsError} `batchArguments`; {AudioError} for what is not there */
export function sourcesOf(
  named: readonly string[],
  { own, reader }: BatchSettings,
  options: Pick<SourceOptions, 'stdin' | 'outputs' | 'bucketOf'>,
): readonly Source[] {
  if (named.length === 0 && own.manifest === undefined) {
    throw new OptionsError('batchArguments', 'batch was given no recordings.', {
      hint: 'For example: sotto batch ./recordings -o out --model base',
    });
  }
  if (named.filter((name) => name === '-').length > 1) {
    throw new OptionsError('contradiction', 'Standard input (-) is named more than once.');
  }
  const all = { ...options, reader, include: patterns(own.include), exclude: patterns(own.exclude) };
  const sources = named.map((name) => sourceOf(name, all));
  return own.manifest === undefined ? sources : [...sources, fileOfList(own.manifest, reader)];
}

/** `a,{b,c}` -> `a`, `{b,c}` */
function patterns(text: string | undefined): readonly string[] | undefined {
  const parts = text?.split(/,(?![^{]*\})/).map((part) => part.trim());
  return parts?.filter((part) => part !== '');
}

function remembered<T>(
  make: (options: Readonly<Record<string, string>>) => T,
): (options: Readonly<Record<string, string>>) => T {
  const made = new Map<string, T>();
  return (options) => {
    const key = JSON.stringify(options);
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(options);
    made.set(key, value);
    return value;
  };
}
