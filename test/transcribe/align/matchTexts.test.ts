/** Which words of two texts are the same, without a recording. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../../src/base/errors.ts';
import { randomStream } from '../../../src/base/random.ts';
import { knownWords } from '../../../src/transcribe/align/knownText.ts';
import { matchUnits } from '../../../src/transcribe/align/matchUnits.ts';
import { textLines } from '../../../src/transcribe/align/textLines.ts';
import { type HeardWord, matchTexts } from '../../../src/transcribe/align/textMatch.ts';
import { unitsOf } from '../../../src/transcribe/align/units.ts';
import { defaultAppendPunctuations, defaultPrependPunctuations } from '../../../src/transcribe/words/punctuations.ts';
import { throws } from '../../support/throws.ts';
import { tinyTokenizer as tokenizer } from '../../support/tokenizer.ts';

const test = suite('matchTexts');

const marks = { prependPunctuations: defaultPrependPunctuations, appendPunctuations: defaultAppendPunctuations };

/** Words a second long. */
function heardOf(text: string, language = 'en'): HeardWord[] {
  return knownWords([text], tokenizer, language, marks).map(({ word }, i) => ({
    ...{ word, start: i, end: i + 1, probability: 0.9, seek: 0 },
  }));
}

/** `=word@start-end`, `-words|heard`, in order. */
function shown(known: string, heard: string, language = 'en'): string {
  const words = knownWords([known], tokenizer, language, marks);
  const spoken = heardOf(heard, language);
  const text = (all: readonly { readonly word: string }[], which: readonly number[]): string =>
    which.map((i) => all[i]!.word.trim()).join(' ');
  return matchTexts(words, spoken, language === 'zh')
    .map((piece) => {
      if ('match' in piece) {
        const { known: k, start, end } = piece.match;
        return `=${words[k]!.word.trim()}@${start}-${end}`;
      }
      return `-${text(words, piece.gap.known)}|${text(spoken, piece.gap.heard)}`;
    })
    .join(' ');
}

test('case, marks and accents of typing do not count', () => {
  assert.is(shown('Well-known: don’t GO!', 'well known, dont go'), '=Well@0-1 =-known:@1-2 =don’t@2-3 =GO!@3-4');
  assert.is(shown('every day we go', 'everyday we go'), '=every@0-0.62 =day@0.62-1 =we@1-2 =go@2-3');
  assert.is(shown('everyday we go', 'every day we go'), '=everyday@0-2 =we@2-3 =go@3-4');
  assert.equal(unitsOf(' “ﬁne” – №7', false), ['fine', 'no7']);
  assert.equal(unitsOf(' ?!', false), []);
  assert.equal(unitsOf('नमस्ते', false), ['नमस्ते']);
  assert.equal(unitsOf('今日、は', true), ['今', '日', 'は']);
});

test('another word, one too many, one too few, in one run', () => {
  assert.is(shown('a b c d e', 'a b x d e'), '=a@0-1 =b@1-2 -c|x =d@3-4 =e@4-5');
  assert.is(shown('a b c d e', 'a b d e'), '=a@0-1 =b@1-2 -c| =d@2-3 =e@3-4');
  assert.is(shown('a b d e', 'a b c d e'), '=a@0-1 =b@1-2 -|c =d@3-4 =e@4-5');
  // The text ends before the sound does, which has the same words again.
  assert.is(
    shown('ask what you can do', 'ask what you can do for him what you can do'),
    '=ask@0-1 =what@1-2 =you@2-3 =can@3-4 =do@4-5 -|for him what you can do',
  );
});

test('words that two texts have by chance are no match', () => {
  const text = 'the weather in the north of the country is nice and it will be nice tomorrow for all of the people';
  const other =
    'to be or not to be that is the question whether it is nobler in the mind to suffer all of it and so on';
  assert.not.match(shown(text, other), '=');
  assert.match(shown('the', 'we went to the house of a friend and had a good time there'), '-the|');
  assert.is(shown('hello', 'hello'), '=hello@0-1');
});

test('characters, where words have no spaces', () => {
  assert.is(shown('今天天气好。', '今天天很好', 'zh'), '=今天@0-1 =天@1-2 -气| =好。@2.5-3');
});

test('long texts are matched between anchors, as short ones are', () => {
  const next = randomStream(5);
  const word = (): string => `w${Math.floor(next() * 2000)}`;
  const known = Array.from({ length: 12_000 }, word);
  const heard = known.flatMap((one) =>
    next() < 0.05 ? [] : next() < 0.05 ? [one, word()] : [next() < 0.05 ? word() : one],
  );
  const started = performance.now();
  const steps = matchUnits(known, heard);
  assert.ok(steps.filter(({ isEqual }) => isEqual).length > 10_000, `${performance.now() - started} ms`);
  let [k, h] = [0, 0];
  for (const { known: a, heard: b, isEqual } of steps) {
    if (a >= 0) assert.is(a, k++);
    if (b >= 0) assert.is(b, h++);
    assert.is(isEqual, a >= 0 && b >= 0 && known[a] === heard[b]);
  }
  assert.equal([k, h], [known.length, heard.length]);
  const strange = matchUnits(
    Array.from({ length: 100_000 }, (_, i) => `x${i % 70}`),
    Array.from({ length: 5000 }, (_, i) => `y${i % 70}`),
  );
  assert.is(strange.length, 105_000);
});

test('lines of plain text and cues of subtitles', async () => {
  assert.equal(textLines('\ufeffone \r\n\r\n two\rthree\n'), ['one', 'two', 'three']);
  const srt =
    '1\n00:00:01,000 --> 00:00:02,500\nHello\nthere.\n\n2\n00:00:03,000 --> 00:00:04,000\n- <i>Yes</i> &amp; no.\n';
  assert.equal(textLines(srt), ['Hello there.', '- Yes & no.']);
  const vtt =
    'WEBVTT - title\n\nNOTE a comment\nof two lines\n\nid\n00:01.000 --> 00:02.000 align:start\n<v Ada>Hi <00:01.500>you\n';
  assert.equal(textLines(vtt), ['Hi you']);
  assert.equal(textLines([' a ', '', 'b']), ['a', 'b']);
  for (const nothing of ['', ' \n\t\n', []]) await throws(OptionsError, 'noText', () => textLines(nothing));
  await throws(OptionsError, 'type', () => textLines(7 as unknown as string));
});

test('words of known lines are those of the tokenizer, marks with the words they belong to', () => {
  const words = knownWords(['He said: "Yes,  I do."', ' ', 'So — then…'], tokenizer, 'en', marks);
  assert.equal(
    words.map(({ word, line }) => `${line}${word}`),
    ['0 He', '0 said:', '0 "Yes,', '0 I', '0 do."', '2 So', '2 —', '2 then…'],
  );
  assert.is(tokenizer.decode(words.flatMap(({ tokens }) => tokens)), ' He said: "Yes, I do." So — then…');
});

test.run();
