import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { pick, resolve } from '../../src/options/resolve.ts';
import { EVERY_KIND } from './table.ts';

const test = suite('options/resolve');

test('without options: the defaults, and a name for those that have none', () => {
  assert.equal(resolve(EVERY_KIND, 'transcribe', {}), {
    ratio: undefined,
    penalty: 1,
    threshold: -1,
    beamSize: undefined,
    ladder: [0, 0.5],
    blank: true,
    loud: true,
    hotWords: undefined,
    marks: '.,',
    task: 'transcribe',
    prefix: undefined,
    ids: '-1',
    clips: undefined,
    formats: ['all'],
    vad: false,
  });
  assert.equal(resolve(EVERY_KIND, 'stream', {}), { chunk: 1 });
  assert.equal(resolve(EVERY_KIND, 'load', {}), {});
});

test('what is given stays: 0, false, empty and null are values, undefined is none', () => {
  const given = { ratio: 0, penalty: undefined, threshold: null, blank: false, marks: '', ids: null, hotWords: '' };
  const { ratio, penalty, threshold, blank, marks, ids, hotWords } = resolve(EVERY_KIND, 'transcribe', given);
  assert.equal({ ratio, penalty, threshold, blank, marks, ids, hotWords }, { ...given, penalty: 1 });
});

test('a number is a list of one; what is no row of the place is left out', () => {
  const options = { ladder: 0.3, chunk: 2, onSegment: () => {} };
  const resolved = resolve(EVERY_KIND, 'transcribe', options);
  assert.equal(resolved.ladder, [0.3]);
  assert.not.ok('chunk' in resolved);
  assert.not.ok('onSegment' in resolved);
});

test('a table within: true is all defaults, an object some of them, false none', () => {
  const vad = (given: boolean | { threshold?: number; minSpeech?: number }) =>
    resolve(EVERY_KIND, 'transcribe', { vad: given }).vad;
  assert.equal(vad(true), { threshold: 4, minSpeech: 0.1 });
  assert.equal(vad({ threshold: 0 }), { threshold: 0, minSpeech: 0.1 });
  assert.is(vad(false), false);
});

test('resolved options resolve to themselves', () => {
  const once = resolve(EVERY_KIND, 'transcribe', { vad: { threshold: 2 }, ladder: 1, threshold: null });
  assert.equal(resolve(EVERY_KIND, 'transcribe', once), once);
});

test('pick takes the given options of a place as they are', () => {
  const given = { ratio: undefined, chunk: 2, constructor: 1, nothing: 3 };
  assert.equal(pick(EVERY_KIND, 'transcribe', given), { ratio: undefined });
  assert.equal(pick(EVERY_KIND, 'stream', given), { chunk: 2 });
});

test.run();
