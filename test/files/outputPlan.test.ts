/** The names of output files, and what is checked of them before the work. */
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeFolder, tryFolder } from '../../src/files/outputFolder.ts';
import { checkTarget, planOutputs, stemOf } from '../../src/files/outputPlan.ts';
import { type Format, OPENAI_FORMATS } from '../../src/output/writer.ts';
import { fault } from '../options/fault.ts';

const test = suite('files/outputPlan');
const folder = mkdtempSync(join(tmpdir(), 'sotto-plan-'));
test.after(() => rmSync(folder, { recursive: true }));

const names = (recordings: readonly string[], formats: readonly Format[] = ['txt'], ignoresCase = false) =>
  planOutputs(recordings, 'out', formats, ignoresCase).flatMap(({ targets }) =>
    targets.map(({ path }) => path.replace('out/', '')),
  );

test('files have the names of their recordings', () => {
  const rows: [string, string][] = [
    ['talk.mp3', 'talk'],
    ['/a/b/talk.one.mp3', 'talk.one'],
    ['talk', 'talk'],
    ['.hidden', '.hidden'],
    ['../x.', 'x'],
    ['/dev/stdin', 'stdin'],
    ['https://example.org/talks/one.mp3?key=a/b.c#t=1', 'one'],
    ['https://example.org/caf%C3%A9.mp3', 'café'],
    ['https://example.org/a%2Fb.mp3', 'a_b'],
    ['https://example.org/100%.mp3', '100%'],
    ['https://example.org/', 'example'],
    ['HTTP://example.org/talk/', 'talk'],
  ];
  for (const [recording, stem] of rows) assert.is(stemOf(recording), stem, recording);
  assert.equal(names(['x.wav'], ['json', 'verbose_json']), ['x.json', 'x.verbose.json']);
});

test('no two recordings have one file, and only those that would get other names', () => {
  const rows: [string[], string[]][] = [
    [
      ['a/x.mp3', 'b/y.mp3'],
      ['x.txt', 'y.txt'],
    ],
    [
      ['a/x.mp3', 'b/x.mp3', 'c/y.mp3'],
      ['a/x.txt', 'b/x.txt', 'y.txt'],
    ],
    [
      ['/d/1/x.mp3', '/d/2/3/x.mp3'],
      ['1/x.txt', '2/3/x.txt'],
    ],
    [
      ['/d/x.mp3', '/d/2/x.mp3'],
      ['x.txt', '2/x.txt'],
    ],
    [
      ['../x.mp3', 'x.mp3'],
      ['x.txt', 'h/x.txt'],
    ],
    [
      ['x.mp3', 'x.wav', 'y.wav'],
      ['x.mp3.txt', 'x.wav.txt', 'y.txt'],
    ],
    [
      ['a/x.mp3', 'a/x.wav', 'b/x.mp3'],
      ['a/x.mp3.txt', 'a/x.wav.txt', 'b/x.txt'],
    ],
    [
      ['x.mp3', 'x.wav', 'x.mp3.flac'],
      ['x.mp3.txt', 'x.wav.txt', 'x.mp3-2.txt'],
    ],
    [
      ['https://a.org/x.mp3', 'https://b.org/x.mp3'],
      ['a.org/x.txt', 'b.org/x.txt'],
    ],
    [
      ['https://a.org/x?id=1', 'https://a.org/x?id=2'],
      ['x.txt', 'x-2.txt'],
    ],
  ];
  for (const [recordings, wanted] of rows) {
    const [above] = recordings;
    if (above === '../x.mp3') wanted[1] = `${process.cwd().split('/').at(-1)}/x.txt`;
    assert.equal(names(recordings), wanted, recordings.join(' '));
  }
  assert.equal(names(['x.wav', 'x.verbose.wav'], ['json', 'verbose_json']), [
    ...['x.wav.json', 'x.wav.verbose.json'],
    ...['x.verbose.wav.json', 'x.verbose.wav.verbose.json'],
  ]);
  const many = Array.from({ length: 1000 }, (_, i) => `${i}/audio.m4a`);
  assert.is(new Set(names(many)).size, 1000);
});

test('case counts where the folder tells it apart', () => {
  assert.equal(names(['a/Talk.mp3', 'b/talk.mp3']), ['Talk.txt', 'talk.txt']);
  assert.equal(names(['a/Talk.mp3', 'b/talk.mp3'], ['txt'], true), ['a/Talk.txt', 'b/talk.txt']);
  assert.equal(names(['Talk.mp3', 'talk.mp3'], ['txt'], true), ['Talk.mp3.txt', 'talk.mp3-2.txt']);
  assert.equal(names(['a/\u00e9.mp3', 'b/e\u0301.mp3'], ['txt'], true), ['a/\u00e9.txt', 'b/e\u0301.txt']);
});

