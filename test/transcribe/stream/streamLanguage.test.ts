import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../../src/base/errors.ts';
import { StreamLanguage } from '../../../src/transcribe/stream/streamLanguage.ts';
import { throws } from '../../support/throws.ts';
import { englishTokenizer, tinyTokenizer } from '../../support/tokenizer.ts';

const test = suite('streamLanguage');

const detected = (language: string, probability: number) => ({
  language,
  detection: { language, probabilities: { [language]: probability } },
});

// [what, decodes: (language, probability, seconds of sound), decided after how many of them; 0: not at all]
const rows: [string, [string, number, number][], number][] = [
  [
    'two sure decodes in a row',
    [
      ['de', 0.9, 1],
      ['de', 0.8, 2],
    ],
    2,
  ],
  ['one alone is not enough, however sure', [['de', 1, 30]], 0],
  [
    'two that differ are not',
    [
      ['de', 0.9, 1],
      ['nl', 0.9, 2],
    ],
    0,
  ],
  [
    'the second of them counts with a third',
    [
      ['de', 0.9, 1],
      ['nl', 0.9, 2],
      ['nl', 0.9, 3],
    ],
    3,
  ],
  [
    'unsure ones wait for 10 s',
    [
      ['de', 0.5, 8],
      ['de', 0.79, 9.99],
      ['de', 0.3, 10],
    ],
    3,
  ],
  [
    'but not if they differ',
    [
      ['de', 0.5, 10],
      ['nl', 0.5, 11],
    ],
    0,
  ],
];
for (const [what, decodes, count] of rows) {
  test(what, () => {
    const reported: string[] = [];
    const language = new StreamLanguage(tinyTokenizer, { onLanguage: (code) => reported.push(code) });
    const decided = decodes.findIndex(([code, probability, seconds]) => {
      language.observe(detected(code, probability), 100 * seconds);
      return language.code !== undefined;
    });
    assert.is(decided + 1, count);
    assert.equal(reported, language.code === undefined ? [] : [language.code]);
  });
}

test('the last decode of a window decides, unless it is decided', () => {
  const reported: (string | number | undefined)[] = [];
  const language = new StreamLanguage(tinyTokenizer, {
    onLanguage: (code, detection) => reported.push(code, detection?.probabilities[code]),
  });
  language.finalize(detected('de', 0.3));
  language.finalize(detected('nl', 0.9));
  language.observe(detected('nl', 0.9), 3000);
  language.observe(detected('nl', 0.9), 3000);
  assert.is(language.code, 'de');
  assert.equal(reported, ['de', 0.3]);
});

test('a given language is checked and reported at once; an English-only model has English', async () => {
  const reported: unknown[] = [];
  const onLanguage = (...given: unknown[]) => reported.push(given);
  assert.is(new StreamLanguage(tinyTokenizer, { language: 'Castilian', onLanguage }).code, 'es');
  assert.is(new StreamLanguage(englishTokenizer, { onLanguage }).code, 'en');
  assert.equal(reported, [
    ['es', undefined],
    ['en', undefined],
  ]);
  for (const language of ['yue', 'xx'])
    await throws(OptionsError, 'language', () => new StreamLanguage(tinyTokenizer, { language }));
});

test.run();
