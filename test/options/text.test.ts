/** Options as they are written. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../src/base/errors.ts';
import type { OptionSpec } from '../../src/options/spec.ts';
import {
  commandDefaults,
  defaultText,
  helpSentences,
  parseText,
  placeholder,
  readOptions,
  withWrittenNames,
  writtenOptions,
} from '../../src/options/text.ts';
import { fault } from './fault.ts';
import { EVERY_KIND } from './table.ts';

const test = suite('options/text');

const { ratio, threshold, beamSize, ladder, blank, loud, hotWords, marks, task, formats, prefix, ids, clips, vad } =
  EVERY_KIND;

// [row, text, value]
const read: readonly [OptionSpec, string, unknown][] = [
  [ratio, '0.5', 0.5],
  [ratio, ' 1e-1 ', 0.1],
  [ratio, 'None', undefined],
  [threshold, '-3', -3],
  [threshold, 'none', null],
  [beamSize, '5', 5],
  [ladder, '0,0.2, 0.4', [0, 0.2, 0.4]],
  [blank, 'True', true],
  [blank, 'fAlSe', false],
  [loud, 'NONE', null],
  [hotWords, '', ''],
  [hotWords, 'None', undefined],
  [hotWords, ' a  b ', ' a  b '],
  // With a default it is a text like others.
  [marks, 'None', 'None'],
  [task, 'translate', 'translate'],
  [formats, 'srt', ['srt']],
  [formats, 'txt, srt', ['txt', 'srt']],
  [prefix, '1,2', '1,2'],
  [ids, '-1,11', '-1,11'],
  [ids, '', ''],
  [ids, 'None', null],
  [clips, '0, 12.5', '0, 12.5'],
  [vad, 'true', true],
];

const refused: readonly [OptionSpec, string, string][] = [
  [ratio, '', 'a number from 0 to 1'],
  [ratio, ' ', 'a number from 0 to 1'],
  [ratio, '1,5', 'a number from 0 to 1'],
  [ratio, '2', 'a number from 0 to 1'],
  [ratio, 'NaN', 'a number from 0 to 1'],
  [threshold, 'Infinity', 'a finite number'],
  [threshold, '1e999', 'a finite number'],
  [threshold, '0.1.2', 'a finite number'],
  [beamSize, '0', 'a whole number of at least 1'],
  [beamSize, '1.5', 'a whole number of at least 1'],
  [beamSize, '9007199254740993', 'a whole number of at least 1'],
  [beamSize, 'two', 'a whole number of at least 1'],
  [ladder, '', 'numbers with commas between them'],
  [ladder, '0,,1', 'numbers with commas between them'],
  [ladder, '0,-1', 'numbers with commas between them'],
  [blank, 'yes', 'True or False'],
  [blank, '1', 'True or False'],
  [blank, 'None', 'True or False'],
  [blank, '', 'True or False'],
  [task, 'Translate', 'one of transcribe, translate'],
  [task, '', 'one of transcribe, translate'],
  [formats, '', 'one or more of txt, srt, all, with commas between them'],
  [formats, 'txt,', 'one or more of txt, srt, all, with commas between them'],
  [formats, 'txt srt', 'one or more of txt, srt, all, with commas between them'],
  [ids, '1,', 'numbers with commas between them'],
  [ids, '1;2', 'numbers with commas between them'],
  [clips, 'all', 'numbers with commas between them'],
  [vad, '{}', 'True or False'],
];

test('texts become values of their kinds', () => {
  for (const [spec, text, value] of read) assert.equal(parseText('--x', spec, text), value, `${spec.kind} "${text}"`);
});

test('hostile texts are refused with what is wanted', () => {
  for (const [spec, text, wanted] of refused) {
    assert.is(
      fault(() => parseText('--x', spec, text)),
      `badValue: --x takes ${wanted}, not "${text}".`,
    );
  }
  try {
    parseText('--x', threshold, 'x');
    assert.unreachable();
  } catch (error) {
    assert.ok(error instanceof OptionsError);
    assert.is(error.hint, 'None: no such test.');
  }
});

test('what is written otherwise gets a guess', () => {
  const rows: [OptionSpec, string, string | undefined][] = [
    [task, 'Translate', 'translate'],
    [task, 'translation', 'translate'],
    [task, 'transcibe', 'transcribe'],
    [task, 'sing', undefined],
    [formats, 'text', 'txt'],
    [formats, '.srt', 'srt'],
    [formats, 'TXT;srt', 'txt,srt'],
    [formats, 'txt, subrip', 'txt,srt'],
    [formats, 'docx,srt', undefined],
    [blank, 'yes', 'True'],
    [blank, '1', 'True'],
    [vad, 'off', 'False'],
    [blank, '2', undefined],
    [task, 'constructor', undefined],
  ];
  for (const [spec, text, guessed] of rows) {
    try {
      parseText('--x', spec, text);
      assert.unreachable();
    } catch (error) {
      assert.ok(error instanceof OptionsError, text);
      assert.is(error.hint, guessed && `Did you mean ${guessed}?`, text);
    }
  }
});

test('of a value as long as a book the error shows the beginning', () => {
  assert.ok(fault(() => parseText('--x', task, 'x'.repeat(1e6))).length < 200);
});

test('names have underscores, and those of a table within begin with its name', () => {
  assert.equal(
    writtenOptions(EVERY_KIND, ['transcribe']).map(({ name }) => name),
    [
      ...['ratio', 'penalty', 'threshold', 'beam_size', 'ladder', 'blank', 'loud', 'hot_words', 'marks', 'task'],
      ...['formats', 'prefix', 'ids', 'clips', 'vad', 'vad_threshold', 'vad_min_speech'],
    ],
  );
  assert.equal(
    writtenOptions(EVERY_KIND, ['stream']).map(({ name }) => name),
    ['chunk'],
  );
  const named = { cacheDir: { ...hotWords, command: { name: 'model_dir' } } };
  assert.equal(readOptions(named, ['transcribe'], new Map([['model_dir', 'x']])), { cacheDir: 'x' });
});

test('what is written becomes options, and nothing else does', () => {
  const options = (...texts: [string, string][]) => readOptions(EVERY_KIND, ['transcribe'], new Map(texts), '--');
  assert.equal(options(), {});
  assert.equal(options(['beam_size', '2'], ['threshold', 'None'], ['hot_words', 'None']), {
    beamSize: 2,
    threshold: null,
    hotWords: undefined,
  });
  assert.ok('hotWords' in options(['hot_words', 'None']), 'None is given too');
  assert.equal(options(['vad', 'True']), { vad: true });
  assert.equal(options(['vad', 'False']), { vad: false });
  assert.equal(options(['vad_min_speech', '1'], ['vad', 'True'], ['vad_threshold', '2']), {
    vad: { threshold: 2, minSpeech: 1 },
  });
  for (const asked of [[], [['vad', 'False']]] as [string, string][][]) {
    assert.is(
      fault(() => options(...asked, ['vad_threshold', '2'])),
      'contradiction: --vad_threshold has no effect without --vad True.',
    );
  }
  assert.is(
    fault(() => options(['vad', 'True'], ['vad_threshold', '-2'])),
    'badValue: --vad_threshold takes a number of at least 0, not "-2".',
  );
});

test('help: placeholder, default and sentences', () => {
  const { threshold: decibels, minSpeech } = vad.options;
  const rows: [OptionSpec, string, string][] = [
    [ratio, 'X', 'None'],
    [threshold, 'X', '-1'],
    [beamSize, 'N', '5'],
    [ladder, 'X,...', '0,0.5'],
    [blank, 'True|False', 'True'],
    [loud, 'True|False|None', 'True'],
    [hotWords, 'TEXT', 'None'],
    [marks, 'TEXT', '.,'],
    [task, 'transcribe|translate', 'transcribe'],
    [vad, 'True|False', 'False'],
    [decibels, 'DB', '4'],
    [minSpeech, 'SECONDS', '0.1'],
    [{ ...ratio, command: { placeholder: 'P', default: 0.25 } }, 'P', '0.25'],
  ];
  for (const [spec, value, standard] of rows) assert.equal([placeholder(spec), defaultText(spec)], [value, standard]);
  assert.is(helpSentences(threshold), 'A sentence. None: no such test.');
  const needy: OptionSpec = { ...ratio, help: 'Needs beamSize.', none: '1.', command: { help: 'Not live.' } };
  assert.is(helpSentences(needy), 'Needs beam_size. None: 1. Not live.');
});

test('only names of several words are rewritten in sentences', () => {
  assert.is(
    withWrittenNames('noRepeatNgramSize and patience: see OpenAI, arecord, "de", vad.', '--'),
    '--no_repeat_ngram_size and patience: see OpenAI, arecord, "de", vad.',
  );
});

test('defaults of the command are those that are other than the library', () => {
  assert.equal(commandDefaults(EVERY_KIND, 'transcribe'), { beamSize: 5 });
  assert.equal(commandDefaults(EVERY_KIND, 'stream'), {});
});

test.run();
