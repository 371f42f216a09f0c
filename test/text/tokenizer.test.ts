import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../src/base/errors.ts';
import { languageCode, languageInputs, languageName } from '../../src/text/languages.ts';
import type { Task } from '../../src/text/tokenizer.ts';
import { sharedOrSkip } from '../support/paths.ts';
import { throws } from '../support/throws.ts';
import { englishTokenizer, largeTokenizer, tinyTokenizer as tokenizer } from '../support/tokenizer.ts';

const test = suite('tokenizer');

interface Cases {
  special: Record<string, number>;
  n_vocab: number;
  languages: Record<string, { id: number; name: string }>;
  language_aliases: Record<string, string>;
  sot_sequence: Record<string, number[]>;
  sot_sequence_fr_translate: number[];
  non_speech_tokens: number[];
  blank: number[];
  encode: [string, number[]][];
  decode: [number[], string][];
  decode_with_timestamps: [number[], string, string][];
  split_to_word_tokens: { language: string; tokens: number[]; words: string[]; word_tokens: number[][] }[];
}

const shared = sharedOrSkip("openai/whisper's tokenizer cases");
if (shared) {
  const cases = JSON.parse(readFileSync(join(shared, 'reference/tokenizer-cases.json'), 'utf8')) as Cases;

  test('special ids as openai/whisper has them', () => {
    assert.equal(
      {
        eot: tokenizer.eot,
        sot: tokenizer.sot,
        transcribe: tokenizer.transcribe,
        translate: tokenizer.translate,
        sot_lm: tokenizer.sotLm,
        sot_prev: tokenizer.sotPrev,
        no_speech: tokenizer.noSpeech,
        no_timestamps: tokenizer.noTimestamps,
        timestamp_begin: tokenizer.timestampBegin,
      },
      cases.special,
    );
    assert.equal([...tokenizer.nonSpeechTokens], cases.non_speech_tokens);
    assert.equal([...tokenizer.encode(' '), tokenizer.eot], cases.blank);
  });

  test('languages, aliases and start sequences', () => {
    assert.equal([...tokenizer.languages], Object.keys(cases.languages));
    for (const [code, { id, name }] of Object.entries(cases.languages)) {
      assert.is(tokenizer.languageToken(code), id);
      assert.is(languageName(code), name);
      assert.equal(tokenizer.sotSequence(code, 'transcribe'), cases.sot_sequence[code]);
    }
    for (const [alias, code] of Object.entries(cases.language_aliases)) {
      assert.is(languageCode(alias.toUpperCase()), code);
      assert.ok(languageInputs.has(alias));
    }
    assert.equal(tokenizer.sotSequence('fr', 'translate' satisfies Task), cases.sot_sequence_fr_translate);
  });

  test('encodes every case', () => {
    for (const [text, tokens] of cases.encode) assert.equal(tokenizer.encode(text), tokens, JSON.stringify(text));
  });

  test('decodes every case', () => {
    for (const [tokens, text] of cases.decode) assert.is(tokenizer.decode(tokens), text, tokens.join());
    for (const [tokens, text, timed] of cases.decode_with_timestamps) {
      assert.is(tokenizer.decode(tokens), text, tokens.join());
      assert.is(tokenizer.decodeWithTimestamps(tokens), timed, tokens.join());
    }
  });

  test('splits every case into words', () => {
    for (const { language, tokens, words, word_tokens } of cases.split_to_word_tokens) {
      const split = tokenizer.splitToWordTokens(tokens, language);
      assert.equal(
        split.map((w) => w.word),
        words,
      );
      assert.equal(
        split.map((w) => [...w.tokens]),
        word_tokens,
      );
    }
  });

  test('streams every encoded text without a broken character', () => {
    for (const [text, tokens] of cases.encode) {
      const decoder = tokenizer.streamDecoder();
      const parts = tokens.map((token) => decoder.push(token));
      for (const part of parts) assert.ok(!part.includes('\ufffd') || text.includes('\ufffd'), JSON.stringify(text));
      assert.is(parts.join('') + decoder.end(), text);
    }
  });
}

test('holds a cut character back until it is whole, or shows it as U+FFFD', () => {
  const [first, second] = tokenizer.encode('😀');
  const decoder = tokenizer.streamDecoder();
  assert.is(decoder.push(first!), '');
  assert.is(decoder.push(second!), '😀');
  assert.is(decoder.push(first!), '');
  assert.is(decoder.end(), '\ufffd');
  assert.is(decoder.push(64), 'a', 'usable again');
});

test('a U+FFFD that was said is a character like others', () => {
  const words = tokenizer.splitToWordTokens(tokenizer.encode(' a\ufffd b'), 'en').map(({ word }) => word);
  assert.is(words.join(''), ' a\ufffd b');
  assert.is(words.at(-1), ' b');
});

test('a leading byte order mark is text', () => {
  assert.is(tokenizer.decode(tokenizer.encode('\ufeffa')), '\ufeffa');
});

test('English-only models: no language in the start sequence, their own ids', () => {
  assert.is(englishTokenizer.isMultilingual, false);
  assert.equal(englishTokenizer.sotSequence('de', 'translate'), [50257]);
  assert.is(englishTokenizer.eot, 50256);
  assert.is(englishTokenizer.timestampBegin, 50363);
});

test('models with Cantonese: the hundredth language, the others moved by one', async () => {
  assert.is(largeTokenizer.languages.length, 100);
  assert.equal(largeTokenizer.sotSequence('yue', 'transcribe'), [50258, 50358, 50360]);
  assert.is(largeTokenizer.timestampBegin, 50365);
  await throws(OptionsError, 'language', () => tokenizer.sotSequence('yue'));
});

test('an unknown language is refused', async () => {
  for (const name of ['xx', '', 'toString', '__proto__']) {
    await throws(OptionsError, 'language', () => languageCode(name));
  }
});

test('the name of a special token in plain text is refused, look-alikes are not', async () => {
  for (const text of ['a <|endoftext|> b', '<|0.00|>', 'x<|30.00|>', '<|<|de|>']) {
    await throws(OptionsError, 'specialToken', () => tokenizer.encode(text));
  }
  for (const text of ['<|', '<|xx|>', '<|30.02|>', '<|0.01|>', 'a <| b |> c', '<|toString|>']) {
    assert.is(tokenizer.decode(tokenizer.encode(text)), text);
  }
});

test('every byte sequence of random text comes back (seed 7)', () => {
  let state = 7;
  const random = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state % n;
  };
  const alphabets = ['abc  \n', 'éß日本語 ', '😀🏳️‍🌈a', "I'm 12 34's ", '\u0085\u00a0\u2003\ufeff x'];
  for (let round = 0; round < 200; round++) {
    const alphabet = [...alphabets[random(alphabets.length)]!];
    const text = Array.from({ length: random(60) }, () => alphabet[random(alphabet.length)]!).join('');
    assert.is(tokenizer.decode(tokenizer.encode(text)), text, JSON.stringify(text));
  }
});

test('one piece of 200 000 letters is no hazard', () => {
  const text = 'ab'.repeat(100_000);
  const tokens = tokenizer.encode(text);
  assert.is(tokenizer.decode(tokens), text);
});

test.run();
