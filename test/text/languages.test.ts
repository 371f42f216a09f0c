/** Languages as people write them: what is taken, and what is guessed. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../src/base/errors.ts';
import { languageCode, languageCodes } from '../../src/text/languages.ts';

const test = suite('text/languages');

function hint(language: string): string | undefined {
  try {
    languageCode(language);
  } catch (error) {
    if (error instanceof OptionsError && error.code === 'language') return error.hint;
    throw error;
  }
  throw new Error(`${language} is taken`);
}

test('what is not known gets a guess', () => {
  const rows: [string, string][] = [
    // countries
    ['jp', 'ja'],
    ['CN', 'zh'],
    ['kr', 'ko'],
    ['gr', 'el'],
    // locales
    ['en-US', 'en'],
    ['en_US', 'en'],
    ['en_US.UTF-8', 'en'],
    ['de.UTF-8', 'de'],
    ['de_AT@euro', 'de'],
    ['pt-BR', 'pt'],
    ['zh-Hant-TW', 'zh'],
    ['jp-JP', 'ja'],
    // ISO 639-2, 639-3 and what has been withdrawn
    ['deu', 'de'],
    ['ger', 'de'],
    ['eng', 'en'],
    ['cmn', 'zh'],
    ['jpn', 'ja'],
    ['iw', 'he'],
    ['nb', 'no'],
    ['fil', 'tl'],
    ['jv', 'jw'],
    // their own names
    ['Deutsch', 'de'],
    ['français', 'fr'],
    ['日本語', 'ja'],
    // other names
    ['Farsi', 'fa'],
    ['Filipino', 'tl'],
    // misspelt
    ['germna', 'de'],
    ['Englisch', 'en'],
    ['Portugese', 'pt'],
    ['ukranian', 'uk'],
  ];
  for (const [given, code] of rows) assert.match(hint(given) ?? '', new RegExp(`^Did you mean ${code} \\(`), given);
});

test('what could be anything gets none', () => {
  for (const given of ['klingon', 'xx', '', '-', '\u0000', 'x'.repeat(10_000), '12'])
    assert.match(hint(given) ?? '', 'Give a code such as "de"', given.slice(0, 10));
  assert.is(hint('auto'), 'Leave the language out: it is then detected.');
});

test('no code of a language is guessed to be another', () => {
  for (const code of languageCodes) assert.is(languageCode(code.toUpperCase()), code);
});

test.run();
