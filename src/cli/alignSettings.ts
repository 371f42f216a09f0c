/** The options of `sotto align`: those of `sotto AUDIO` that are about the model, recognising, marks, and what is written. */
import type { WrittenOption } from '../options/text.ts';
import type { Format } from '../output/writer.ts';
import { ALIGN_NAMES, type AlignOptions, alignOptionsOf } from '../transcribe/align/options.ts';
import { givenOptions, OPTIONS } from './options.ts';
import { readSettings, type Settings } from './settings.ts';

const COMMAND_NAMES: readonly string[] = ['model', 'outputDir', 'verbose', 'temperatureIncrementOnFallback'];
/** What is written unless it is said otherwise: `all` would write a text over the one that is known. */
const ALIGN_FORMATS: readonly Format[] = ['srt', 'json'];

export const ALIGN_COMMAND_OPTIONS: readonly WrittenOption[] = OPTIONS.flatMap((option): WrittenOption[] => {
  const { path, spec, where } = option;
  const [name] = path;
  if (name === 'outputFormat' && spec.kind === 'choices')
    return [{ ...option, spec: { ...spec, default: ALIGN_FORMATS } }];
  const isOwn = where.some((place) => place === 'load' || place === 'layout');
  return isOwn || [...COMMAND_NAMES, ...ALIGN_NAMES].includes(name) ? [option] : [];
});

export interface AlignSettings extends Settings {
  readonly align: AlignOptions;
}

/** @param values what is written on the command line @throws {OptionsError} as `readSettings` */
export function readAlignSettings(values: ReadonlyMap<string, string>): AlignSettings {
  const settings = readSettings(givenOptions(new Map([...values, ['word_timestamps', 'True']])));
  const outputFormat = values.has('output_format') ? settings.outputFormat : [...ALIGN_FORMATS];
  return { ...settings, outputFormat, align: alignOptionsOf(settings.transcribe) };
}
