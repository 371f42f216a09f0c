/** Arguments: spelling, values, refusals, help. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../src/base/errors.ts';
import { parseArguments } from '../../src/cli/args.ts';
import { helpText } from '../../src/cli/help.ts';
import { LATER, OPTIONS } from '../../src/cli/options.ts';
import { OptionValues } from '../../src/cli/values.ts';
import { throws } from '../support/throws.ts';

const test = suite('cli/args');

const parse = (line: string) => parseArguments(line.split(' '), OPTIONS, LATER);
const read = (line: string) => new OptionValues(parse(line).values, OPTIONS);

test('spaces, equals signs, dashes and underscores are one spelling', () => {
  for (const line of [
    'a.wav --output_format json',
    '--output-format=json a.wav',
    '-f json a.wav',
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
  const v = new OptionValues(values, OPTIONS);
  assert.is(v.flag('condition_on_previous_text'), true);
  assert.is(v.textOrNone('initial_prompt'), undefined);
  assert.is(v.text('suppress_tokens'), '-1');
});

test('negative numbers and empty texts are values', () => {
  assert.is(read('a --logprob_threshold -0.5').numberOrNone('logprob_threshold'), -0.5);
  assert.is(read('a --suppress_tokens -1').text('suppress_tokens'), '-1');
  assert.is(read('a --suppress_tokens=').text('suppress_tokens'), '');
  assert.is(read('a --no_speech_threshold None').numberOrNone('no_speech_threshold'), undefined);
  assert.is(read('a --carry_initial_prompt true').flag('carry_initial_prompt'), true);
  assert.is(read('a --verbose None').flagOrNone('verbose'), undefined);
});

test('after "--" everything is a file, and so is "-"', () => {
  assert.equal(parse('- -- --task -o').files, ['-', '--task', '-o']);
});

test('unknown options are refused with the nearest name', async () => {
  const rows: [string, string][] = [
    ['--langage de', 'Did you mean --language?'],
    ['--lang de', 'Did you mean --language?'],
    ['--output-formt json', 'Did you mean --output_format?'],
    ['--beam-sise 5', 'Did you mean --beam_size?'],
    ['--bach_size 5', 'Did you mean --batch_size?'],
    ['--xyzzy 1', 'sotto --help lists the options.'],
    ['-q 1', 'sotto --help lists the options.'],
  ];
  for (const [line, hint] of rows) {
    const error = await throws(OptionsError, 'unknownOption', () => parse(line));
    assert.is(error.hint, hint, line);
  }
});

test('what is not built is refused with a sentence, and its harmless value taken', async () => {
  const half = await throws(OptionsError, 'notBuilt', () => parse('--fp16 True'));
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

test('bad values are refused with what is wanted', async () => {
  const rows: [() => unknown, string][] = [
    [() => read('--verbose yes').flagOrNone('verbose'), '--verbose takes True or False, not "yes".'],
    [() => read('--threads two').whole('threads'), '--threads takes a number, not "two".'],
    [() => read('--threads 1.5').whole('threads'), '--threads takes a whole number not below 0, not "1.5".'],
    [
      () => read('--logprob_threshold=').numberOrNone('logprob_threshold'),
      '--logprob_threshold takes a number, not "".',
    ],
    [
      () => read('--task sing').choice('task', ['transcribe', 'translate']),
      '--task takes one of transcribe, translate, not "sing".',
    ],
  ];
  for (const [action, message] of rows) assert.is((await throws(OptionsError, 'badValue', action)).message, message);
  await throws(OptionsError, 'missingValue', () => parse('a --task'), '--task needs a value');
  await throws(
    OptionsError,
    'missingValue',
    () => parse('--initial_prompt --task translate'),
    '--initial_prompt needs',
  );
});

test('the help shows six examples first, and every option with its default', () => {
  const text = helpText(100);
  const examples = text.slice(text.indexOf('Examples:'), text.indexOf('Model and device:'));
  assert.is(examples.match(/^ {2}(sotto|arecord) /gm)?.length, 6);
  for (const option of OPTIONS) assert.match(text, `--${option.name}`);
  for (const option of OPTIONS) assert.match(text, `(default: ${option.default})`);
  for (const width of [40, 80, 100]) {
    for (const line of helpText(width)
      .split('\n')
      .filter((l) => !/^ {2}(--|sotto|arecord)/.test(l)))
      assert.ok(line.length <= Math.max(50, width), line);
  }
});

test.run();
