import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkNames, checkValues } from '../../src/options/check.ts';
import { fault } from './fault.ts';
import { EVERY_KIND } from './table.ts';

const test = suite('options/check');
/** What JavaScript may hand in. */
const anything = (given: unknown): object => given as object;

const accepted: readonly object[] = [
  {},
  { ratio: 0 },
  { ratio: 1 },
  { ratio: undefined },
  { penalty: Number.MIN_VALUE },
  { threshold: null },
  { threshold: -Number.MAX_VALUE },
  { beamSize: 1 },
  { beamSize: 2 ** 60 },
  { ladder: 0.3 },
  { ladder: [0, 1] },
  { blank: false },
  { hotWords: '' },
  { task: 'translate' },
  { prefix: 'So' },
  { prefix: [0, 50256] },
  { prefix: [] },
  { ids: '' },
  { ids: [-1, 3] },
  { ids: null },
  // Whoever uses a list says what is wrong with its numbers.
  { clips: 'abc' },
  { vad: true },
  { vad: {} },
  { vad: { threshold: 0, minSpeech: undefined } },
  // Of another place: not looked at here.
  { chunk: 'x' },
];

// [options, code, what the sentence says]
const refused: readonly [object, string][] = [
  [{ ratio: 1.01 }, 'range: ratio is 1.01, not a number from 0 to 1.'],
  [{ ratio: -0.1 }, 'range: ratio is -0.1, not a number from 0 to 1.'],
  [{ ratio: Number.NaN }, 'range: ratio is NaN, not a number from 0 to 1.'],
  [{ ratio: '0' }, 'type: ratio is "0", not a number from 0 to 1.'],
  [{ ratio: null }, 'type: ratio is null, not a number from 0 to 1.'],
  [{ ratio: [0] }, 'type: ratio is [0], not a number from 0 to 1.'],
  [{ penalty: 0 }, 'range: penalty is 0, not a number above 0.'],
  [{ threshold: Number.POSITIVE_INFINITY }, 'range: threshold is Infinity, not a finite number.'],
  [{ beamSize: 0 }, 'range: beamSize is 0, not a whole number of at least 1.'],
  [{ beamSize: 2.5 }, 'range: beamSize is 2.5, not a whole number of at least 1.'],
  [{ ladder: [] }, 'range: ladder is [], not a number of at least 0, or a list of at least one.'],
  [{ ladder: -1 }, 'range: ladder is -1, not a number of at least 0, or a list of at least one.'],
  [{ ladder: [0, -1] }, 'range: ladder is [0,-1], not a number of at least 0, or a list of at least one.'],
  [{ ladder: [0, '1'] }, 'type: ladder is [0,1], not a number of at least 0, or a list of at least one.'],
  [{ blank: 'True' }, 'type: blank is "True", not true or false.'],
  [{ blank: null }, 'type: blank is null, not true or false.'],
  [{ hotWords: 3 }, 'type: hotWords is 3, not a text.'],
  [{ task: 'sing' }, 'range: task is "sing", not one of transcribe, translate.'],
  [{ task: null }, 'range: task is null, not one of transcribe, translate.'],
  [{ prefix: [1.5] }, 'type: prefix is [1.5], not a text or a list of token ids.'],
  [{ prefix: [-1] }, 'type: prefix is [-1], not a text or a list of token ids.'],
  [{ ids: 5 }, 'type: ids is 5, not a list of numbers.'],
  [{ clips: null }, 'type: clips is null, not a list of numbers.'],
  [{ vad: null }, 'type: vad is null, not true, false or an object of options.'],
  [{ vad: 'x' }, 'type: vad is "x", not true, false or an object of options.'],
  [{ vad: { loudness: 1 } }, 'unknown: There is no option vad.loudness.'],
  [{ vad: { constructor: 1 } }, 'unknown: There is no option vad.constructor.'],
  [{ vad: { threshold: -1 } }, 'range: vad.threshold is -1, not a number of at least 0.'],
  [{ vad: { minSpeech: '1' } }, 'type: vad.minSpeech is "1", not a finite number.'],
];

test('what are no options; callbacks and signals that are none', () => {
  const rows: [unknown, string][] = [
    [null, 'type: The options are null, not an object.'],
    ['de', 'type: The options are "de", not an object.'],
    [{ onProgress: 5 }, 'type: onProgress is 5, not a function.'],
    [{ onWarning: null }, 'type: onWarning is null, not a function.'],
    [{ signal: {} }, 'type: signal is [object Object], not an AbortSignal.'],
    [{ signal: null }, 'type: signal is null, not an AbortSignal.'],
    [{ signal: AbortSignal.abort(), onProgress: () => {}, onSegment: undefined }, ''],
  ];
  for (const [options, message] of rows)
    assert.is(
      fault(() => checkValues(EVERY_KIND, 'transcribe', anything(options))),
      message,
    );
  assert.is(
    fault(() => checkNames(EVERY_KIND, 'transcribe', anything(null))),
    'type: The options are null, not an object.',
  );
});

for (const options of accepted) {
  test(`${JSON.stringify(options)}: fine`, () => {
    assert.is(
      fault(() => checkValues(EVERY_KIND, 'transcribe', options)),
      '',
    );
  });
}

for (const [options, message] of refused) {
  test(message, () => {
    assert.is(
      fault(() => checkValues(EVERY_KIND, 'transcribe', options)),
      message,
    );
  });
}

test('names: those of the place, and no others', () => {
  const names = (options: object, phrase?: string) =>
    fault(() => checkNames(EVERY_KIND, 'transcribe', options, { onSegment: true }, phrase));
  assert.is(names({ ratio: 'anything', onSegment: 1 }), '');
  assert.is(names({ rato: 1 }), 'unknown: There is no option rato.');
  assert.is(names({ rato: undefined }), 'unknown: There is no option rato.');
  assert.is(names({ chunk: 1 }, 'A recording has no option'), 'unknown: A recording has no option chunk.');
  for (const name of ['constructor', 'toString', '__proto__']) {
    const options = Object.fromEntries([[name, 1]]);
    assert.is(names(options), `unknown: There is no option ${name}.`);
  }
});

test('a long value is cut in the sentence', () => {
  const message = fault(() => checkValues(EVERY_KIND, 'transcribe', { task: 'la '.repeat(1000) }));
  assert.match(message, /^range: task is "la la .{60,80} \.\.\., not one of transcribe, translate\.$/);
});

test.run();
