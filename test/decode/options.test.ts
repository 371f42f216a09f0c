import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../src/base/errors.ts';
import { checkDecodingOptions, type DecodingOptions, maxCandidates } from '../../src/decode/options.ts';

const test = suite('decoding options');

// [options, code of the error or '']
const rows: [DecodingOptions, string][] = [
  [{}, ''],
  [{ temperature: 0, beamSize: 5, patience: 2, lengthPenalty: 0 }, ''],
  [{ temperature: 0.2, bestOf: 5, lengthPenalty: 1 }, ''],
  [{ maxInitialTimestamp: null, suppressTokens: null, prompt: [], prefix: '' }, ''],
  [{ beamSize: 5, bestOf: 5 }, 'contradiction'],
  [{ bestOf: 5 }, 'contradiction'],
  [{ bestOf: 5, temperature: 0 }, 'contradiction'],
  [{ beamSize: 5, temperature: 0.2 }, 'contradiction'],
  [{ patience: 2 }, 'contradiction'],
  [{ lengthPenalty: 1.5, beamSize: 2 }, 'range'],
  [{ lengthPenalty: -0.1 }, 'range'],
  [{ beamSize: 2, patience: 0.1 }, 'range'],
  [{ beamSize: 0 }, 'range'],
  [{ beamSize: 2.5 }, 'range'],
  [{ temperature: -1 }, 'range'],
  [{ temperature: Number.NaN }, 'range'],
  [{ temperature: Number.POSITIVE_INFINITY }, 'range'],
  [{ sampleLen: 0 }, 'range'],
  [{ maxInitialTimestamp: -1 }, 'range'],
  [{ seed: -1 }, 'range'],
  [{ seed: 2 ** 32 }, 'range'],
  [{ prompt: [1.5] }, 'type'],
  [{ prefix: [-1] }, 'type'],
];
// What a caller without types may pass.
const untyped: [object, string][] = [
  [{ task: 'lang_id' }, 'range'],
  [{ temperature: '0' }, 'type'],
  [{ suppressBlank: 'True' }, 'type'],
  [{ language: 3 }, 'type'],
];

for (const [options, code] of [...rows, ...(untyped as [DecodingOptions, string][])]) {
  test(`${JSON.stringify(options)}: ${code || 'fine'}`, () => {
    if (code === '') return checkDecodingOptions(options);
    assert.throws(
      () => checkDecodingOptions(options),
      (e: unknown) => e instanceof OptionsError && e.code === code,
    );
  });
}

test('halves of beamSize * patience go to the even number', () => {
  assert.is(maxCandidates(5), 5);
  assert.is(maxCandidates(5, 0.5), 2);
  assert.is(maxCandidates(5, 0.7), 4);
  assert.is(maxCandidates(3, 0.5), 2);
});

test.run();
