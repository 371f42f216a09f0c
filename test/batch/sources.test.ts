/** Where recordings come from: folders, lists, manifests with hostile lines. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioError, OptionsError } from '../../src/base/errors.ts';
import { gather } from '../../src/batch/gather.ts';
import type { BatchItem } from '../../src/batch/item.ts';
import { s3Buckets } from '../../src/batch/s3/openS3.ts';
import { folderSource } from '../../src/batch/sources/folderSource.ts';
import { listSource } from '../../src/batch/sources/listSource.ts';
import type { Source } from '../../src/batch/sources/source.ts';
import { sourceOf } from '../../src/batch/sources/sourceOf.ts';
import { optionReader } from '../../src/cli/requestOptions.ts';
import { inFolder } from '../support/folder.ts';
import { throws } from '../support/throws.ts';

const test = suite('batch/sources');
const reader = optionReader(new Map());
const { signal } = new AbortController();

function make(folder: string, ...paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), 'sound');
  }
}

async function itemsOf(source: Source): Promise<BatchItem[]> {
  const items: BatchItem[] = [];
  for await (const item of source.items(signal)) items.push(item);
  return items;
}

const idsOf = async (source: Source): Promise<string[]> => (await itemsOf(source)).map(({ id }) => id);

async function* pieces(...texts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield typeof text === 'string' ? Buffer.from(text) : text;
}

const listOf = (folder: string, ...texts: readonly (string | Uint8Array)[]): Source =>
  listSource({ name: 'list', folder, open: () => pieces(...texts) }, reader);

test('a folder: recordings by extension, at every depth, in one order', () =>
  inFolder(async (folder) => {
    make(folder, 'b.MP3', 'a.wav', 'notes.txt', 'sub/deep er/c.flac', 'sub/[x].opus', '.hidden/d.wav', 'sub/README');
    const items = await itemsOf(folderSource(folder));
    assert.equal(
      items.map(({ id }) => id),
      ['a.wav', 'b.MP3', 'sub/[x].opus', 'sub/deep er/c.flac'],
    );
    assert.equal(
      items.map(({ name }) => name),
      ['a', 'b', 'sub/[x]', 'sub/deep er/c'],
    );
    const [first] = items;
    assert.is(first!.audio, join(folder, 'a.wav'));
    assert.is(first!.bytes, 5);
    assert.match(first!.version, /^5-\d+$/);
  }));

test('a folder: patterns, and the folder of the outputs', () =>
  inFolder(async (folder) => {
    make(folder, 'a.wav', 'b.bin', 'x/c.wav', 'x/d.bin', 'out/e.wav', 'outer/f.wav');
    const ids = (options: Parameters<typeof folderSource>[1]): Promise<string[]> =>
      idsOf(folderSource(folder, options));
    assert.equal(await ids({ outputs: join(folder, 'out') }), ['a.wav', 'outer/f.wav', 'x/c.wav']);
    assert.equal(await ids({ include: ['**/*.bin'] }), ['b.bin', 'x/d.bin']);
    assert.equal(await ids({ include: ['*.bin', 'x/**'] }), ['b.bin', 'x/c.wav', 'x/d.bin']);
    assert.equal(await ids({ exclude: ['x/**', 'out*/**'] }), ['a.wav']);
    // Outputs beside the recordings.
    assert.is((await ids({ outputs: folder })).length, 4);
  }));

test('a folder: links are followed, in a circle once', () =>
  inFolder(async (folder) => {
    make(folder, 'in/a.wav', 'elsewhere/b.wav');
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'in/link'));
    symlinkSync(join(folder, 'in'), join(folder, 'in/circle'));
    symlinkSync(join(folder, 'nothing.wav'), join(folder, 'in/broken.wav'));
    const ids = await idsOf(folderSource(join(folder, 'in')));
    assert.ok(ids.includes('a.wav') && ids.includes('link/b.wav'), ids.join());
    assert.ok(ids.length < 12, ids.join());
  }));

