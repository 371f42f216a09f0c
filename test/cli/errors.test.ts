/** What the command says of an error. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioError, InternalError, OutputError } from '../../src/base/errors.ts';
import { errorText } from '../../src/cli/errors.ts';

const test = suite('cli/errors');
const hasStack = /\n\s+at /;

function systemError(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

test('an error of ours is its sentence, its hint, and what lies below if that is not said yet', () => {
  const cause = new Error('below');
  assert.is(
    errorText(new AudioError('malformed', 'It is bad.', { hint: 'Mend it.', cause }), 'a.wav'),
    'sotto: a.wav: It is bad.\n  Mend it.\n  Cause: below',
  );
  assert.is(errorText(new AudioError('malformed', 'It is bad: below.', { cause })), 'sotto: It is bad: below.');
  assert.is(errorText(new OutputError('folder', 'It is a file.', { cause })), 'sotto: It is a file.');
  const missing = systemError(() => readFileSync('/none'));
  const said = new OutputError('file', 'x cannot be written: there is no such file or folder.', { cause: missing });
  assert.is(errorText(said), 'sotto: x cannot be written: there is no such file or folder.');
  const none = new AudioError('notFound', 'There is no file x.', { cause: missing });
  assert.is(errorText(none), 'sotto: There is no file x.');
});

test('errors of the system and of memory are sentences, too', () => {
  assert.is(
    errorText(systemError(() => readFileSync('/none'))),
    'sotto: /none: there is no such file or folder (ENOENT).',
  );
  assert.is(errorText(systemError(() => readFileSync('/'))), 'sotto: read: it is a folder (EISDIR).');
  const unknown = Object.assign(new Error('EWHAT: what'), { code: 'EWHAT', syscall: 'do', path: '/x' });
  assert.is(errorText(unknown), 'sotto: /x: EWHAT: what (EWHAT).');
  const gone = Object.assign(new Error('ENOENT: uv_cwd'), { code: 'ENOENT', syscall: 'uv_cwd' });
  assert.match(errorText(gone), 'The working folder is gone');
  assert.match(
    errorText(new RangeError('Array buffer allocation failed')),
    'sotto: There is not enough memory.\n  Close',
  );
});

test('what Deno forbids is a sentence', () => {
  for (const name of ['NotCapable', 'PermissionDenied']) {
    const error = Object.assign(new Error('Requires write access to "x"'), { name });
    assert.is(errorText(error), 'sotto: Deno forbids it: Requires write access to "x".');
  }
});

test('a fault of ours has its stack, and asks to be reported', () => {
  for (const fault of [new TypeError('x is undefined'), new InternalError('a row is missing')]) {
    const text = errorText(fault, 'a.wav');
    assert.match(text, hasStack);
    assert.match(
      text,
      /\n {2}This is a fault in sotto: please report it.*, with these lines \(sotto \d+\.\d+\.\d+, .+\)\.$/,
    );
  }
  assert.match(errorText('a text'), 'sotto: a text\n  This is a fault');
});

test('no name can write on the terminal', () => {
  const name = 'a\x1b[2J\n\u202eb';
  const text = errorText(new AudioError('notFound', `There is no file ${name}.`, { hint: `Not ${name}` }), name);
  assert.is(text, 'sotto: a\\x1b[2J\\n\\u202eb: There is no file a\\x1b[2J\\n\\u202eb.\n  Not a\\x1b[2J\\n\\u202eb');
});

test.run();
