/** Editing segments: text, split, merge, speakers, find and replace, undo. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findMatches, replaceAll, replaceOne } from '../../web/page/editor/find.ts';
import { History } from '../../web/page/editor/history.ts';
import { mergeNext, remove, renameSpeaker, setSpeaker, setText, splitAt } from '../../web/page/editor/segmentEdits.ts';
import type { PageSegment } from '../../web/page/transcriptDocument.ts';
import { shown, spoken } from './segments.ts';

const test = suite('segment edits');

const two = [spoken(0, 0, ' one two three'), spoken(1, 3, ' four five')];
const plain: readonly PageSegment[] = [{ id: 0, start: 0, end: 10, text: ' abcd efghij' }];

test('text: the space at the front stays, breaks become spaces, other segments are the same objects', () => {
  const [first, second] = setText(two, 0, 'one  too\nthree ');
  assert.is(first?.text, ' one too three');
  assert.is(shown(first?.words), ' one@0-0.5 too@1-1.5 three@2-2.5');
  assert.is(first?.isEdited, true);
  assert.is(second, two[1]);
});

test('text: the same text is no change', () => assert.is(setText(two, 0, 'one two  three'), two));

test('text: without words', () => {
  assert.equal(setText(plain, 0, 'new'), [{ id: 0, start: 0, end: 10, text: ' new', isEdited: true }]);
});

test('text: emptied, a segment with word times has no words', () => {
  assert.equal(setText(two, 1, ' ')[1]?.words, []);
});

test('split between words, at the nearest end of one', () => {
  for (const [offset, texts] of [
    [0, [' one', ' two three', ' four five']],
    [5, [' one', ' two three', ' four five']],
    [7, [' one two', ' three', ' four five']],
    [99, [' one two', ' three', ' four five']],
  ] as const) {
    const list = splitAt(two, 0, offset);
    assert.equal(
      list.map(({ text }) => text),
      texts,
    );
    assert.is(new Set(list.map(({ id }) => id)).size, 3, 'ids are unique');
  }
  const [first, second] = splitAt(two, 0, 7);
  assert.equal([first?.start, first?.end, second?.start, second?.end], [0, 1.5, 2, 3]);
  assert.is(shown(second?.words), ' three@2-2.5');
});

test('split without words: in proportion to the letters', () => {
  const [first, second] = splitAt(plain, 0, 6);
  assert.equal([first?.text, first?.start, first?.end], [' abcd', 0, 4]);
  assert.equal([second?.text, second?.start, second?.end], [' efghij', 4, 10]);
});

test('split: one word stays whole', () => {
  const one = [spoken(0, 0, ' word')];
  assert.is(splitAt(one, 0, 2), one);
  const empty = [{ id: 0, start: 0, end: 1, text: '' }];
  assert.is(splitAt(empty, 0, 0), empty);
});

test('merge is the inverse of split', () => {
  const [merged] = mergeNext(splitAt(two, 0, 4), 0);
  assert.equal(merged, { ...two[0], isEdited: true });
});

test('merge: the last has none after it, and words are kept only if both have them', () => {
  assert.is(mergeNext(two, 1), two);
  const [merged] = mergeNext([...plain, two[1]!], 0);
  assert.is(merged?.words, undefined);
  assert.is(merged?.text, ' abcd efghij four five');
});

test('a segment is removed', () => assert.equal(remove(two, 0), [two[1]]));

test('speakers: named, renamed everywhere, taken away', () => {
  const named = setSpeaker(setSpeaker(two, 0, 'Ada '), 1, 'Ada');
  assert.ok(named.every(({ speaker }) => speaker === 'Ada'));
  const renamed = renameSpeaker(named, 'Ada', 'Bob');
  assert.ok(renamed.every(({ speaker }) => speaker === 'Bob'));
  const bare = renameSpeaker(renamed, 'Bob', '');
  assert.ok(bare.every((segment) => !('speaker' in segment)));
  assert.is(setSpeaker(two, 0, ''), two);
});

const find = { query: 'o', matchCase: true, wholeWord: false };
const places = (options: Partial<typeof find>, segments: readonly PageSegment[] = two): string =>
  findMatches(segments, { ...find, ...options })
    .map(({ segment, start, end }) => `${segment}:${start}-${end}`)
    .join(' ');

test('find: rows', () => {
  assert.is(places({}), '0:1-2 0:7-8 1:2-3');
  assert.is(places({ query: 'ONE' }), '');
  assert.is(places({ query: 'ONE', matchCase: false }), '0:1-4');
  assert.is(places({ query: 'tw', wholeWord: true }), '');
  assert.is(places({ query: 'two', wholeWord: true }), '0:5-8');
  assert.is(places({ query: 'one two' }), '0:1-8');
  assert.is(places({ query: ' ' }), '');
  assert.is(places({ query: '' }), '');
  const marks = [spoken(0, 0, ' a+b (c) $1 [x] a-b \\ / ^ { }')];
  for (const query of ['a+b', '(c)', '$1', '[x]', 'a-b', '\\', '/', '^', '{', '}'])
    assert.is(places({ query }, marks).split(' ').length, 1, query);
  assert.is(places({ query: 'ЁЖ', matchCase: false }, [spoken(0, 0, ' ёж')]), '0:1-3');
  assert.is(places({ query: 'caf', wholeWord: true }, [spoken(0, 0, ' café')]), '');
});

test('replace: one, all, as it stands, each keeping times', () => {
  const options = { ...find, query: 'two' };
  const [match] = findMatches(two, options);
  assert.is(shown(replaceOne(two, match!, 'too')[0]?.words), ' one@0-0.5 too@1-1.5 three@2-2.5');
  const all = replaceAll(two, { ...find, query: 'o' }, '$&');
  assert.equal(
    all.map(({ text }) => text),
    [' $&ne tw$& three', ' f$&ur five'],
  );
  assert.is(shown(all[1]?.words), ' f$&ur@3-3.5 five@4-4.5');
  assert.is(replaceAll(two, { ...find, query: 'zzz' }, 'x'), two);
  assert.is(replaceAll(two, { ...find, query: '' }, 'x'), two);
});

test('undo and redo: each step, and a new change forgets what was undone', () => {
  const history = new History<PageSegment>();
  const steps = [two];
  const apply = (next: readonly PageSegment[]): void => {
    history.record(steps.at(-1)!, next);
    steps.push([...next]);
  };
  apply(setText(two, 0, 'x'));
  apply(splitAt(steps.at(-1)!, 1, 6));
  apply(mergeNext(steps.at(-1)!, 0));
  let list: readonly PageSegment[] = steps.at(-1)!;
  for (const step of steps.slice(0, -1).reverse()) {
    list = history.undo(list);
    assert.equal(list, step);
  }
  assert.is(history.undo(list), list);
  assert.not.ok(history.canUndo);
  for (const step of steps.slice(1)) {
    list = history.redo(list);
    assert.equal(list, step);
  }
  assert.is(history.redo(list), list);
  list = history.undo(list);
  history.record(list, remove(list, 0));
  assert.not.ok(history.canRedo);
});

test('undo: what came meanwhile stays, and another list is left alone', () => {
  const history = new History<PageSegment>();
  const edited = setText(two, 0, 'x');
  history.record(two, edited);
  const more = spoken(2, 9, ' more');
  assert.equal(history.undo([...edited, more]), [...two, more]);
  history.record(two, edited);
  const other = [spoken(0, 0, ' another')];
  assert.is(history.undo(other), other);
  history.record(two, two);
  history.clear();
  assert.not.ok(history.canUndo);
});

test.run();
