/** Reads the values of options: what is written on the command line, as numbers, claims and words. */
import { OptionsError } from '../base/errors.ts';
import type { OptionSpec } from './args.ts';

export class OptionValues {
  readonly #values: ReadonlyMap<string, string>;
  readonly #options: readonly OptionSpec[];

  constructor(values: ReadonlyMap<string, string>, options: readonly OptionSpec[]) {
    this.#values = values;
    this.#options = options;
  }

  isGiven(name: string): boolean {
    return this.#values.has(name);
  }

  /** As written, or the default. */
  text(name: string): string {
    const value = this.#values.get(name) ?? this.#options.find((option) => option.name === name)?.default;
    if (value === undefined) throw new TypeError(`no option ${name}`);
    return value;
  }

  /** Undefined for `None`. */
  textOrNone(name: string): string | undefined {
    const value = this.text(name);
    return isNone(value) ? undefined : value;
  }

  flag(name: string): boolean {
    const value = this.flagOrNone(name);
    if (value === undefined) throw this.#bad(name, 'True or False');
    return value;
  }

  flagOrNone(name: string): boolean | undefined {
    switch (this.text(name).toLowerCase()) {
      case 'true':
        return true;
      case 'false':
        return false;
      case 'none':
        return undefined;
    }
    throw this.#bad(name, 'True or False');
  }

  number(name: string, least = -Infinity): number {
    const value = this.numberOrNone(name, least);
    if (value === undefined) throw this.#bad(name, 'a number');
    return value;
  }

  numberOrNone(name: string, least = -Infinity): number | undefined {
    const text = this.text(name).trim();
    if (isNone(text)) return undefined;
    const value = Number(text);
    if (text === '' || !Number.isFinite(value)) throw this.#bad(name, 'a number');
    if (value < least) throw this.#bad(name, `a number not below ${least}`);
    return value;
  }

  whole(name: string, least = 0): number {
    const value = this.number(name);
    if (!Number.isSafeInteger(value) || value < least) throw this.#bad(name, `a whole number not below ${least}`);
    return value;
  }

  /** Undefined for `None`. */
  wholeOrNone(name: string, least = 0): number | undefined {
    return isNone(this.text(name)) ? undefined : this.whole(name, least);
  }

  choice<const C extends string>(name: string, choices: readonly C[]): C {
    const value = this.text(name);
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw this.#bad(name, `one of ${choices.join(', ')}`);
    return found;
  }

  #bad(name: string, wanted: string): OptionsError {
    return new OptionsError('badValue', `--${name} takes ${wanted}, not "${this.text(name)}".`);
  }
}

function isNone(text: string): boolean {
  return text.toLowerCase() === 'none';
}
