/** `sotto batch enqueue|work|status|retry` as processes, with the tiny model: the files are those of the command. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readJournals } from '../../src/batch/journal.ts';
import { S3Bucket } from '../../src/batch/s3/client.ts';
import { wavFile } from '../audio/sounds.ts';
import { type Broker, brokersOrSkip } from '../support/brokers.ts';
import { jfk } from '../support/clips.ts';
import { type CommandOptions, type CommandResult, sotto } from '../support/command.ts';
import { s3ServerOrSkip } from '../support/s3Server.ts';
import { tinyModel } from '../support/tinyModel.ts';

const test = suite('batch/queue command');
const model = await tinyModel();
const brokers: Broker[] = [];
for (const { start } of brokersOrSkip('the queue command')) brokers.push(await start());
const s3 = await s3ServerOrSkip(['talks', 'texts'], 'the queue command with S3');
const folder = mkdtempSync(join(tmpdir(), 'sotto-queue-'));
test.after(async () => {
  for (const broker of brokers) await broker.end();
  await s3?.close();
  rmSync(folder, { recursive: true });
});

const formats = ['-f', 'json,srt'];
const decoding = ['--beam_size', '1', '--language', 'en'];
const wav = readFileSync(jfk.path);
const sound = wav.subarray(wav.indexOf('data') + 8);
/** Seconds of the recording of the repository. */
const clips: Readonly<Record<string, Uint8Array>> = {
  'a/one.wav': wavFile({ tag: 1, bits: 16, data: sound.subarray(0, 3 * 32_000) }),
  'two.wav': wavFile({ tag: 1, bits: 16, data: sound.subarray(4 * 32_000) }),
  'bad.wav': new TextEncoder().encode('RIFF....WAVE'),
};
for (const [name, bytes] of Object.entries(clips)) {
  mkdirSync(join(folder, 'in', name, '..'), { recursive: true });
  writeFileSync(join(folder, 'in', name), bytes);
}

