/** The command's options that are about a recording, as a request to `sotto serve` or a line of a manifest may have them. */
import type { Group } from '../options/spec.ts';
import type { WrittenOption } from '../options/text.ts';
import type { OptionReader } from '../server/parameters.ts';
import { ALIGN_NAMES, alignOptionsOf } from '../transcribe/align/options.ts';
import { givenOptions, OPTIONS } from './options.ts';
import { readSettings } from './settings.ts';

const GROUPS: readonly Group[] = ['content', 'batch', 'decoding', 'words'];
/** What the endpoint says, or no two requests share. */
const NOT_FOR_ALL: readonly string[] = ['task', 'prefix', 'clip_timestamps'];

export const REQUEST_OPTIONS: readonly WrittenOption[] = OPTIONS.filter(
  ({ spec, where }) => GROUPS.includes(spec.group) && where.some((place) => place !== 'load'),
);
/** Those that the server can be given for all requests that do not say otherwise. */
export const DEFAULT_OPTIONS: readonly WrittenOption[] = REQUEST_OPTIONS.filter(
  ({ name }) => !NOT_FOR_ALL.includes(name),
);

/**
 * @param line what is written on the command line
 * @throws {OptionsError} for what is wrong with it
 */
export function optionReader(line: ReadonlyMap<string, string>): OptionReader {
  const names = REQUEST_OPTIONS.map(({ name }) => name);
  const defaults = [...line].filter(([name]) => names.includes(name));
  readSettings(givenOptions(new Map(defaults)));
  return {
    names,
    alignNames: REQUEST_OPTIONS.flatMap(({ name, path, where }) =>
      ALIGN_NAMES.includes(path[0]) || where.includes('layout') ? [name] : [],
    ),
    read(texts) {
      const { transcribe, layout } = readSettings(givenOptions(new Map([...defaults, ...texts]), ''), '');
      return { transcribe, align: alignOptionsOf(transcribe), layout };
    },
  };
}
