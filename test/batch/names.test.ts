/** What outputs are called, and that no two recordings share a file. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../src/base/errors.ts';
import type { BatchItem } from '../../src/batch/item.ts';
import { distinct, nameOfAddress, nameOfId, nameOfPath, shortHash } from '../../src/batch/names.ts';
import { throws } from '../support/throws.ts';

const test = suite('batch/names');

const of = (id: string, fields: Partial<BatchItem> = {}): BatchItem => {
  return { id, audio: `/in/${id}`, name: nameOfPath(id), version: '1', ...fields };
};
const namesOf = (items: readonly BatchItem[], ignoresCase = false): string[] =>
  distinct(items, ['json', 'txt'], ignoresCase).items.map(({ name }) => name);

test('of paths, addresses and ids', () => {
  const long = 'ä'.repeat(150);
  const rows: readonly (readonly [string | undefined, string | undefined])[] = [
    [nameOfPath('a/b/talk.mp3'), 'a/b/talk'],
    [nameOfPath('./talk'), 'talk'],
    [nameOfPath('../../x/talk.tar.mp3'), 'x/talk.tar'],
    [nameOfPath('.hidden.mp3'), '.hidden'],
    [nameOfPath('a:b/c?d*.wav'), 'a_b/c_d_'],
    [nameOfPath('..'), 'recording'],
    [nameOfPath(`${long}.mp3`), `${'ä'.repeat(95)}-${shortHash(long)}`],
    [nameOfAddress('https://x.org/a/talk%20one.mp3?sig=1#t'), 'talk one'],
    [nameOfAddress('https://x.org/a/..%2f..%2fpasswd'), '.._.'],
    [nameOfAddress('https://x.org/100%'), '100%'],
    [nameOfAddress('https://x.org'), 'x'],
    [nameOfId('a/b.c'), 'a/b.c'],
    [nameOfId('a\\b\0'), 'a_b_'],
    [nameOfId('../a'), undefined],
    [nameOfId('a/../../b'), undefined],
    [nameOfId('/etc/passwd'), undefined],
    [nameOfId('a//b'), undefined],
    [nameOfId('.'), undefined],
    [nameOfId(''), undefined],
  ];
  for (const [name, wanted] of rows) assert.is(name, wanted);
});

test('those that would collide, and no others, get longer names, whatever their order', () => {
  const items = ['a/talk.mp3', 'a/talk.wav', 'b/talk.mp3', 'a/x.mp3'].map((id) => of(id));
  assert.equal(namesOf(items), ['a/talk.mp3', 'a/talk.wav', 'b/talk', 'a/x']);
  assert.equal(namesOf([...items].reverse()), ['a/x', 'b/talk', 'a/talk.wav', 'a/talk.mp3']);
  const addresses = ['https://x/get?id=1', 'https://x/get?id=2'].map((id) => of(id, { audio: id, name: 'get' }));
  assert.equal(
    namesOf(addresses),
    addresses.map(({ id }) => `get-${shortHash(id)}`),
  );
  // A longer name may be another's own.
  const chain = namesOf(['talk.mp3', 'talk.wav', 'talk.mp3.flac'].map((id) => of(id)));
  assert.is(new Set(chain).size, 3, chain.join());
  // `talk.verbose.json` is a file of both.
  const verbose = distinct([of('talk.mp3'), of('talk.verbose.mp3')], ['json', 'verbose_json'], false);
  assert.equal(
    verbose.items.map(({ name }) => name),
    ['talk.mp3', 'talk.verbose.mp3'],
  );
});

test('where the file system takes two names for one, so do we', () => {
  const items = ['Talk.mp3', 'talk.mp3'].map((id) => of(id));
  assert.equal(namesOf(items), ['Talk', 'talk']);
  assert.is(new Set(namesOf(items, true).map((name) => name.toLowerCase())).size, 2);
});

test('each is done once, and has an id of its own', async () => {
  const twice = distinct([of('a.mp3'), of('a.mp3'), of('b.mp3')], ['json'], false);
  assert.equal([twice.items.map(({ id }) => id), twice.repeated], [['a.mp3', 'b.mp3'], 1]);
  const folders = distinct([of('a.mp3', { audio: '/x/a.mp3' }), of('a.mp3', { audio: '/y/a.mp3' })], ['json'], false);
  assert.equal(
    folders.items.map(({ id }) => id),
    ['/x/a.mp3', '/y/a.mp3'],
  );
  assert.is(new Set(folders.items.map(({ name }) => name)).size, 2);
  const options = [of('a.mp3', { options: { task: 'translate' } }), of('a.mp3')];
  await throws(OptionsError, 'manifest', () => distinct(options, ['json'], false), /listed twice.*"id"/);
});

test.run();
