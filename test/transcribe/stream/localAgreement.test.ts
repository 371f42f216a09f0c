import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LocalAgreement } from '../../../src/transcribe/stream/localAgreement.ts';
import type { Word } from '../../../src/transcribe/transcript.ts';

const test = suite('localAgreement');

/** Words a third of a second long from `from` on; `~` stands for a pause as long. */
function words(text: string, from = 0): Word[] {
  return text.split(' ').flatMap((word, i) => {
    const start = from + i / 3;
    return word === '~' || word === '' ? [] : [{ word: ` ${word}`, start, end: start + 1 / 3, probability: 1 }];
  });
}

/** What is committed with each of the texts in turn. */
function committed(...texts: readonly string[]): string[] {
  const agreement = new LocalAgreement();
  return texts.map((text) => {
    const next = words(text);
    const { known, stable } = agreement.add(next);
    return next
      .slice(known, stable)
      .map(({ word }) => word.trim())
      .join(' ');
  });
}

test('a word is committed when two decodes in a row have it, once', () => {
  assert.equal(committed('and so', 'and so my', 'and so my fellow', 'and so my fellow'), [
    '',
    'and so',
    'my',
    'fellow',
  ]);
});

test('what only one of them has is not, nor what comes after it', () => {
  assert.equal(committed('and', 'end so my', 'and so my', 'and so my'), ['', '', '', 'and so my']);
});

test('case and punctuation may differ inside, not at the end', () => {
  const texts = ['So, my Fellow', 'so my fellow Americans', 'so my fellow Americans ask'];
  assert.equal(committed(...texts), ['', 'so my', 'fellow Americans']);
  assert.equal(committed('so, my fellow', 'so my fellow'), ['', 'so my fellow']);
});

test('committed words that differ later are neither revised nor committed again', () => {
  const texts = ['ask not what', 'ask not what your', 'ask knot what your country', 'ask knot what your country can'];
  assert.equal(committed(...texts), ['', 'ask not what', 'your', 'country']);
});

test('a word that disappears or appears moves nothing', () => {
  assert.equal(committed('a b c d', 'a b c d', 'a b ~ d e', 'a b ~ d e'), ['', 'a b c d', '', 'e']);
  assert.equal(committed('a ~ c d', 'a ~ c d', 'a b c d e', 'a b c d e'), ['', 'a c d', '', 'e']);
});

test('repeated words are told apart by their times', () => {
  assert.equal(committed('no no', 'no no no', 'no no no no', 'no no no no'), ['', 'no no', 'no', 'no']);
  // The first "no" is not decoded any more: the times say that the two that are left were committed.
  assert.equal(committed('no no no', 'no no no', '~ no no yes', '~ no no yes'), ['', 'no no no', '', 'yes']);
});

test('a decode that fails loses nothing', () => {
  assert.equal(committed('a b c d', 'a b c d e', 'a', '', 'a b c d e f', 'a b c d e f g'), [
    '',
    'a b c d',
    '',
    '',
    '',
    'e f',
  ]);
});

test('other scripts and marks', () => {
  assert.equal(committed('Straße, ÉTÉ', 'straße été', 'straße été'), ['', '', 'straße été']);
  assert.equal(committed('♪ ♪', '♪ la', '♪ la'), ['', '♪', 'la'], 'marks alone are words');
});

test('a text of which nothing may be committed is only compared with the next', () => {
  const agreement = new LocalAgreement();
  agreement.add(words('a b'));
  assert.equal(agreement.add(words('a b'), 0), { known: 0, stable: 0 });
  assert.equal(agreement.add(words('a b c')), { known: 0, stable: 2 });
});

test('final words are committed whatever was decoded before; what was committed after them stays', () => {
  const agreement = new LocalAgreement();
  assert.equal(agreement.finalize(words('a b c d'), 3), { known: 0, stable: 3 });
  assert.equal(agreement.finalize(words('a b c d'), 2), { known: 3, stable: 3 });
});

test('after a cut only the words kept are known', () => {
  const agreement = new LocalAgreement();
  agreement.finalize(words('a b c'), 3);
  agreement.cut(1);
  assert.is(agreement.known(words('c d', 2 / 3)), 1);
  agreement.cut(0);
  assert.is(agreement.known(words('c d', 2 / 3)), 0);
});

test.run();
