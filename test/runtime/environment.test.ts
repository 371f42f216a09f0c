/** What Deno would have to ask the user for is not asked: its permissions, played. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioError } from '../../src/base/errors.ts';
import { environment, isPermitted } from '../../src/runtime/environment.ts';
import { TemporaryFile } from '../../src/runtime/nodeTemporary.ts';
import { throws } from '../support/throws.ts';

const test = suite('environment');
const scope = globalThis as { Deno?: unknown };
const real = scope.Deno;

function play(state: string, asked: unknown[] = []): void {
  scope.Deno = {
    permissions: {
      querySync(wanted: unknown) {
        asked.push(wanted);
        return { state };
      },
    },
  };
}

test.after.each(() => {
  if (real === undefined) delete scope.Deno;
  else scope.Deno = real;
});

test('a variable is read where that is granted, and only there', () => {
  process.env.SOTTO_TEST_VARIABLE = 'here';
  const asked: unknown[] = [];
  play('granted', asked);
  assert.is(environment('SOTTO_TEST_VARIABLE'), 'here');
  assert.equal(asked, [{ name: 'env', variable: 'SOTTO_TEST_VARIABLE' }]);
  for (const state of ['denied', 'prompt']) {
    play(state);
    assert.is(environment('SOTTO_TEST_VARIABLE'), undefined, state);
    assert.is(isPermitted({ name: 'read', path: '/proc/cpuinfo' }), false, state);
  }
});

test('a temporary file is made where that is granted, and only there', async () => {
  play('granted');
  const file = await TemporaryFile.create();
  await file.remove();
  for (const state of ['denied', 'prompt']) {
    play(state);
    await throws(AudioError, 'file', TemporaryFile.create());
  }
});

if (real === undefined) {
  test('Node and Bun have no such permissions', () => {
    process.env.SOTTO_TEST_VARIABLE = 'here';
    assert.is(environment('SOTTO_TEST_VARIABLE'), 'here');
    assert.is(isPermitted({ name: 'sys', kind: 'homedir' }), true);
  });
}

test.run();
