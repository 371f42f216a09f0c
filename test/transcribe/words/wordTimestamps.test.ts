import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Word } from '../../../src/transcribe/transcript.ts';
import type { WindowSegment } from '../../../src/transcribe/window/segments.ts';
import type { AlignedWord } from '../../../src/transcribe/words/alignment.ts';
import { defaultAppendPunctuations, defaultPrependPunctuations } from '../../../src/transcribe/words/punctuations.ts';
import { addWordTimestamps, type WordTimestampsInput } from '../../../src/transcribe/words/wordTimestamps.ts';
import { segmentOf } from '../../support/segments.ts';

const test = suite('word timestamps');

const eot = 1000;
/** One token a word, ids as they come. */
function aligned(...words: [string, number, number][]): AlignedWord[] {
  return words.map(([word, start, end], i) => ({ word, tokens: [i], start, end, probability: 0.5 }));
}
function segment(start: number, end: number, nTokens: number, seek = 0): WindowSegment {
  const tokens = [eot + 1, ...Array.from({ length: nTokens }, (_, i) => i), eot + 2];
  return segmentOf('x', { seek, start, end, tokens });
}
function add(
  words: AlignedWord[],
  segments: WindowSegment[],
  changes: Partial<WordTimestampsInput<WindowSegment>> = {},
) {
  return addWordTimestamps({
    segments,
    words,
    eot,
    prependPunctuations: defaultPrependPunctuations,
    appendPunctuations: defaultAppendPunctuations,
    lastSpeech: 0,
    ...changes,
  });
}
const brief = (words: readonly Word[] | undefined) => words?.map(({ word, start, end }) => [word, start, end]);

test('words go to their segments by counting tokens; borders follow them', () => {
  const words = aligned([' a', 0.5, 1], [' b', 1, 1.5], [' c', 1.5, 2], [' d', 2, 2.5]);
  const [first, second] = add(words, [segment(10.4, 11.6, 2, 1000), segment(11.6, 12.4, 2, 1000)]);
  assert.equal(brief(first!.words), [
    [' a', 10.5, 11],
    [' b', 11, 11.5],
  ]);
  assert.equal([first!.start, first!.end], [10.5, 11.5]);
  assert.equal(brief(second!.words), [
    [' c', 11.5, 12],
    [' d', 12, 12.5],
  ]);
  assert.equal([second!.start, second!.end], [11.5, 12.5]);
});

test('a segment without text has no words and keeps its borders', () => {
  const [first, second] = add(aligned([' a', 0, 0.5]), [segment(0, 1, 0), segment(1, 2, 1)]);
  assert.equal(first!.words, []);
  assert.equal([first!.start, first!.end], [0, 1]);
  assert.is(second!.words?.length, 1);
  assert.equal(add([], [segment(3, 4, 2)])[0]!.words, []);
});

test('times are rounded as NumPy rounds, halves to even', () => {
  // (0.125 + 0) * 100 = 12.5 and 0.375 * 100 = 37.5
  const [only] = add(aligned([' a', 0.125, 0.375]), [segment(0, 0.375, 1)]);
  assert.equal(brief(only!.words), [[' a', 0.12, 0.38]]);
});

// [what, words, merged]
const merges: [string, string[], string[]][] = [
  ['an opening bracket goes to the word after it', [' (', 'a', ' b'], [' (a', ' b']],
  ['only with a space before it', ['(', 'a'], ['(', 'a']],
  ['a comma goes to the word before it', [' a', ',', ' b', '.'], [' a,', ' b.']],
  ['several do', [' a', '?', '!', '”'], [' a?!”']],
  ['not to a word that ends in a space', [' a ', '.'], [' a ', '.']],
  ['a list of openings', [' “', ' [', 'a'], [' “ [a']],
  ['opening and closing quote', [' "', 'a', '"'], [' "a"']],
  ['a dash goes to the word after it, a slash to none', [' -', 'a', ' /', ' b'], [' -a', ' /', ' b']],
  ['a space alone counts as an opening', [' ', 'a'], [' a']],
];
for (const [what, words, merged] of merges) {
  test(what, () => {
    const timed = words.map((word, i): [string, number, number] => [word, i * 0.5, i * 0.5 + 0.5]);
    const [only] = add(aligned(...timed), [segment(0, words.length / 2, words.length)]);
    assert.equal(
      only!.words!.map(({ word }) => word),
      merged,
    );
  });
}

test('with empty lists nothing is merged', () => {
  const words = aligned([' (', 0, 0.5], ['a', 0.5, 1], ['.', 1, 1.5]);
  const [only] = add(words, [segment(0, 1.5, 3)], { prependPunctuations: '', appendPunctuations: '' });
  assert.equal(
    only!.words!.map(({ word }) => word),
    [' (', 'a', '.'],
  );
});

test('a merged word keeps its own times, the other’s tokens count where they went', () => {
  const words = aligned([' “', 0, 0.5], ['a', 0.5, 1], [' b', 1, 1.5]);
  const [first, second] = add(words, [segment(0, 1, 2), segment(1, 1.5, 1)]);
  assert.equal(brief(first!.words), [[' “a', 0.5, 1]]);
  assert.equal(brief(second!.words), [[' b', 1, 1.5]]);
});

