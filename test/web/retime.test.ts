/** Words keep their times when the text of their segment is edited. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomStream } from '../../src/base/random.ts';
import { retime } from '../../web/page/editor/retime.ts';

import { shown, wordsFrom } from './segments.ts';

const test = suite('retime');

const span = { start: 0, end: 4 };
const rows: readonly [what: string, before: string, after: string, words: string][] = [
  ['nothing changed', ' one two', ' one two', ' one@0-0.5 two@1-1.5'],
  ['a word spelt otherwise takes its time', ' one too three', ' one two three', ' one@0-0.5 two@1-1.5 three@2-2.5'],
  ['two in the place of two', ' a b c d', ' a x y d', ' a@0-0.5 x@1-1.5 y@2-2.5 d@3-3.5'],
  ['two in the place of one share by length', ' a bcd e', ' a b cd e', ' a@0-0.5 b@1-1.167 cd@1.167-1.5 e@2-2.5'],
  ['one in the place of two', ' a b c d', ' a bc d', ' a@0-0.5 bc@1-2.5 d@3-3.5'],
  ['put in between: the pause', ' a c', ' a b c', ' a@0-0.5 b@0.5-1 c@1-1.5'],
  ['put in between: the pause, by length', ' a c', ' a b bbb c', ' a@0-0.5 b@0.5-0.625 bbb@0.625-1 c@1-1.5'],
  ['put in front', ' b', ' a b', ' a@0-0 b@0-0.5'],
  ['put at the end', ' a', ' a b', ' a@0-0.5 b@0.5-4'],
  ['taken out', ' a b c', ' a c', ' a@0-0.5 c@2-2.5'],
  ['punctuation added', ' a b c', ' a, b! c.', ' a,@0-0.5 b!@1-1.5 c.@2-2.5'],
  ['punctuation taken out', ' a, b', ' a b', ' a@0-0.5 b@1-1.5'],
  ['a longer word', ' cat sat', ' cats sat', ' cats@0-0.5 sat@1-1.5'],
  ['an apostrophe', ' don sat', " don't sat", " don't@0-0.5 sat@1-1.5"],
  ['a quote in front of the first', 'Hello you', '"Hello you', '"Hello@0-0.5 you@1-1.5'],
  ['a space that ends the text', ' a b', ' a b ', ' a@0-0.5 b @1-1.5'],
  ['nothing left', ' a b', '', ''],
  ['everything new', ' a b', ' xx yy zz', ' xx@0-0.5 yy@0.5-1 zz@1-1.5'],
];
for (const [what, before, after, words] of rows) {
  test(what, () => assert.is(shown(retime(wordsFrom(before, 0), after, span)), words));
}

test('words without spaces between them', () => {
  const words = [...'今日は雨'].map((text, i) => ({ text, start: i, end: i + 1, probability: 0.5 }));
  assert.is(shown(retime(words, '今日も雨', span)), '今@0-1日@1-2も@2-3雨@3-4');
  assert.is(shown(retime(words, '今日は大雨', span)), '今@0-1日@1-2は@2-3大@3-3雨@3-4');
});

test('words that the tokenizer parted stay parted', () => {
  const words = [' ten', '-year', '-old', ' boy'].map((text, i) => ({ text, start: i, end: i + 1, probability: 0.5 }));
  assert.is(shown(retime(words, ' ten-year-old girl', span)), ' ten@0-1-year@1-2-old@2-3 girl@3-4');
});

test('a word that stays keeps its probability, a new one has none', () => {
  const probabilities = retime(wordsFrom(' a b', 0), ' a c', span).map((word) => word.probability);
  assert.equal(probabilities, [0.75, undefined]);
});

test('whatever is typed: the words are the text, in order of time', () => {
  const next = randomStream(17);
  const random = (n: number): number => Math.floor(n * next());
  const parts = [' a', ' bb', ',', '.', '-', "'", ' 雨', 'は', ' ccc', '"', ' 7', 'd', ' e\u0301'];
  const text = (): string => Array.from({ length: random(12) }, () => parts[random(parts.length)]!).join('');
  for (let i = 0; i < 5000; i++) {
    const [before, after] = [text(), text()];
    const words = retime(wordsFrom(before, 1), after, { start: 0.5, end: 20 });
    assert.is(words.map((word) => word.text).join(''), after, `${before} -> ${after}`);
    let last = 0.5;
    for (const { start, end } of words) {
      assert.ok(start >= last && end >= start, `${before} -> ${after}: ${shown(words)}`);
      last = start;
    }
  }
});

test.run();
