/** S3 as a source and as a place for outputs, against a server of somebody else's with faults in its way. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioError, OptionsError, OutputError } from '../../src/base/errors.ts';
import type { BatchItem } from '../../src/batch/item.ts';
import { openOutputs } from '../../src/batch/openOutputs.ts';
import { processItem } from '../../src/batch/processItem.ts';
import { keyFault, parseS3Address } from '../../src/batch/s3/address.ts';
import { S3Bucket, type S3Options } from '../../src/batch/s3/client.ts';
import { matcher } from '../../src/batch/s3/globs.ts';
import { readListing } from '../../src/batch/s3/listing.ts';
import { openS3Audio, s3Buckets, withS3Versions } from '../../src/batch/s3/openS3.ts';
import { S3Outputs } from '../../src/batch/s3/s3Outputs.ts';
import { openAudio } from '../../src/batch/sources/openAudio.ts';
import { s3Source } from '../../src/batch/sources/s3Source.ts';
import { inFolder } from '../support/folder.ts';
import { type S3Server, s3ServerOrSkip } from '../support/s3Server.ts';
import { codeOf, reasonOf, throws } from '../support/throws.ts';

const test = suite('batch/s3');
const never = new AbortController().signal;

/** Keys as people and programs make them. */
const KEYS = [
  'a.mp3',
  'dir/b c.mp3',
  'über/日本 🎙.wav',
  "it's + %41 & #1 = (x)*!.mp3",
  '"quoted" <b>&amp;.mp3',
  'line\nbreak.mp3',
  `long/${'n'.repeat(220)}.mp3`,
];
/** That no address can hold: another object would be read, or none. */
const HOSTILE = ['up/../a.mp3', './a.mp3', '..', 'what?.mp3', `${'n'.repeat(1025)}.mp3`, '\ud800.mp3'];

const TESTS = 5;
const server = await s3ServerOrSkip(Array.from({ length: TESTS }, (_, i) => [`talks-${i}`, `texts-${i}`]).flat(), 'S3');
test.after(() => server?.close());
let tests = 0;

/** Each test has two buckets, for talks and for texts. */
function inBuckets(work: (server: S3Server, talks: S3Bucket, texts: S3Bucket) => Promise<void>): () => Promise<void> {
  const [talks, texts] = [`talks-${tests}`, `texts-${tests}`];
  tests++;
  return () =>
    inFolder(async () => {
      if (!server) return;
      server.intercept = undefined;
      server.cutAfter = undefined;
      server.requests.length = 0;
      await work(server, new S3Bucket(talks, optionsOf(server)), new S3Bucket(texts, optionsOf(server)));
    });
}

function optionsOf({ environment }: S3Server, more: Readonly<Record<string, string>> = {}): S3Options {
  return { environment: (name) => ({ ...environment, ...more })[name], pauseMs: 1 };
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function textOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece.slice());
  return Buffer.concat(all).toString('utf8');
}

async function allOf<T>(things: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const thing of things) all.push(thing);
  return all;
}

test(
  'objects of all kinds of keys are written, listed, looked at and read',
  inBuckets(async (_, talks) => {
    for (const key of KEYS) await talks.put(key, bytesOf(`of ${key}`), 'audio/mpeg', { 'sotto-key': 'k' });
    const listed = await allOf(talks.list(''));
    assert.equal(listed.map(({ key }) => key).sort(), [...KEYS].sort());
    for (const { key, etag, bytes } of listed) {
      assert.is(bytes, Buffer.byteLength(`of ${key}`));
      assert.equal(await talks.head(key), { key, etag, bytes, metadata: { 'sotto-key': 'k' } });
      assert.is(await textOf(talks.read(key, etag)), `of ${key}`);
    }
    assert.is(await talks.head('none.mp3'), undefined);
    await throws(AudioError, 'notFound', textOf(talks.read('none.mp3')), `s3://${talks.bucket}/none.mp3`);
    for (const key of HOSTILE) {
      assert.ok(keyFault(key), key);
      await throws(AudioError, 'fetch', textOf(talks.read(key)), 'key');
      await throws(OutputError, 'folder', talks.put(key, bytesOf('x'), 'text/plain', {}), 'key');
    }
    assert.is((await allOf(talks.list(''))).length, KEYS.length);
  }),
);

