import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Found } from '../../../src/transcribe/align/candidates.ts';
import { makeRoom } from '../../../src/transcribe/align/makeRoom.ts';
import type { TextPiece } from '../../../src/transcribe/align/textMatch.ts';

const test = suite('align: room for words that were not recognised');

type Span = readonly [start: number, end: number];

/** Times of a word, those between, and a word, with room made; `heard` words were recognised where the middle ones are. */
function roomFor(before: Span, own: readonly (Span | undefined)[], after: Span, heard: readonly number[] = []): Span[] {
  const spans = [before, ...own, after];
  const found = new Map<number, Found>();
  for (const [known, span] of spans.entries())
    if (span) found.set(known, { start: span[0], end: span[1], probability: 0.5 });
  const match = (known: number): TextPiece => ({ match: { known, heard: known, ...found.get(known)! } });
  const gap = { known: own.map((_, i) => i + 1), heard, surplus: [] };
  makeRoom([match(0), { gap }, match(spans.length - 1)], found);
  return [...found.values()].map(({ start, end }): Span => [start, end]);
}

test('of two neighbours the one with more of its time gives room, the other keeps its own', () => {
  const expected = [
    {
      before: [1, 2],
      own: [[1.9, 2.5]],
      after: [2, 3],
      wanted: [
        [1, 2],
        [2, 2.5],
        [2.5, 3],
      ],
    },
    {
      before: [1, 2],
      own: [[1.2, 2.1]],
      after: [2, 3],
      wanted: [
        [1, 1.2],
        [1.2, 2],
        [2, 3],
      ],
    },
  ] as const;
  for (const { before, own, after, wanted } of expected) assert.equal(roomFor(before, own, after), wanted);
});

test('one neighbour that is overlapped gives room, whichever it is', () => {
  assert.equal(roomFor([1, 2], [[1.5, 2]], [2, 3]), [
    [1, 1.5],
    [1.5, 2],
    [2, 3],
  ]);
  assert.equal(roomFor([1, 2], [[2, 2.5]], [2, 3]), [
    [1, 2],
    [2, 2.5],
    [2.5, 3],
  ]);
  assert.equal(roomFor([1, 2], [[2.1, 2.5]], [3, 4]), [
    [1, 2],
    [2.1, 2.5],
    [3, 4],
  ]);
});

test('several words go as far as the neighbour that keeps its time, and none before it', () => {
  const words = roomFor(
    [1, 2],
    [
      [1.7, 1.8],
      [1.8, 2.2],
      [2.2, 2.9],
    ],
    [2, 3],
  );
  assert.equal(words, [
    [1, 2],
    [2, 2],
    [2, 2.2],
    [2.2, 2.9],
    [2.9, 3],
  ]);
});

test('a word that would be gone keeps its time, and so does one beside words that were recognised', () => {
  assert.equal(roomFor([1, 2], [[0.5, 2]], [2.5, 3])[0], [1, 2]);
  assert.equal(roomFor([1, 2], [[1.5, 2]], [2, 3], [7]), [
    [1, 2],
    [1.5, 2],
    [2, 3],
  ]);
  assert.equal(roomFor([1, 2], [undefined], [2, 3]), [
    [1, 2],
    [2, 3],
  ]);
});

test.run();
