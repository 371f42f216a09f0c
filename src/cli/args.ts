/**
 * Arguments of a command as openai/whisper's are written: `--option value` or `--option=value`, names with dashes or
 * underscores, `True`, `False` and `None` for values, anything else a file. Every option takes a value, `--help`, `--version`
 * and flags excepted.
 */
import { existsSync } from 'node:fs';
import { OptionsError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { guessBoolean } from '../options/guess.ts';
import { placeholder, type WrittenOption } from '../options/text.ts';

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
    const unbuilt = later.find((one) => one.name === name);
    const option = options.find((one) => one.name === name);
    if (!unbuilt && !option) throw unknownOption(written, options, later);
    let value: string;
    const next = argv[i + 1];
    if (equals >= 0) value = argument.slice(equals + 1);
    else if (option?.spec.command?.flag && !isClaim(next)) value = 'True';
    else {
      // "-1" and "-0.5" are values; "--task" is another option.
      if (next === undefined || /^--?[A-Za-z]/.test(next)) {
        throw new OptionsError('missingValue', `${written} needs a value.`, { hint: valueHint(written, option, next) });
      }
      value = next;
      i++;
    }
    if (unbuilt) refuse(unbuilt, value);
    else values.set(name, value);
  }
  return { files, values, ...seen };
}

function isClaim(text: string | undefined): boolean {
  return text !== undefined && guessBoolean(text) !== undefined;
}

function valueHint(written: string, option: WrittenOption | undefined, next: string | undefined): string {
  if (option?.spec.kind === 'boolean' || option?.spec.kind === 'table') return `For example: ${written} True`;
  if (next === undefined) return `For example: ${written} ${option ? placeholder(option.spec) : 'False'}`;
  return `A value that begins with a dash is written ${written}=${next}.`;
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

/** Options of other programs that transcribe, most of them whisper.cpp's, with what they are here. */
const FOREIGN: Readonly<Record<string, string>> = {
  '-l': 'Did you mean --language?',
  '-t': 'Did you mean --threads?',
  '-p': 'Did you mean --threads?',
  '-otxt': 'Did you mean -f txt?',
  '-osrt': 'Did you mean -f srt?',
  '-ovtt': 'Did you mean -f vtt?',
  '-oj': 'Did you mean -f json?',
  '-ojf': 'Did you mean -f verbose_json?',
  '-ocsv': 'Did you mean -f csv?',
  '-olrc': 'Did you mean -f lrc?',
  '-of': 'Did you mean --output_dir?',
  '-tr': 'Did you mean --task translate?',
  '-ng': 'Did you mean --device cpu?',
  '-bs': 'Did you mean --beam_size?',
  '-bo': 'Did you mean --best_of?',
  '-tp': 'Did you mean --temperature?',
  '-ml': 'Did you mean --max_line_width?',
  '-np': 'Did you mean --verbose False?',
  '-i': 'A recording is named without an option: sotto talk.mp3',
  '--input': 'A recording is named without an option: sotto talk.mp3',
  '--file': 'A recording is named without an option: sotto talk.mp3',
  '-v': 'Did you mean --verbose or --version?',
  '-V': 'Did you mean --version?',
  '-q': 'Did you mean --verbose None?',
  '--quiet': 'Did you mean --verbose None?',
  '--silent': 'Did you mean --verbose None?',
  '--translate': 'Did you mean --task translate?',
  '--format': 'Did you mean --output_format?',
  '--output': 'Did you mean --output_dir?',
  '--gpu': 'Did you mean --device webgpu?',
  '--cpu': 'Did you mean --device cpu?',
  '--compute_type': 'Did you mean --dtype?',
  '--vad_filter': 'Did you mean --vad?',
  '--prompt': 'Did you mean --initial_prompt?',
  '--diarize': 'sotto does not tell speakers apart.',
};

function unknownOption(
  written: string,
  options: readonly WrittenOption[],
  later: readonly LaterOption[],
): OptionsError {
  if (existsSync(written) || /\.\w{2,4}$/.test(written)) {
    return new OptionsError('unknownOption', `There is no option ${written}.`, {
      hint: `If you mean the file: ./${written}`,
    });
  }
  const bare = written.replace(/^--?/, '').replaceAll('-', '_');
  const key = written.startsWith('--') ? `--${bare}` : written;
  const foreign = Object.hasOwn(FOREIGN, key) ? FOREIGN[key] : undefined;
  if (foreign) return new OptionsError('unknownOption', `There is no option ${written}.`, { hint: foreign });
  const names = [...options, ...later].map((option) => option.name);
  const near = nearest(bare, names);
  return new OptionsError('unknownOption', `There is no option ${written}.`, {
    hint: near === undefined ? 'sotto --help lists the options.' : `Did you mean --${near}?`,
  });
}