test('a list: paths from its folder, addresses, comments, Windows lines, a mark at its begin', () =>
  inFolder(async (folder) => {
    make(folder, 'a.wav', 'sub/b.wav');
    const text = '\ufeff# recordings\r\n./a.wav\r\n\r\n  sub/b.wav  \r\nhttps://x.org/c%20d.mp3?e=1\nmissing.wav';
    const items = await itemsOf(listOf(folder, text));
    assert.equal(
      items.map(({ id, audio, name }) => [id, audio, name]),
      [
        ['a.wav', join(folder, 'a.wav'), 'a'],
        ['sub/b.wav', join(folder, 'sub/b.wav'), 'sub/b'],
        ['https://x.org/c%20d.mp3?e=1', 'https://x.org/c%20d.mp3?e=1', 'c d'],
        ['missing.wav', join(folder, 'missing.wav'), 'missing'],
      ],
    );
    // Pieces may end anywhere, within a character too.
    const bytes = Buffer.from('größe.wav\na.wav\n');
    const single = [...bytes].map((byte) => Uint8Array.of(byte));
    assert.equal(await idsOf(listOf(folder, ...single)), ['größe.wav', 'a.wav']);
    assert.is((await itemsOf(listOf(folder, join(folder, 'sub/b.wav'), '\na.wav')))[0]!.name, 'b');
  }));

test('a manifest: ids, options, seconds, fields of others', () =>
  inFolder(async (folder) => {
    make(folder, 'a.wav');
    const lines = [
      {
        id: 'one/A',
        audio: 'a.wav',
        options: { language: 'de', 'beam-size': 2, word_timestamps: true, temperature: 0 },
      },
      { id: 7, audio: 'a.wav', seconds: 12.5, speaker: 'x', text: 'y' },
      { audio: 'a.wav', options: { suppress_tokens: [1, 2], language: null } },
    ];
    const items = await itemsOf(listOf(folder, lines.map((line) => JSON.stringify(line)).join('\n')));
    assert.equal(
      items.map(({ id, name, options, seconds }) => ({ id, name, options, seconds })),
      [
        {
          id: 'one/A',
          name: 'one/A',
          options: { language: 'de', beam_size: '2', word_timestamps: 'True', temperature: '0' },
          seconds: undefined,
        },
        { id: '7', name: '7', options: undefined, seconds: 12.5 },
        { id: 'a.wav', name: 'a', options: { suppress_tokens: '1,2', language: 'None' }, seconds: undefined },
      ],
    );
  }));

test('a manifest: every hostile line is refused with its number', () =>
  inFolder(async (folder) => {
    make(folder, 'a.wav');
    const rows: readonly (readonly [line: string | Uint8Array, words: RegExp])[] = [
      ['{"audio": "a.wav"', /it is not JSON/],
      ['{"audio": "a.wav"} x', /it is not JSON/],
      ['{}', /names no recording/],
      ['{"audio": 5}', /names no recording/],
      ['{"audio": " "}', /names no recording/],
      ['{"audoi": "a.wav"}', /"audoi".*"audio"/],
      ['{"audio": "a.wav", "opitons": {}}', /"opitons".*"options"/],
      ['{"audio": "a.wav", "id": "../../etc/cron.d/x"}', /no file can be called/],
      ['{"audio": "a.wav", "id": "/etc/x"}', /no file can be called/],
      ['{"audio": "a.wav", "id": ""}', /not a text/],
      ['{"audio": "a.wav", "id": {"a": 1}}', /not a text/],
      [`{"audio": "a.wav", "id": "${'x'.repeat(2000)}"}`, /not a text/],
      ['{"audio": "a.wav", "seconds": "5"}', /"seconds"/],
      ['{"audio": "a.wav", "seconds": -1}', /"seconds"/],
      ['{"audio": "a.wav", "options": ["language"]}', /"options" is not a JSON object/],
      ['{"audio": "a.wav", "options": {"langauge": "de"}}', /"langauge".*"language"/],
      ['{"audio": "a.wav", "options": {"__proto__": "de"}}', /no option "__proto__"/],
      ['{"audio": "a.wav", "options": {"constructor": "de"}}', /no option "constructor"/],
      ['{"audio": "a.wav", "options": {"threads": 4}}', /no option "threads"/],
      ['{"audio": "a.wav", "options": {"output_dir": "/"}}', /no option "output_dir"/],
      ['{"audio": "a.wav", "options": {"language": "klingon"}}', /klingon/],
      ['{"audio": "a.wav", "options": {"beam_size": 0}}', /beam_size/],
      ['{"audio": "a.wav", "options": {"beam_size": {"a": 1}}}', /"beam_size" is not a text/],
      ['{"audio": "a.wav", "options": {"beam_size": 2, "patience": -1}}', /patience/],
      ['{"audio": "a.wav", "id": "one"}', /line 3: the id "one" is that of line 1 too/],
      ['{"audio": "gopher://x/a.wav"}', /no address/],
      ['{"audio": "https://"}', /no address/],
      ['{"audio": "file://host.example/a.wav"}', /no file of this machine|not valid|no address/],
      [Buffer.from([0x61, 0xff, 0xfe]), /UTF-8/],
      [Buffer.from('RIFF\0\0\0\0WAVE'), /UTF-8/],
      ['x'.repeat(1_100_000), /UTF-8/],
    ];
    for (const [line, words] of rows) {
      const source = listOf(folder, '{"audio": "a.wav", "id": "one"}\n\n', line);
      const error = await throws(OptionsError, 'manifest', itemsOf(source), words);
      assert.match(error.message, /^list, line 3: /);
      assert.ok(error.message.length < 400, error.message);
    }
  }));