const batch = (args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> =>
  sotto(['batch', ...args], { cwd: folder, ...options });

let wanted: ReadonlyMap<string, string> | undefined;
/** What the command writes, by paths below the folder for outputs. */
async function commandFiles(): Promise<ReadonlyMap<string, string>> {
  if (wanted) return wanted;
  const recordings = ['in/a/one.wav', 'in/two.wav'];
  const { status, stderr } = await sotto(
    [...recordings, '-m', model, '-o', 'wanted', '--device', 'cpu', '--verbose', 'None', ...formats, ...decoding],
    { cwd: folder },
  );
  assert.is(status, 0, stderr);
  const read = (name: string): string => readFileSync(join(folder, 'wanted', name), 'utf8');
  wanted = new Map(
    ['json', 'srt'].flatMap((format) => [
      [`a/one.${format}`, read(`one.${format}`)],
      [`two.${format}`, read(`two.${format}`)],
    ]),
  );
  return wanted;
}

/** Tells a process to end, once, when it has said something. */
function endAt(words: string): NonNullable<CommandOptions['onStderr']> {
  let isTold = false;
  return (text, child) => {
    if (isTold || !text.includes(words)) return;
    isTold = true;
    child.kill('SIGTERM');
  };
}

const sorted = (files: ReadonlyMap<string, string>) => [...files].sort(([a], [b]) => (a < b ? -1 : 1));

for (const broker of brokers) {
  const env = { SOTTO_QUEUE: broker.url };

  test(`a folder, on ${broker.kind}`, async () => {
    const out = `out-${broker.kind}`;
    const put = ['enqueue', 'in', '-o', out, '-m', model, ...formats, ...decoding, '--json'];
    const first = await batch(put, { env });
    assert.is(first.status, 0, first.stderr);
    assert.equal(JSON.parse(first.stdout), { added: 3, queued: 0, done: 0, failed: 0 });
    const waiting = await batch(['status'], { env });
    assert.match(waiting.stdout, /^3 waiting, 0 active, 0 done, 0 failed$/m);

    const worker = await batch(['work', '--until_empty', '--device', 'cpu'], { env });
    assert.is(worker.status, 1, worker.stderr);
    assert.match(worker.stderr, /^two\.wav: 0:07 of sound in /m);
    assert.match(worker.stderr, /^failed: bad\.wav: The WAV file cannot be read/m);
    const names = readdirSync(join(folder, out), { recursive: true, encoding: 'utf8' });
    const files = names.filter((name) => /\.(json|srt)$/.test(name));
    const found = new Map(files.map((name) => [name, readFileSync(join(folder, out, name), 'utf8')]));
    assert.equal(sorted(found), sorted(await commandFiles()));
    assert.equal(
      readJournals(join(folder, out))
        .entries.map(({ id, status }) => `${id} ${status}`)
        .sort(),
      ['a/one.wav done', 'bad.wav failed', 'two.wav done'],
    );

    const status = JSON.parse((await batch(['status', '--json'], { env })).stdout) as Record<string, unknown>;
    assert.equal(
      { ...status, failed: undefined, speed: undefined },
      {
        ...{ waiting: 0, active: 0, done: 2, failed: undefined },
        ...{ seconds: { done: 10, left: 0 }, speed: undefined, secondsLeft: 0 },
      },
    );
    assert.equal(JSON.parse((await batch(put, { env })).stdout), { added: 0, queued: 0, done: 2, failed: 1 });
    // A batch without the queue knows what was done, and what failed.
    const local = await batch(['in', '-o', out, '-m', model, '--device', 'cpu', ...formats, ...decoding], { env });
    assert.match(local.stderr, '0 done, 2 done before, 1 failed');
    const retried = await batch(['retry', 'bad.wav', 'none.wav'], { env });
    assert.is(retried.status, 1);
    assert.match(retried.stderr, 'none.wav is none of what failed.\n1 put into the queue again');

    // A worker that waits ends at once.
    const other = ['work', '--queue_name', 'other', '--device', 'cpu'];
    const told = await batch([...other, '-m', model], { env, onStderr: endAt('takes recordings') });
    assert.is(told.status, 0, told.stderr);
    const early = await batch(other, { env, onStderr: endAt('waits for the first') });
    assert.is(early.status, 143, early.stderr);
  });
}

test('S3 to S3, through a queue and without', async () => {
  const [broker] = brokers;
  if (!s3 || !broker) return;
  const options = { environment: (name: string) => s3.environment[name] };
  const [talks, texts] = [new S3Bucket('talks', options), new S3Bucket('texts', options)];
  for (const [name, bytes] of Object.entries(clips)) await talks.put(`in/${name}`, bytes, 'audio/wav', {});
  const env = { ...s3.environment, SOTTO_QUEUE: broker.url };
  const named = ['s3://talks/in', '-o', 's3://texts/out', '-m', model, ...formats, ...decoding];
  const queue = ['--queue_name', 's3'];
  const put = await batch(['enqueue', ...named, ...queue], { env });
  assert.match(put.stderr, '3 put into the queue s3 at redis://127.0.0.1');
  const worker = await batch(['work', '--until_empty', '--device', 'cpu', ...queue], { env });
  assert.is(worker.status, 1, worker.stderr);
  const found = new Map<string, string>();
  for await (const { key } of texts.list('')) {
    const pieces: Uint8Array[] = [];
    for await (const piece of texts.read(key)) pieces.push(piece);
    found.set(key.replace(/^out\//, ''), Buffer.concat(pieces).toString('utf8'));
  }
  assert.equal(sorted(found), sorted(await commandFiles()));
  const again = await batch([...named, '--device', 'cpu'], { env });
  assert.is(again.status, 1);
  assert.match(again.stderr, /^0 done, 2 done before, 1 failed$/m);
});

test('what is said wrong is said in a sentence', async () => {
  const rows: readonly (readonly [args: readonly string[], status: number, words: string])[] = [
    [['work'], 2, 'No broker of a queue is named'],
    [['in', '-o', 'out', '--queue', 'redis://x'], 2, 'sotto batch enqueue|work|status|retry'],
    [['work', 'a.wav', '--queue', 'redis://x'], 2, 'takes no recording'],
    [['work', '--queue', 'redis://x', '--beam_size', '1'], 2, 'no option --beam_size'],
    [['status', '--queue', 'ftp://x'], 2, 'no address of a broker'],
    [
      ['status', '--queue', 'postgres://me:secret@127.0.0.1:9/x'],
      1,
      'postgres://me:***@127.0.0.1:9/x cannot be reached',
    ],
  ];
  for (const [args, status, words] of rows) {
    const result = await batch(args, { env: { SOTTO_QUEUE: '' } });
    assert.is(result.status, status, `${args.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr, words);
    assert.not.match(result.stderr, 'secret');
  }
  assert.match((await batch(['enqueue', '--help'])).stdout, '--queue_name NAME');
});

/** Options of Node with which a package is none that is installed, for `import` and for `require`. */
function without(name: string): string {
  const hook = `export const resolve = async (s, c, n) => {
    if (s === '${name}') throw Object.assign(new Error('none'), { code: 'ERR_MODULE_NOT_FOUND' });
    return n(s, c);
  };`;
  const preload = `import M, { register } from 'node:module';
    register('./hook.mjs', import.meta.url);
    const find = M._resolveFilename;
    M._resolveFilename = (s, ...rest) => {
      if (s === '${name}') throw Object.assign(new Error('none'), { code: 'MODULE_NOT_FOUND' });
      return find(s, ...rest);
    };`;
  writeFileSync(join(folder, 'hook.mjs'), hook);
  writeFileSync(join(folder, 'preload.mjs'), preload);
  return `--import=${pathToFileURL(join(folder, 'preload.mjs')).href}`;
}

test('packages that are missing are named', async () => {
  for (const [name, url, line] of [
    ['bullmq', 'redis://127.0.0.1:9', 'npm install bullmq ioredis'],
    ['ioredis', 'redis://127.0.0.1:9', 'npm install bullmq ioredis'],
    ['bullmq', 'postgres://127.0.0.1:9', 'npm install bullmq pg'],
    ['pg', 'postgres://127.0.0.1:9', 'npm install pg'],
  ] as const) {
    const { status, stderr } = await batch(['status', '--queue', url], { env: { NODE_OPTIONS: without(name) } });
    assert.is(status, 1, stderr);
    assert.match(stderr, `Beside sotto: ${line}`);
  }
});

test.run();
