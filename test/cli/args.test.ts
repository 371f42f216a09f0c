/** Arguments: spelling, values, refusals, help. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../src/base/errors.ts';
import { parseArguments } from '../../src/cli/args.ts';
import { COMMAND_WORDS } from '../../src/cli/commandWords.ts';
import { helpText } from '../../src/cli/help.ts';
import { givenOptions, LATER, OPTIONS } from '../../src/cli/options.ts';
import { defaultText, type WrittenOption } from '../../src/options/text.ts';

const test = suite('cli/args');

const parse = (line: string) => parseArguments(line.split(' '), OPTIONS, LATER);
const read = (line: string) => givenOptions(parse(line).values);

function refusal(action: () => unknown): OptionsError {
  try {
    action();
  } catch (error) {
    if (error instanceof OptionsError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

test('spaces, equals signs, dashes and underscores are one spelling', () => {
  for (const line of [
    'a.wav --output_format json',
    '--output-format=json a.wav',
    '-f json a.wav',
    '-f=json a.wav',
    'a.wav --output_format=json',
  ]) {
    const { files, values } = parse(line);
    assert.equal(files, ['a.wav'], line);
    assert.equal([...values], [['output_format', 'json']], line);
  }
});

test('what the acceptance script passes is understood', () => {
  const line =
    'clip1.flac clip2.wav --model tiny --device cpu --output_format json --output_dir out --verbose False ' +
    '--language=de --word_timestamps=False --condition_on_previous_text=True --suppress_tokens=-1 --beam_size=None ' +
    '--initial_prompt=None --temperature 0 --temperature_increment_on_fallback None';
  const { files, values } = parse(line);
  assert.equal(files, ['clip1.flac', 'clip2.wav']);
  assert.is(values.get('word_timestamps'), 'False');
  const given = givenOptions(values);
  assert.is(given.conditionOnPreviousText, true);
  assert.ok('initialPrompt' in given);
  assert.is(given.initialPrompt, undefined);
  assert.is(given.suppressTokens, '-1');
});

test('negative numbers and empty texts are values', () => {
  assert.equal(read('a --logprob_threshold -0.5'), { logprobThreshold: -0.5 });
  assert.equal(read('a --suppress_tokens -1'), { suppressTokens: '-1' });
  assert.equal(read('a --suppress_tokens='), { suppressTokens: '' });
  assert.equal(read('a --no_speech_threshold None'), { noSpeechThreshold: null });
  assert.equal(read('a --carry_initial_prompt true'), { carryInitialPrompt: true });
  assert.equal(read('a --verbose None'), { verbose: null });
});

test('an option without its value says how it is written', () => {
  const rows: [string, string][] = [
    ['a --vad', 'For example: --vad True'],
    ['a --verbose -f txt', 'For example: --verbose True'],
    ['a --language', 'For example: --language CODE|NAME'],
    ['a --initial_prompt --vad True', 'A value that begins with a dash is written --initial_prompt=--vad.'],
  ];
  for (const [line, hint] of rows) {
    const error = refusal(() => parse(line));
    assert.is(error.code, 'missingValue', line);
    assert.is(error.hint, hint, line);
  }
  assert.equal([...parse('a -m tiny').values], [['model', 'tiny']]);
});

test('after "--" everything is a file, and so is "-"', () => {
  assert.equal(parse('- -- --task -o').files, ['-', '--task', '-o']);
});

test('unknown options are refused with the nearest name', () => {
  const rows: [string, string][] = [
    ['--langage de', 'Did you mean --language?'],
    ['--lang de', 'Did you mean --language?'],
    ['--output-formt json', 'Did you mean --output_format?'],
    ['--beam-sise 5', 'Did you mean --beam_size?'],
    ['--bach_size 5', 'Did you mean --batch_size?'],
    ['--xyzzy 1', 'sotto --help lists the options.'],
    ['-q 1', 'Did you mean --verbose None?'],
    ['-z 1', 'sotto --help lists the options.'],
    ['-dash.wav', 'If you mean the file: ./-dash.wav'],
    ['--vad-filter True', 'Did you mean --vad?'],
    // whisper.cpp's
    ['-l de', 'Did you mean --language?'],
    ['-t 4', 'Did you mean --threads?'],
    ['-osrt', 'Did you mean -f srt?'],
    ['-ovtt', 'Did you mean -f vtt?'],
    ['--translate', 'Did you mean --task translate?'],
  ];
  for (const [line, hint] of rows) {
    const error = refusal(() => parse(line));
    assert.is(error.code, 'unknownOption', line);
    assert.is(error.hint, hint, line);
  }
});

test('what is not built is refused with a sentence, and its harmless value taken', () => {
  const half = refusal(() => parse('--fp16 True'));
  assert.is(half.code, 'notBuilt');
  assert.is(half.message, '--fp16 True asks for computing in half precision, which sotto does not do yet.');
  assert.is(half.hint, 'Leave the option out. Only --fp16 False is taken.');
  parse('--fp16 False');
});

test('every option of openai/whisper is known', () => {
  const names =
    'model model_dir device output_dir output_format verbose task language temperature best_of beam_size patience ' +
    'length_penalty suppress_tokens initial_prompt carry_initial_prompt condition_on_previous_text fp16 ' +
    'temperature_increment_on_fallback compression_ratio_threshold logprob_threshold no_speech_threshold ' +
    'word_timestamps prepend_punctuations append_punctuations highlight_words max_line_width max_line_count ' +
    'max_words_per_line hallucination_silence_threshold clip_timestamps threads';
  const known = new Set([...OPTIONS, ...LATER].map((option) => option.name));
  for (const name of names.split(' ')) assert.ok(known.has(name), name);
});

test('bad values are refused with what is wanted', () => {
  const rows: [string, string][] = [
    ['--verbose yes', '--verbose takes True or False, not "yes".'],
    ['--threads two', '--threads takes a whole number from 0 to 256, not "two".'],
    ['--threads 1.5', '--threads takes a whole number from 0 to 256, not "1.5".'],
    ['--logprob_threshold=', '--logprob_threshold takes a finite number, not "".'],
    ['--task sing', '--task takes one of transcribe, translate, not "sing".'],
  ];
  for (const [line, message] of rows) assert.is(refusal(() => read(line)).message, message);
  assert.is(refusal(() => parse('a --task')).code, 'missingValue');
  assert.is(refusal(() => parse('--initial_prompt --task translate')).code, 'missingValue');
});

test('a flag stands alone, or with its value', () => {
  const option = (name: string, flag: boolean): WrittenOption => ({
    name,
    path: [name],
    spec: { kind: 'boolean', where: ['command'], group: 'output', help: '', ...(flag && { command: { flag } }) },
    where: ['command'],
  });
  const options = [option('force', true), option('other', false)];
  const read = (...argv: readonly string[]): string => {
    const { files, values } = parseArguments(argv, options);
    return `${files.join(' ')}|${[...values].map(([name, value]) => `${name}=${value}`).join(' ')}`;
  };
  assert.is(read('--force'), '|force=True');
  assert.is(read('--force', 'folder'), 'folder|force=True');
  assert.is(read('--force', '--other', 'True'), '|force=True other=True');
  assert.is(read('--force', 'False', 'folder'), 'folder|force=False');
  assert.is(read('--force=False', 'True'), 'True|force=False');
  assert.throws(() => read('--other'), /needs a value/);
});

test('the help shows seventeen examples first, and every option with its default', () => {
  const text = helpText(100);
  const examples = text.slice(text.indexOf('Examples:'), text.indexOf('Model and device:'));
  assert.is(examples.match(/^ {2}(sotto|arecord) /gm)?.length, 17);
  for (const { name, spec } of OPTIONS) {
    assert.match(text, `--${name}`);
    assert.match(text, `(default: ${defaultText(spec)})`);
  }
  for (const word of COMMAND_WORDS) if (word !== 'version') assert.match(text, `sotto ${word}`);
});

test('the help fits the terminal, but for commands and values that have no blanks', () => {
  for (const width of [20, 40, 80, 100, 200]) {
    for (const line of helpText(width).split('\n')) {
      const isOneWord = /^ *(--\S+( -\w)? \S+|sotto .*|arecord .*|\S+|\(default: \S+\))$/.test(line);
      assert.ok(isOneWord || line.length <= Math.max(44, width), `${width}: ${line}`);
    }
  }
});

test.run();