test('lists that cannot be meant', () =>
  inFolder(async (folder) => {
    await throws(OptionsError, 'manifest', itemsOf(listOf(folder, '# nothing\n\n')), /names no recording/);
    await throws(
      OptionsError,
      'manifest',
      itemsOf(listOf(folder, 'a.wav\nb.wav\n')),
      /None of the files.*counted from/,
    );
    make(folder, 'b.wav');
    assert.is((await itemsOf(listOf(folder, 'a.wav\nb.wav\n'))).length, 2);
  }));

test('a source is what it is named', () =>
  inFolder(async (folder) => {
    make(folder, 'in/a.wav', 'in/b.wav');
    writeFileSync(join(folder, 'list.txt'), 'in/b.wav\n');
    writeFileSync(join(folder, 'list.jsonl'), '{"id": "x", "audio": "in/b.wav"}\n');
    const bucketOf = s3Buckets({ environment: () => undefined });
    const options = { reader, bucketOf, stdin: () => pieces(`${join(folder, 'in/a.wav')}\n`) };
    const ids = (given: string): Promise<string[]> => idsOf(sourceOf(given, options));
    assert.equal(await ids(join(folder, 'in')), ['a.wav', 'b.wav']);
    assert.equal(await ids(join(folder, 'list.txt')), ['in/b.wav']);
    assert.equal(await ids(join(folder, 'list.jsonl')), ['x']);
    assert.equal(await ids(join(folder, 'in/a.wav')), [join(folder, 'in/a.wav')]);
    assert.equal(await ids('-'), [join(folder, 'in/a.wav')]);
    assert.equal(await ids('https://x.org/a.mp3'), ['https://x.org/a.mp3']);
    await throws(AudioError, 'notFound', () => sourceOf(join(folder, 'in/c.wav'), options), /Did you mean/);
    await throws(AudioError, 'notFound', () => sourceOf(join(folder, 'none.txt'), options));
  }));

test('no output replaces a recording', () =>
  inFolder(async (folder) => {
    make(folder, 'a.wav', 'a.json');
    const source = folderSource(folder, { include: ['**'] });
    const gathered = gather([source], { formats: ['json'], folder, ignoresCase: false, signal });
    const items = (await gathered.catch(() => undefined))?.items.map(({ name }) => name);
    // Both are recordings called `a`: they are told apart, and then no file is in the way.
    assert.equal(items, ['a.json', 'a.wav']);
    make(folder, 'only/b.json');
    const only = folderSource(join(folder, 'only'), { include: ['**'] });
    await throws(
      OptionsError,
      'overwrites',
      gather([only], { formats: ['json'], folder: join(folder, 'only'), ignoresCase: false, signal }),
      /b\.json is one of the recordings/,
    );
  }));

test.run();
