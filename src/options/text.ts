/** Options as people write them, on a command line or in a form: `beam_size`, `True`, `None`, `0,12.5`. */
import { OptionsError } from '../base/errors.ts';
import { faultOf, shortened, wanted } from './check.ts';
import { guessBoolean, guessChoice } from './guess.ts';
import type { OptionSpec, OptionsOf, OptionTable, Place } from './spec.ts';

/** One that can be written. The options of a table within a table are some of their own: `vad_padding`. */
export interface WrittenOption {
  readonly name: string;
  /** Its row's name, within that of the table it is in if there is one. */
  readonly path: readonly [name: string, inner?: string];
  readonly spec: OptionSpec;
  /** Where it applies: with the table it is in. */
  readonly where: readonly Place[];
}

/** The options of a table that apply at one of the places, in their order. */
export function writtenOptions(table: OptionTable, places: readonly Place[]): WrittenOption[] {
  return Object.entries(table).flatMap(([key, spec]): WrittenOption[] => {
    const { where } = spec;
    if (!where.some((place) => places.includes(place))) return [];
    const name = spec.command?.name ?? writtenName(key);
    const inner = spec.kind === 'table' ? Object.entries(spec.options) : [];
    return [
      { name, path: [key], spec, where },
      ...inner.map(([innerKey, innerSpec]): WrittenOption => {
        const innerName = `${name}_${writtenName(innerKey)}`;
        return { name: innerName, path: [key, innerKey], spec: innerSpec, where };
      }),
    ];
  });
}

/** `beamSize` is written `beam_size`. */
export function writtenName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A sentence of the library's with the names of options as they are written. */
export function withWrittenNames(sentence: string, prefix = ''): string {
  return sentence.replace(/\b[a-z]+([A-Z][a-z]+)+\b/g, (word) => prefix + writtenName(word));
}

/** What stands for the value in a help text. */
export function placeholder(spec: OptionSpec): string {
  if (spec.command?.placeholder !== undefined) return spec.command.placeholder;
  if (spec.command?.flag) return '[True|False]';
  switch (spec.kind) {
    case 'number':
    case 'integer':
      return spec.unit?.toUpperCase() ?? (spec.kind === 'integer' ? 'N' : 'X');
    case 'numbers':
    case 'list':
      return 'X,...';
    case 'boolean':
    case 'table':
      return takesNone(spec) ? 'True|False|None' : 'True|False';
    case 'text':
    case 'tokens':
      return 'TEXT';
    case 'names':
      return 'NAME,...';
    case 'choice':
      return spec.choices.join('|');
    case 'choices':
      return `${spec.choices.join('|')},...`;
  }
}

/** What runs when the option is absent, as it would be written. */
export function defaultText(spec: OptionSpec): string {
  const value = spec.command?.default ?? defaultOf(spec);
  if (value === undefined) return 'None';
  return typeof value === 'boolean' ? booleanText(value) : String(value);
}

/** The options at a place whose default on the command line is another than the library's. */
export function commandDefaults<T extends OptionTable, P extends Place>(table: T, place: P): OptionsOf<T, P> {
  const defaults = Object.entries(table).flatMap(([name, { where, command }]) =>
    where.includes(place) && command?.default !== undefined ? [[name, command.default]] : [],
  );
  return Object.fromEntries(defaults) as OptionsOf<T, P>; // the table's own values for its own rows
}

/** The sentences of a help text. */
export function helpSentences({ help, none, command }: OptionSpec): string {
  const all = [help, ...(none === undefined ? [] : [`None: ${none}`]), ...(command?.help ? [command.help] : [])];
  return withWrittenNames(all.join(' '));
}

/**
 * @param texts  by written names
 * @param prefix stands before a name in errors
 * @returns the options of those texts; `None` is null, or undefined for an option without a default
 * @throws {OptionsError} `badValue` for a text that is no value of its option; `contradiction` for an option of a table
 *   that is not asked for
 */