test('words longer than twice the median are cut at the end of a sentence', () => {
  // Median 0.5 (of 0.5 0.5 0.5 3 3): the full stop, and the word after it, include the pause.
  const words = aligned([' a', 0, 0.5], [' b', 0.5, 1], ['.', 1, 4], [' c', 4, 7], [' d', 7, 7.5]);
  const [only] = add(words, [segment(0, 7.5, 5)], { appendPunctuations: '' });
  assert.equal(brief(only!.words), [
    [' a', 0, 0.5],
    [' b', 0.5, 1],
    ['.', 1, 2],
    [' c', 6, 7],
    [' d', 7, 7.5],
  ]);
});

test('not in the middle of a sentence, and not without a duration', () => {
  const words = aligned([' a', 0, 0.5], [' b', 0.5, 1], [' c', 1, 4], [' d', 4, 4.5]);
  assert.equal(brief(add(words, [segment(0, 4.5, 4)])[0]!.words)![2], [' c', 1, 4]);
  const still = aligned([' a', 1, 1], ['.', 1, 1]);
  assert.equal(brief(add(still, [segment(1, 1, 2)])[0]!.words), [[' a.', 1, 1]]);
});

test('the median is that of the words with a duration, at most 0.7; of an even count the mean of the middle two', () => {
  const words = aligned([' x', 0, 2.5], [' a', 2.5, 2.5], [' b', 2.5, 2.75], [' c', 2.75, 3.25]);
  // 0.25 0.5 2.5: median 0.5, so the first word after a pause is cut to 1 s.
  assert.equal(brief(add(words, [segment(0, 3.25, 4)])[0]!.words)![0], [' x', 1.5, 2.5]);
  // 0.25 2.5: median 0.7 of 1.375, longest 1.4.
  const two = add(words.slice(0, 3), [segment(0, 2.75, 3)], { lastSpeech: -1 });
  assert.equal(brief(two[0]!.words)![0], [' x', 1.1, 2.5]);
  const slow = aligned([' a', 0, 5], [' b', 5, 6], [' c', 6, 7.4]);
  assert.equal(brief(add(slow, [segment(0, 7.4, 3)])[0]!.words)![0], [' a', 3.6, 5], '2 * 0.7 before its end');
});

test('the first word after a pause is cut, and the second gives its border', () => {
  const words = aligned([' a', 10, 14], [' b', 14, 20], [' c', 20, 20.5], [' d', 20.5, 21], [' e', 21, 21.5]);
  // Median 0.5, longest 1. The second word is longer: the border is max(20 / 2, 20 - 1) = 19.
  const [only] = add(words, [segment(17.9, 21.5, 5)]);
  assert.equal(brief(only!.words)!.slice(0, 2), [
    [' a', 18, 19],
    [' b', 19, 20],
  ]);
  assert.is(only!.start, 18);
});

test('not without a pause before it', () => {
  const words = aligned([' a', 10, 14], [' b', 14, 14.5], [' c', 14.5, 15], [' d', 15, 15.5]);
  const [only] = add(words, [segment(10, 15.5, 4)], { lastSpeech: 12.25 });
  assert.equal(brief(only!.words)![0], [' a', 10, 14]);
  const [cut] = add(words, [segment(10, 15.5, 4)], { lastSpeech: 11.9 });
  assert.is(cut!.words![0]!.start, 13);
});

test('the segment’s own start wins over a first word that begins long before it', () => {
  const words = aligned([' a', 0.5, 1], [' b', 1, 1.5]);
  const [only] = add(words, [segment(1.25, 1.5, 2, 0)], { lastSpeech: 0.5 });
  // 0.5 < 1.25 - 0.5, but 1.25 is not inside the first word: the word's start is taken.
  assert.is(only!.start, 0.5);
  const long = aligned([' a', 0, 1.5], [' b', 1.5, 2], [' c', 2, 2.5], [' d', 2.5, 3]);
  const [other] = add(long, [segment(1.25, 3, 4)], { lastSpeech: 0.5 });
  assert.is(other!.words![0]!.start, 1, 'min(1.5 - 0.5, 1.25)');
  assert.is(other!.start, 1.25);
  const later = [{ ...long[0]!, start: 0.6 }, ...long.slice(1)];
  assert.is(add(later, [segment(1.25, 3, 4)], { lastSpeech: 0.5 })[0]!.start, 1.25, 'half a second is enough');
});

test('the segment’s own end wins over a last word that ends long after it', () => {
  const words = aligned([' a', 0, 0.5], [' b', 0.5, 1], [' c', 1, 3]);
  const [only] = add(words, [segment(0, 1.25, 3)]);
  assert.is(only!.words!.at(-1)!.end, 1.5, 'max(1 + 0.5, 1.25)');
  assert.is(only!.end, 1.25);
});

test.run();
