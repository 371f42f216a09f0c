/** Holds what a caller gives against a table of options. */
import { OptionsError } from '../base/errors.ts';
import type { NumberRange, OptionSpec, OptionTable, Place } from './spec.ts';

/** Characters of a value that an error shows. */
const MOST_SHOWN = 80;

/**
 * @param callbacks what the place takes beside the rows, by name
 * @param phrase    what the sentence says before the name
 * @throws {OptionsError} `unknown` for a name that is not of the place
 */
export function checkNames(
  table: OptionTable,
  place: Place,
  options: object,
  callbacks: object = {},
  phrase = 'There is no option',
): void {
  checkObject(options);
  for (const name of Object.keys(options)) {
    const isRow = Object.hasOwn(table, name) && table[name]?.where.includes(place);
    if (!isRow && !Object.hasOwn(callbacks, name)) throw new OptionsError('unknown', `${phrase} ${name}.`);
  }
}

/**
 * @param options of the table, and callbacks (`on...`) and a `signal` beside them; from JavaScript it may be anything
 * @throws {OptionsError} `type` for a value of the wrong kind, `range` for one that is out of range
 */
export function checkValues(table: OptionTable, place: Place, options: object): void {
  checkObject(options);
  for (const [name, value] of Object.entries(options)) {
    const fault = value === undefined ? undefined : callFault(name, value);
    if (fault !== undefined) throw new OptionsError('type', `${name} is ${shown(value)}, not ${fault}.`);
  }
  for (const [name, spec] of Object.entries(table)) {
    if (spec.where.includes(place)) checkValue(name, spec, propertyOf(options, name));
  }
}

function checkObject(options: unknown): void {
  if (isObject(options)) return;
  throw new OptionsError('type', `The options are ${shown(options)}, not an object.`);
}

/** What a callback or a signal should be, if it is none. */
function callFault(name: string, value: unknown): string | undefined {
  if (/^on[A-Z]/.test(name)) return typeof value === 'function' ? undefined : 'a function';
  if (name !== 'signal') return undefined;
  return isObject(value) && 'throwIfAborted' in value ? undefined : 'an AbortSignal';
}

function checkValue(name: string, spec: OptionSpec, value: unknown): void {
  if (value === undefined || (value === null && spec.nullable)) return;
  if (spec.kind === 'table' && isObject(value)) {
    for (const inner of Object.keys(value)) {
      if (!Object.hasOwn(spec.options, inner)) {
        throw new OptionsError('unknown', `There is no option ${name}.${inner}.`);
      }
    }
    for (const [inner, row] of Object.entries(spec.options))
      checkValue(`${name}.${inner}`, row, propertyOf(value, inner));
    return;
  }
  const code = faultOf(spec, value);
  if (code) throw new OptionsError(code, `${name} is ${shown(value)}, not ${wanted(spec)}.`);
}

/** What is wrong with a value: the error's code; undefined if nothing is. */
export function faultOf(spec: OptionSpec, value: unknown): 'type' | 'range' | undefined {
  switch (spec.kind) {
    case 'number':
    case 'integer':
      if (typeof value !== 'number') return 'type';
      return inRange(value, spec) && (spec.kind === 'number' || Number.isInteger(value)) ? undefined : 'range';
    case 'numbers': {
      const list: readonly unknown[] = Array.isArray(value) ? value : [value];
      if (!list.every((item) => typeof item === 'number')) return 'type';
      return list.length > 0 && list.every((item) => inRange(item, spec)) ? undefined : 'range';
    }
    case 'boolean':
    case 'table':
      return typeof value === 'boolean' ? undefined : 'type';
    case 'text':
      return typeof value === 'string' ? undefined : 'type';
    case 'choice':
      return spec.choices.some((choice) => choice === value) ? undefined : 'range';
    case 'choices':
      if (!Array.isArray(value)) return 'type';
      return value.length > 0 && value.every((item) => spec.choices.includes(item)) ? undefined : 'range';
    case 'names':
      if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) return 'type';
      return value.length > 0 && value.every((item) => item.trim() !== '' && !/\p{Cc}/u.test(item))
        ? undefined
        : 'range';
    case 'tokens':
      if (typeof value === 'string') return undefined;
      return Array.isArray(value) && value.every((id) => Number.isInteger(id) && id >= 0) ? undefined : 'type';
    case 'list':
      return typeof value === 'string' || (isObject(value) && Symbol.iterator in value) ? undefined : 'type';
  }
}

/** What an option takes, as the end of "x is 3, not ...". */
export function wanted(spec: OptionSpec): string {
  switch (spec.kind) {
    case 'number':
    case 'integer':
      return numberText(spec.kind === 'integer' ? 'whole number' : 'number', spec);
    case 'numbers':
      return `${numberText('number', spec)}, or a list of at least one`;
    case 'boolean':
      return 'true or false';
    case 'text':
      return 'a text';
    case 'choice':
      return `one of ${spec.choices.join(', ')}`;
    case 'choices':
      return `one or more of ${spec.choices.join(', ')}`;
    case 'names':
      return 'a list of names, each in one line';
    case 'tokens':
      return 'a text or a list of token ids';
    case 'list':
      return 'a list of numbers';
    case 'table':
      return 'true, false or an object of options';
  }
}

function inRange(
  value: number,
  { min = -Number.MAX_VALUE, max = Number.MAX_VALUE, above = -Infinity }: NumberRange,
): boolean {
  return value >= min && value <= max && value > above;
}

function numberText(noun: string, { min, max, above }: NumberRange): string {
  if (above !== undefined) return `a ${noun} above ${above}`;
  if (min !== undefined && max !== undefined) return `a ${noun} from ${min} to ${max}`;
  if (min !== undefined) return `a ${noun} of at least ${min}`;
  return max === undefined ? `a finite ${noun}` : `a ${noun} of at most ${max}`;
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : Array.isArray(value) ? `[${value}]` : String(value);
  return shortened(text);
}

/** As much of a value as an error shows. */
export function shortened(text: string): string {
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)} ...` : text;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function propertyOf(options: object, name: string): unknown {
  return (options as Readonly<Record<string, unknown>>)[name]; // any object may be asked for any name
}