test(
  'a list of more than a page is whole, and goes by folders',
  inBuckets(async (server, { bucket }) => {
    const talks = new S3Bucket(bucket, { ...optionsOf(server), pageSize: 5 });
    const from = (key: string) => s3Source(`s3://${bucket}/${key}`, async () => talks);
    const names = Array.from({ length: 23 }, (_, i) => `many/${i}.wav`);
    for (const key of [...names, 'many-others/1.wav', 'one.wav', 'one.wav.txt'])
      await talks.put(key, bytesOf('x'), 'a/b', {});
    server.requests.length = 0;
    const items = await allOf(from('many').items(never));
    assert.equal(items.map(({ id }) => `many/${id}`).sort(), [...names].sort());
    assert.is(server.requests.filter((request) => request.includes('continuation-token=')).length, 4);
    const [only, ...others] = await allOf(from('one.wav').items(never));
    assert.equal(others, []);
    assert.equal(
      { ...only, version: only?.version.length },
      { id: 'one.wav', audio: `s3://${bucket}/one.wav`, name: 'one', version: 32, bytes: 1 },
    );
    await throws(AudioError, 'notFound', allOf(from('nothing').items(never)), `s3://${talks.bucket}/nothing`);
    const listed: BatchItem = { id: 'x', audio: `s3://${bucket}/one.wav`, name: 'x', version: '' };
    const gone: BatchItem = { ...listed, audio: 's3://none/x.wav' };
    const versions = await withS3Versions([listed, gone], s3Buckets(optionsOf(server)), never);
    assert.equal(
      versions.map(({ version, bytes }) => [version.length, bytes]),
      [
        [32, 1],
        [0, undefined],
      ],
    );
    const aborted = AbortSignal.abort(new Error('enough'));
    assert.match(String(await reasonOf(allOf(from('many').items(aborted)))), 'enough');
  }),
);

test(
  'a download that breaks off goes on where it stopped, and only with the same content',
  inBuckets(async (server, talks) => {
    const text = 'sound '.repeat(50_000);
    await talks.put('a.wav', bytesOf(text), 'audio/wav', {});
    const { etag = '' } = (await talks.head('a.wav')) ?? {};
    let cuts = 0;
    server.cutAfter = ({ method }) => (method === 'GET' && cuts++ < 4 ? 10_000 * cuts : undefined);
    assert.is(await textOf(talks.read('a.wav', etag)), text);
    assert.is(cuts, 5);

    cuts = 0;
    server.cutAfter = ({ method }) => (method === 'GET' && cuts++ < 1 ? 10_000 : undefined);
    const pieces = talks.read('a.wav', etag);
    await pieces.next();
    await talks.put('a.wav', bytesOf(text.toUpperCase()), 'audio/wav', {});
    await throws(AudioError, 'changed', textOf(pieces), `s3://${talks.bucket}/a.wav`);
    await throws(AudioError, 'changed', textOf(talks.read('a.wav', etag)));

    server.cutAfter = ({ method }) => (method === 'GET' ? 10 : undefined);
    const broken = await throws(AudioError, 'fetch', textOf(talks.read('a.wav')), `s3://${talks.bucket}/a.wav`);
    assert.not.match(`${broken.message} ${broken.hint}`, 'Signature');

    server.cutAfter = undefined;
    server.intercept = ({ method }, response) => {
      if (method !== 'GET') return false;
      response.writeHead(200, { 'content-length': 100 }).write('x');
      return true;
    };
    const stop = new AbortController();
    const stuck = talks.read('a.wav', undefined, stop.signal);
    await stuck.next();
    const rest = textOf(stuck);
    stop.abort(new Error('enough'));
    assert.match(String(await reasonOf(rest)), 'enough');
  }),
);