test('a transcript never replaces a recording', () => {
  const at = (name: string) => join(folder, name);
  for (const name of ['talk.wav', 'talk.json', 'notes.txt']) writeFileSync(at(name), '');
  symlinkSync('talk.wav', at('link.txt'));
  const plan = (recordings: string[], formats: readonly Format[] = OPENAI_FORMATS) =>
    fault(() => planOutputs(recordings.map(at), folder, formats));
  assert.match(plan(['talk.json']), /^overwrites: .*talk\.json is named as a recording, and its own transcript would/);
  assert.match(plan(['talk.wav', 'talk.json']), /and the transcript of .*talk\.wav would replace it/);
  assert.match(plan(['talk.wav', 'link.mp3']), /^overwrites: .*link\.txt is named/);
  // Not this time.
  planOutputs([at('talk.json'), at('notes.txt')], folder, ['srt']);
});

test('the work grows with the number of recordings, not with its square', () => {
  let asked = 0;
  const addresses = Array.from({ length: 2000 }, (_, i) => `https://h/a?i=${i}`);
  // Each name that is considered is made of the formats.
  const formats = new Proxy<readonly Format[]>(['txt'], {
    get(list, key) {
      if (key === 'map') asked++;
      return Reflect.get(list, key);
    },
  });
  const plan = planOutputs(addresses, folder, formats);
  assert.is(plan.at(-1)?.targets[0]?.path, join(folder, 'a-2000.txt'));
  assert.ok(asked < 10 * addresses.length, `${asked} names for ${addresses.length} recordings`);
});

test('a folder is tried, and left as it was', () => {
  tryFolder(join(folder, 'a/b/c'));
  assert.not.ok(readdirSync(folder).includes('a'));
  tryFolder(folder);
  assert.not.ok(readdirSync(folder).some((name) => name.endsWith('.part')));
  writeFileSync(join(folder, 'file'), '');
  symlinkSync(join(folder, 'nothing/there'), join(folder, 'link'));
  const rows: [string, RegExp][] = [
    [join(folder, 'file'), /: it is a file\.$/],
    [join(folder, 'file/x/y'), /: .*\/file is a file\.$/],
    ['/dev/null/x', /: \/dev\/null is a file\.$/],
    [join(folder, 'link'), /: it is a link to nothing\.$/],
    [join(folder, 'link/x'), /: .*\/link is a link to nothing\.$/],
    [join(folder, 'x'.repeat(300)), /: its name is too long\.$/],
    // Where Node's own recursive mkdir never ends.
    ['/proc/none/x', /: there is no such file or folder\.$/],
  ];
  for (const [path, reason] of rows) {
    if (path.startsWith('/proc') && process.platform !== 'linux') continue;
    assert.match(
      fault(() => tryFolder(path)),
      /^folder: Nothing can be written to the folder /,
    );
    assert.match(
      fault(() => tryFolder(path)),
      reason,
      path,
    );
  }
});

test('several commands may try one new folder at the same time', async () => {
  const module = new URL('../../src/files/outputFolder.js', import.meta.url).href;
  const script = `import { tryFolder } from '${module}'; for (let i = 0; i < 200; i++) tryFolder(process.argv[1]);`;
  const run = (): Promise<unknown> => {
    const args = ['--input-type=module', '-e', script, join(folder, 'common/deep')];
    return new Promise((resolve) => spawn(process.execPath, args, { stdio: 'inherit' }).on('close', resolve));
  };
  assert.equal(await Promise.all([run(), run(), run()]), [0, 0, 0]);
});

test('folders that another process makes at the same time are no error', () => {
  makeFolder(join(folder, 'deep/er'), () => mkdirSync(join(folder, 'deep/er'), { recursive: true }));
  assert.equal(readdirSync(join(folder, 'deep')), ['er']);
});

test('files that cannot be written are known before', () => {
  const refused = (path: string): string => fault(() => checkTarget({ format: 'txt', path }));
  const at = (name: string) => join(folder, name);
  writeFileSync(at('kept.txt'), '');
  chmodSync(at('kept.txt'), 0o444);
  mkdirSync(at('folder.txt'));
  assert.match(refused(at('kept.txt')), 'is there, and may not be written: it is not replaced.');
  assert.match(refused(at('folder.txt')), 'it is a folder.');
  assert.match(refused(at(`${'語'.repeat(90)}.txt`)), 'its name is too long (274 bytes).');
  assert.match(refused(at(`new/folder/${'x'.repeat(252)}.txt`)), 'its name is too long (256 bytes).');
  checkTarget({ format: 'txt', path: at(`${'x'.repeat(251)}.txt`) });
  checkTarget({ format: 'txt', path: at(`new/folder/${'x'.repeat(251)}.txt`) });
  checkTarget({ format: 'txt', path: at('none/none.txt') });
});

test.run();