export function readOptions<T extends OptionTable, P extends Place>(
  table: T,
  places: readonly P[],
  texts: ReadonlyMap<string, string>,
  prefix = '',
): OptionsOf<T, P> {
  const values: Record<string, unknown> = {};
  for (const { name, path, spec } of writtenOptions(table, places)) {
    const text = texts.get(name);
    if (text === undefined) continue;
    const value = parseText(prefix + name, spec, text);
    const [key, inner] = path;
    if (inner === undefined) {
      values[key] = value;
      continue;
    }
    // A table stands before its options: it is read by now.
    const outer = values[key];
    if (outer === undefined || outer === false) {
      const on = `${prefix}${writtenName(key)} True`;
      throw new OptionsError('contradiction', `${prefix}${name} has no effect without ${on}.`, { hint: `Add ${on}.` });
    }
    values[key] = { ...(typeof outer === 'object' && outer), [inner]: value };
  }
  return values as OptionsOf<T, P>; // rows of these places, each with what its kind is parsed to
}

/**
 * @param label the option's name, for errors
 * @returns null or undefined for `None`, as readOptions
 * @throws {OptionsError} `badValue`
 */
export function parseText(label: string, spec: OptionSpec, text: string): unknown {
  if (takesNone(spec) && text.toLowerCase() === 'none') return spec.nullable ? null : undefined;
  const value = parsed(spec, text);
  if (value !== undefined && faultOf(spec, value) === undefined) return value;
  const hint = guess(spec, text) ?? (spec.none === undefined ? undefined : `None: ${spec.none}`);
  throw new OptionsError(
    'badValue',
    `${label} takes ${wantedText(spec)}, not "${shortened(text)}".`,
    hint === undefined ? {} : { hint },
  );
}

function guess(spec: OptionSpec, text: string): string | undefined {
  switch (spec.kind) {
    case 'choice':
      return didYouMean(guessChoice(text, spec.choices));
    case 'choices': {
      const items = text.split(/[,;\s]+/).map((item) => guessChoice(item, spec.choices));
      return didYouMean(items.includes(undefined) ? undefined : items.join(','));
    }
    case 'boolean':
    case 'table': {
      const value = guessBoolean(text);
      return didYouMean(value === undefined ? undefined : booleanText(value));
    }
    default:
      return undefined;
  }
}

function didYouMean(text: string | undefined): string | undefined {
  return text === undefined ? undefined : `Did you mean ${text}?`;
}

/** undefined for a text that is no value of the kind; ranges are not looked at. */
function parsed(spec: OptionSpec, text: string): unknown {
  switch (spec.kind) {
    case 'number':
      return numberOf(text);
    case 'integer': {
      const value = numberOf(text);
      return Number.isSafeInteger(value) ? value : undefined;
    }
    case 'numbers': {
      const numbers = text.split(',').map(numberOf);
      return numbers.includes(undefined) ? undefined : numbers;
    }
    case 'list':
      // Handed on as it is: an empty one has a meaning too.
      return text === '' || !text.split(',').map(numberOf).includes(undefined) ? text : undefined;
    case 'boolean':
    case 'table':
      return [true, false].find((value) => booleanText(value).toLowerCase() === text.toLowerCase());
    case 'choices':
    case 'names':
      return text.split(',').map((item) => item.trim());
    case 'text':
    case 'choice':
    case 'tokens':
      return text;
  }
}

function numberOf(text: string): number | undefined {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function wantedText(spec: OptionSpec): string {
  switch (spec.kind) {
    case 'boolean':
    case 'table':
      return 'True or False';
    case 'numbers':
    case 'list':
      return 'numbers with commas between them';
    case 'names':
      return 'names with commas between them';
    case 'choices':
      return `${wanted(spec)}, with commas between them`;
    default:
      return wanted(spec);
  }
}

/** `None` is taken where null is, or no value at all. */
function takesNone(spec: OptionSpec): boolean {
  return spec.nullable === true || defaultOf(spec) === undefined;
}

function defaultOf(spec: OptionSpec): unknown {
  return 'default' in spec ? spec.default : undefined;
}

function booleanText(value: boolean): string {
  return value ? 'True' : 'False';
}
