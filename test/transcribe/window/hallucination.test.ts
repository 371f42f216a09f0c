import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Word } from '../../../src/transcribe/transcript.ts';
import { filterHallucinations, type HallucinationInput } from '../../../src/transcribe/window/hallucination.ts';
import type { WindowSegment } from '../../../src/transcribe/window/segments.ts';
import { segmentOf } from '../../support/segments.ts';

const test = suite('hallucination');

/** A segment of the window from 30 s. A good word has probability 0.9 and lasts 0.4 s, a bad one 0.1 and 0.4. */
function spoken(start: number, quality: 'good' | 'bad', n = 4, words = ' w'): WindowSegment {
  const own = Array.from({ length: n }, (_, i): Word => {
    const from = start + 0.4 * i;
    return { word: words, start: from, end: from + 0.4, probability: quality === 'good' ? 0.9 : 0.1 };
  });
  return segmentOf('x', { seek: 3000, start, end: start + 0.4 * n, words: own });
}
function filter(segments: WindowSegment[], changes: Partial<HallucinationInput> = {}) {
  const place = { seek: 3000, size: 3000 };
  const input = {
    threshold: 2,
    place,
    segments,
    next: 5555,
    singleTimestampEnding: true,
    lastSpeech: 29,
    nFrames: 9000,
  };
  const { segments: kept, next, isDiscarded } = filterHallucinations({ ...input, ...changes });
  return { kept: kept.map(({ start }) => start), next, isDiscarded };
}

test('likely words stay', () => {
  assert.equal(filter([spoken(31, 'good'), spoken(40, 'good')]), { kept: [31, 40], next: 5555, isDiscarded: false });
});

test('the next window begins at the last word if silence follows it, else after the window', () => {
  const loose = { singleTimestampEnding: false };
  assert.is(filter([spoken(31, 'good')], loose).next, 3260);
  assert.is(filter([spoken(57, 'good')], loose).next, 6000, '1.4 s before the end of the window');
  assert.is(filter([{ ...spoken(30, 'good'), end: 29, words: [] }], loose).next, 5555, 'no word after the start');
});

test('unlikely text after a silence: the window is decoded again from there', () => {
  assert.equal(filter([spoken(33, 'bad'), spoken(40, 'good')]), { kept: [], next: 3300, isDiscarded: true });
  assert.is(filter([spoken(32, 'bad'), spoken(34, 'good')]).isDiscarded, false, 'exactly the threshold');
});

test('unlikely text between silences is dropped with all after it', () => {
  const { kept, next, isDiscarded } = filter([spoken(30.5, 'good'), spoken(40, 'bad'), spoken(50, 'good')]);
  assert.equal({ kept, next, isDiscarded }, { kept: [30.5], next: 4000, isDiscarded: false });
});

test('it stays next to speech', () => {
  assert.equal(filter([spoken(33, 'good'), spoken(35, 'bad'), spoken(50, 'good')]).kept, [33, 35, 50], 'speech before');
  assert.equal(filter([spoken(33, 'good'), spoken(40, 'bad'), spoken(42, 'good')]).kept, [33, 40, 42], 'speech after');
});

test('unlikely text after it counts as silence, and so does the end of the window', () => {
  assert.equal(filter([spoken(33, 'good'), spoken(40, 'bad'), spoken(42, 'bad')]).kept, [33]);
  assert.equal(filter([spoken(33, 'good'), spoken(57, 'bad')]), { kept: [33], next: 5700, isDiscarded: false });
});

test('at the start of the window too; the next window begins at least a second later', () => {
  assert.equal(filter([spoken(30.5, 'bad'), spoken(36, 'good')]), { kept: [], next: 3100, isDiscarded: false });
});

test('near the end of the recording: the next window begins at its end', () => {
  assert.is(filter([spoken(33, 'good'), spoken(40, 'bad')], { nFrames: 4300 }).next, 4300);
});

test('odd words: unlikely, too short, too long; eight count, punctuation does not', () => {
  const odd = (words: Word[]) =>
    filter([spoken(33, 'good'), segmentOf('x', { seek: 3000, start: 40, end: 41, words })]).kept.length === 1;
  const word = (start: number, end: number, probability: number, text = ' w'): Word => ({
    word: text,
    start,
    end,
    probability,
  });
  assert.ok(odd([word(40, 40.05, 0.9)]), '0.083 * 15 = 1.2 of one word');
  assert.not.ok(odd([word(40, 40.1, 0.9)]), '0.033 * 15 = 0.5 of one word');
  assert.ok(odd([word(40, 43, 0.9)]), 'three seconds');
  assert.not.ok(odd([word(40, 40.4, 0.15)]), 'strictly below 0.15');
  assert.ok(
    odd([word(40, 40.4, 0.1), word(40.4, 40.8, 0.1), word(41, 41.4, 0.1), ...Array(9).fill(word(41.4, 41.8, 0.9))]),
  );
  assert.not.ok(
    odd([...Array(8).fill(word(40, 40.4, 0.9)), word(41, 41.4, 0.1), word(41, 41.4, 0.1), word(41, 41.4, 0.1)]),
  );
  assert.ok(odd([word(40, 40.4, 0.1), word(40.4, 40.8, 0.9, '.')]), 'the full stop does not help');
  assert.ok(odd([word(40, 40.4, 0.9, '.')]), 'punctuation alone is odd');
});

test.run();
