/**
 * Arguments of a command as openai/whisper's are written: `--option value` or `--option=value`, names with dashes or
 * underscores, `True`, `False` and `None` for values, anything else a file. Every option takes a value, `--help` and
 * `--version` excepted.
 */
import { OptionsError } from '../base/errors.ts';
import type { WrittenOption } from '../options/text.ts';

/** An option of openai/whisper's (or planned by us) that is not built: only the value that changes nothing is taken. */
export interface LaterOption {
  readonly name: string;
  /** Values, in lower case, that ask for what runs anyway. */
  readonly harmless: readonly string[];
  /** What it would do, for the sentence that refuses it: "beam search". */
  readonly what: string;
}

export interface ParsedArguments {
  readonly files: readonly string[];
  /** By name; those that were given. */
  readonly values: ReadonlyMap<string, string>;
  readonly help: boolean;
  readonly version: boolean;
}

/**
 * @throws {OptionsError} `unknownOption`, `missingValue`, `notBuilt`
 */
export function parseArguments(
  argv: readonly string[],
  options: readonly WrittenOption[],
  later: readonly LaterOption[] = [],
): ParsedArguments {
  const files: string[] = [];
  const values = new Map<string, string>();
  const seen = { help: false, version: false };
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i]!;
    if (argument === '--') {
      files.push(...argv.slice(i + 1));
      break;
    }
    if (!/^--?[A-Za-z]/.test(argument)) {
      files.push(argument);
      continue;
    }
    const equals = argument.indexOf('=');
    const written = equals < 0 ? argument : argument.slice(0, equals);
    const name = fullName(written, options);
    if (name === 'help' || name === 'version') {
      seen[name] = true;
      continue;
    }
    const unbuilt = later.find((option) => option.name === name);
    if (!unbuilt && !options.some((option) => option.name === name)) throw unknownOption(written, options, later);
    let value: string;
    if (equals >= 0) value = argument.slice(equals + 1);
    else {
      const next = argv[i + 1];
      // "-1" and "-0.5" are values; "--task" is another option.
      if (next === undefined || /^--?[A-Za-z]/.test(next)) {
        throw new OptionsError('missingValue', `${written} needs a value.`, {
          hint: `A value that begins with a dash is written ${written}=-value.`,
        });
      }
      value = next;
      i++;
    }
    if (unbuilt) refuse(unbuilt, value);
    else values.set(name, value);
  }
  return { files, values, ...seen };
}

function fullName(written: string, options: readonly WrittenOption[]): string {
  if (written.startsWith('--')) return written.slice(2).replaceAll('-', '_');
  const letter = written.slice(1);
  if (letter === 'h') return 'help';
  return options.find((option) => option.spec.command?.short === letter)?.name ?? written;
}

function refuse(option: LaterOption, value: string): void {
  if (option.harmless.includes(value.toLowerCase())) return;
  const takes = option.harmless.length > 0 ? ` Only --${option.name} ${spelled(option.harmless[0]!)} is taken.` : '';
  throw new OptionsError(
    'notBuilt',
    `--${option.name} ${value} asks for ${option.what}, which sotto does not do yet.`,
    {
      hint: `Leave the option out.${takes}`,
    },
  );
}

function spelled(value: string): string {
  return ['true', 'false', 'none'].includes(value) ? value[0]!.toUpperCase() + value.slice(1) : value;
}

function unknownOption(
  written: string,
  options: readonly WrittenOption[],
  later: readonly LaterOption[],
): OptionsError {
  const bare = written.replace(/^--?/, '').replaceAll('-', '_');
  const names = [...options, ...later].map((option) => option.name);
  const near = names
    .map((name) => ({ name, distance: name.startsWith(bare) ? 0.5 : editDistance(bare, name) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const close = near && near.distance <= Math.max(2, bare.length / 3);
  return new OptionsError('unknownOption', `There is no option ${written}.`, {
    hint: close ? `Did you mean --${near.name}?` : 'sotto --help lists the options.',
  });
}

/** Letters to insert, take away or change to make b of a (Levenshtein). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, previous[j]! + 1, row[j - 1]! + 1));
    }
    previous = row;
  }
  return previous[b.length]!;
}
