/** The list of codes against the sources: by their text, since not every error can be brought about in a test. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ERROR_CODES, WARNING_CODES } from '../../src/base/codes.ts';
import { AudioError, InternalError, OptionsError, SottoError } from '../../src/base/errors.ts';
import type { Warning } from '../../src/base/progress.ts';
import { repoRoot } from '../support/paths.ts';

const texts = ['src', 'weights']
  .flatMap((folder) =>
    readdirSync(join(repoRoot, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  .filter((file) => file.endsWith('.ts') && !file.endsWith('codes.ts'))
  .map((file) => readFileSync(join(repoRoot, file), 'utf8'));

/** `new WeightsError('truncated'`, or the word somewhere in a file that makes the error with a code it was handed. */
function isThrown(name: string, code: string): boolean {
  const literal = new RegExp(`new ${name}\\(\\s*'${code}'`);
  const handed = new RegExp(`new ${name}\\(\\s*code\\b`);
  return texts.some((text) => literal.test(text) || (handed.test(text) && text.includes(`'${code}'`)));
}

const test = suite('codes');

test('every listed code of an error is thrown somewhere', () => {
  const errors = Object.entries(ERROR_CODES).filter(([name]) => name !== 'InternalError');
  const rows = errors.flatMap(([name, codes]) => Object.keys(codes).map((code) => ({ name, code })));
  assert.ok(rows.length > 80);
  assert.equal(
    rows.filter(({ name, code }) => !isThrown(name, code)),
    [],
  );
  assert.ok(texts.some((text) => text.includes('new InternalError(')));
});

test('the plain SottoError, whose type takes every code, is thrown with its own alone', () => {
  const codes = texts.flatMap((text) => [...text.matchAll(/new SottoError\(\s*'?(\w+)/g)].map(([, code]) => code!));
  assert.equal([...new Set(codes)], Object.keys(ERROR_CODES.SottoError));
});

test('every listed code of a warning is given somewhere', () => {
  const given = (code: string): boolean => texts.some((text) => new RegExp(`\\bcode: [^,\\n]*'${code}'`).test(text));
  assert.equal(
    Object.keys(WARNING_CODES).filter((code) => !given(code)),
    [],
  );
});

test('every code has one sentence', () => {
  for (const codes of [...Object.values(ERROR_CODES), WARNING_CODES]) {
    for (const [code, sentence] of Object.entries(codes)) assert.match(sentence, /^[A-Za-z].*[^.]\.$/s, code);
  }
});

test('an error has what it was made with', () => {
  const cause = new Error('below');
  const error = new AudioError('malformed', 'It is.', { hint: 'Mend it.', cause });
  assert.ok(error instanceof SottoError && error instanceof AudioError && !(error instanceof OptionsError));
  const { name, code, message, hint } = error;
  assert.equal([name, code, message, hint, error.cause], ['AudioError', 'malformed', 'It is.', 'Mend it.', cause]);
  assert.is(new InternalError('x').code, 'internal');
  assert.not.ok('cause' in new InternalError('x'));
});

test('a code that is not listed for its class does not compile', () => {
  // Each constant is of the type `true` or `false`: a type that takes more or less than it should fails the build.
  type Takes<Code extends string, Given extends string> = Given extends Code ? true : false;
  const listed: Takes<AudioError['code'], 'malformed'> = true;
  const misspelt: Takes<AudioError['code'], 'malformd'> = false;
  const ofAnotherClass: Takes<AudioError['code'], 'badJson'> = false;
  const ofNoClass: Takes<SottoError['code'], 'nothing'> = false;
  const ofMakers: Takes<ConstructorParameters<typeof AudioError>[0], 'badJson'> = false;
  const warning: Takes<NonNullable<Warning['code']>, 'gpuUnavailable'> = true;
  const misspeltWarning: Takes<NonNullable<Warning['code']>, 'gpuUnavailble'> = false;
  assert.equal(
    [listed, misspelt, ofAnotherClass, ofNoClass, ofMakers, warning, misspeltWarning],
    [true, false, false, false, false, true, false],
  );
});

test.run();