test(
  'what fails in passing is tried again, and the rest is told in a sentence',
  inBuckets(async (server, talks) => {
    const answer = (status: number, code: string, times = Number.POSITIVE_INFINITY): void => {
      let left = times;
      server.intercept = ({ method }, response) => {
        if (left-- <= 0) return false;
        const xml = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>It is so.</Message></Error>`;
        response.writeHead(status, { 'content-type': 'application/xml' }).end(method === 'HEAD' ? undefined : xml);
        return true;
      };
    };
    answer(503, 'SlowDown', 2);
    await talks.put('a.txt', bytesOf('text'), 'text/plain', {});
    answer(500, 'InternalError', 2);
    assert.is((await allOf(talks.list(''))).length, 1);
    answer(503, 'SlowDown', 2);
    assert.is(await textOf(talks.read('a.txt')), 'text');

    answer(500, 'InternalError');
    await throws(OutputError, 'folder', talks.put('b.txt', bytesOf('text'), 'text/plain', {}), 'It is so');
    const rows: readonly (readonly [status: number, code: string, words: string])[] = [
      [403, 'AccessDenied', 'access is denied'],
      [403, 'SignatureDoesNotMatch', 'AWS_SECRET_ACCESS_KEY'],
      [403, 'InvalidAccessKeyId', 'AWS_ACCESS_KEY_ID'],
      [400, 'ExpiredToken', 'AWS_SESSION_TOKEN'],
      [301, 'PermanentRedirect', 'AWS_REGION'],
      [404, 'NoSuchBucket', 'no such bucket'],
      [418, 'Teapot', 'It is so'],
    ];
    for (const [status, code, words] of rows) {
      answer(status, code);
      await throws(AudioError, 'fetch', allOf(talks.list('x')), words);
      if (status !== 404 && status !== 301 && status !== 418)
        await throws(AudioError, 'fetch', textOf(talks.read('x')), words);
    }
    answer(403, '');
    await throws(OutputError, 'file', talks.head('x'), 'access is denied');
    const anonymous = { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' };
    const nobody = new S3Bucket('talks', optionsOf(server, anonymous));
    await throws(AudioError, 'fetch', textOf(nobody.read('x')), 'No credentials are set');
    answer(200, '<ListBucketResult/>');
    await throws(AudioError, 'fetch', allOf(talks.list('x')), 'no list of objects');
    const gone = new S3Bucket('talks', optionsOf(server, { AWS_ENDPOINT_URL: 'http://127.0.0.1:9' }));
    await throws(OutputError, 'folder', gone.put('x', bytesOf('x'), 'a/b', {}), /refused|bad port/);
    for (const wrong of [
      { AWS_SECRET_ACCESS_KEY: '' },
      { AWS_ENDPOINT_URL: 'localhost:9000' },
      { AWS_ACCESS_KEY_ID: 'ASIA123' },
    ]) {
      assert.is(await codeOf(() => new S3Bucket('talks', optionsOf(server, wrong))), 'badValue', JSON.stringify(wrong));
    }
  }),
);

test(
  'outputs are there whole under their key, or are not there',
  inBuckets(async (server, talks, texts) => {
    const buckets = s3Buckets(optionsOf(server));
    const outputs = new S3Outputs(await buckets(texts.bucket), 'out', ['txt', 'json']);
    assert.is(outputs.place, `s3://${texts.bucket}/out/`);
    for (const key of KEYS) await talks.put(`in/${key}`, bytesOf(`of ${key}`), 'audio/mpeg', {});
    await talks.put('in/notes.doc', bytesOf('x'), 'a/b', {});
    await talks.put('in/', bytesOf(''), 'a/b', {});
    const items = await allOf(s3Source(`s3://${talks.bucket}/in`, buckets).items(never));
    assert.equal(items.map(({ id }) => id).sort(), [...KEYS].sort());
    const open = openS3Audio(buckets, openAudio);
    // Says what the recording holds.
    const transcriber = {
      async transcribe(audio: unknown) {
        const text = await textOf(audio as AsyncIterable<Uint8Array>); // of openS3Audio
        return { text, language: 'en', duration: 1, segments: [] };
      },
    };
    const work = { transcriber, openAudio: open, outputs };
    const settings = { transcribe: {}, layout: {} };
    const done = (item: BatchItem, key = 'one') => processItem({ item, key, settings }, work, { signal: never });
    for (const item of items) {
      assert.not.ok(await outputs.has(item, 'one'));
      assert.is((await done(item)).status, 'done');
      assert.ok(await outputs.has(item, 'one'));
      assert.not.ok(await outputs.has(item, 'two'), 'of another model or options');
    }
    const names = (await allOf(texts.list('out/'))).map(({ key }) => key);
    assert.is(names.length, 2 * KEYS.length);
    assert.ok(names.includes("out/it's + %41 & #1 = (x)_!.json"));
    const { text } = JSON.parse(await textOf(texts.read('out/a.json'))) as { text: string };
    assert.is(text, 'of a.mp3');

    // The second of two cannot be written: the item is not done, and the first stays whole.
    const [item] = items;
    assert.ok(item);
    server.intercept = ({ method, url = '' }, response) => {
      if (method !== 'PUT' || !url.endsWith('.json')) return false;
      response.writeHead(403).end();
      return true;
    };
    // Nor could those of the next recording be.
    await throws(OutputError, 'folder', done(item, 'two'), 'access is denied');
    server.intercept = undefined;
    assert.not.ok(await outputs.has(item, 'two'));
    assert.not.ok(await outputs.has(item, 'one'));
    const refuse = { signal: never, mayPublish: () => false };
    await throws(OutputError, 'takenOver', processItem({ item, key: 'three', settings }, work, refuse));
    assert.not.ok(await outputs.has(item, 'three'));
    const hostile = { ...item, name: 'what?' };
    assert.is((await done(hostile)).status, 'failed', 'for itself');
    assert.is((await openOutputs(`s3://${texts.bucket}/x`, ['txt'], buckets)).place, `s3://${texts.bucket}/x/`);
    await throws(OutputError, 'folder', openOutputs('s3://nobody/x', ['txt'], buckets), 'no such bucket');
  }),
);

test('addresses', async () => {
  assert.equal(parseS3Address('s3://talks/a b/%20.mp3'), { bucket: 'talks', key: 'a b/%20.mp3' });
  assert.equal(parseS3Address('S3://talks'), { bucket: 'talks', key: '' });
  for (const text of ['s3://', 's3:///key', 's3://a..b/x', 's3://-x/y', 's3://a b/c'])
    await throws(OptionsError, 'badValue', () => parseS3Address(text), text);
});

test('patterns', () => {
  const rows: readonly (readonly [pattern: string, matches: string, others: string])[] = [
    ['*.mp3', 'a.mp3 .mp3', 'a.mp3x b/a.mp3 a_mp3'],
    ['**/*.mp3', 'a.mp3 a/b/c.mp3', 'a.wav'],
    ['a/**', 'a/b a/b/c', 'b/a'],
    ['?.{wav,mp3}', 'a.wav b.mp3', 'ab.wav a.flac'],
    ['(a)+[b].wav', '(a)+[b].wav', 'aab.wav'],
    ['{a,b', '{a,b', 'a'],
  ];
  for (const [pattern, matches, others] of rows) {
    for (const path of matches.split(' ')) assert.ok(matcher([pattern])(path), `${pattern} ${path}`);
    for (const path of others.split(' ')) assert.not.ok(matcher([pattern])(path), `${pattern} ${path}`);
  }
  assert.not.ok(matcher([])(''));
});

test('a list is read as it is written', () => {
  const entry = (key: string): string => `<Contents><Key>${key}</Key><ETag>&#34;e&#34;</ETag><Size>5</Size></Contents>`;
  const page = (inner: string, rest = ''): string => `<ListBucketResult xmlns="x">${rest}${inner}</ListBucketResult>`;
  const keys = (xml: string) => readListing(xml)?.objects.map(({ key }) => key);
  assert.equal(keys(page(entry('a&amp;lt;b&quot;&apos;&#x1F399;&#10;&nope;'))), ['a&lt;b"\'🎙\n&nope;']);
  assert.equal(readListing(page(entry('k')))?.objects, [{ key: 'k', etag: 'e', bytes: 5 }]);
  const cut = '<IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;</NextContinuationToken>';
  assert.is(readListing(page('', cut))?.next, 't&');
  assert.is(readListing(page('', cut.replace('true', 'false')))?.next, undefined);
  assert.is(readListing('<html></html>'), undefined);
});

test.run();
