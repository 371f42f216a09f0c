/** Two hundred requests of every kind at once: each gets its answer, memory stays, nothing is left. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { inFolder } from '../support/folder.ts';
import { repoRoot } from '../support/paths.ts';
import { END, fieldPart, filePart, type RawAnswer, rawPost } from '../support/rawRequest.ts';
import { random } from '../support/speaker.ts';
import { jfkPath, until } from '../support/testServer.ts';

const test = suite('server/hostile');
const jfk = readFileSync(jfkPath);
const key = { authorization: 'Bearer secret' };
const COUNT = 200;
const AT_ONCE = 8;
/** Beyond what the heap takes by itself: uploads here have 30 MB. */
const MEMORY_SLACK = 60e6;

interface Kind {
  readonly name: string;
  send(url: string): Promise<RawAnswer>;
  /** What the answer must be; 0 for none. */
  readonly status: number;
  readonly param?: string | null;
}

function announced(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

/** A form with its length, as `fetch` sends it. */
function form(url: string, ...parts: readonly Uint8Array[]): Promise<RawAnswer> {
  return rawPost(url, parts, { headers: { ...key, 'content-length': announced(parts) } });
}

async function* slowly(bytes: Uint8Array, pieces: number): AsyncGenerator<Uint8Array> {
  const size = Math.ceil(bytes.length / pieces);
  for (let at = 0; at < bytes.length; at += size) {
    yield bytes.subarray(at, at + size);
    await sleep(30);
  }
}

async function* endless(): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(1 << 20);
  yield filePart(piece).subarray(0, 1000);
  for (let i = 0; i < 30; i++) yield piece;
}

async function* stalled(): AsyncGenerator<Uint8Array> {
  yield filePart(jfk).subarray(0, 20_000);
  await sleep(6000);
}

const fields = Array.from({ length: 10_000 }, (_, i) => fieldPart(`field${i}`, 'x'));
const whole = [filePart(jfk), fieldPart('response_format', 'text'), END];
const noise = new Uint8Array(50_000).map((_, i) => (i * 7919) % 251);

const KINDS: readonly Kind[] = [
  { name: 'good', status: 200, send: (url) => form(url, ...whole) },
  { name: 'good, length unknown', status: 200, send: (url) => rawPost(url, whole, { headers: key }) },
  { name: 'slow', status: 200, send: (url) => rawPost(url, slowly(Buffer.concat(whole), 8), { headers: key }) },
  { name: 'events', status: 200, send: (url) => form(url, filePart(jfk), fieldPart('stream', 'true'), END) },
  { name: 'no sound', status: 400, param: 'file', send: (url) => form(url, filePart(noise), END) },
  { name: 'empty', status: 400, param: 'file', send: (url) => form(url, filePart(new Uint8Array(0)), END) },
  { name: 'cut header', status: 400, param: 'file', send: (url) => form(url, filePart(jfk.subarray(0, 30)), END) },
  { name: 'no file', status: 400, param: 'file', send: (url) => form(url, fieldPart('model', 'tiny'), END) },
  { name: 'two files', status: 400, param: 'file', send: (url) => form(url, filePart(jfk), filePart(jfk), END) },
  { name: 'other file', status: 400, param: 'audio', send: (url) => form(url, filePart(jfk, 'audio'), END) },
  { name: '10,000 fields', status: 400, param: null, send: (url) => form(url, filePart(jfk), ...fields, END) },
  {
    name: 'a long field',
    status: 400,
    param: 'prompt',
    send: (url) => form(url, filePart(jfk), fieldPart('prompt', 'x'.repeat(100_000)), END),
  },
  { name: 'cut before its end', status: 400, param: null, send: (url) => form(url, filePart(jfk)) },
  { name: 'no boundary in it', status: 400, param: null, send: (url) => form(url, jfk) },
  {
    name: 'huge, announced',
    status: 413,
    param: 'file',
    send: (url) => rawPost(url, endless(), { headers: { ...key, 'content-length': 30 << 20 } }),
  },
  { name: 'huge, not announced', status: 413, param: 'file', send: (url) => rawPost(url, endless(), { headers: key }) },
  { name: 'stalled', status: 408, param: null, send: (url) => rawPost(url, stalled(), { headers: key }) },
  { name: 'no key', status: 401, param: null, send: (url) => rawPost(url, whole) },
  {
    name: 'broken off',
    status: 0,
    send: (url) =>
      rawPost(url, [filePart(jfk).subarray(0, 50_000)], {
        headers: { ...key, 'content-length': jfk.length },
        breaksOff: true,
      }),
  },
  {
    name: 'cancelled while it is worked on',
    status: 0,
    send: (url) => rawPost(url, whole, { headers: key, signal: AbortSignal.timeout(40) }),
  },
];

function check({ name, status, param }: Kind, answer: RawAnswer): void {
  const shown = `${name}: ${JSON.stringify(answer)}`;
  // A cancelled one may have been quick.
  if (status === 0) assert.ok(answer.status === 0 || answer.status === 200, shown);
  else assert.is(answer.status, status, shown);
  if (status === 200) {
    const wanted = '"type":"transcript.text.done","text":"Hello there.';
    if (name === 'events') assert.match(answer.body, wanted);
    else assert.is(answer.body, 'Hello there.\nHow are you?\n', shown);
  }
  if (status < 400) return;
  const { error } = JSON.parse(answer.body);
  assert.is(error.param, param, shown);
  assert.ok(error.message.length > 10 && !/\.[jt]s:|\/tmp/.test(error.message), shown);
}

async function memory(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`, { headers: key })).text();
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]);
}

test('every answer is right, memory is flat, no file is left', async () => {
  await inFolder(async (folder) => {
    const spool = join(folder, 'spool');
    const child = spawn(process.execPath, [join(repoRoot, 'dist/test/support/fakeServer.js'), spool], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    const url = String(line).trim();
    const endpoint = `${url}/v1/audio/transcriptions`;
    const next = random(7);
    // Each kind ten times, in an order that is always the same.
    const queue = Array.from({ length: COUNT }, (_, i) => ({ kind: KINDS[i % KINDS.length]!, key: next() }))
      .sort((a, b) => a.key - b.key)
      .map(({ kind }) => kind);
    const levels: number[] = [];
    const lane = async (): Promise<void> => {
      for (let kind = queue.shift(); kind; kind = queue.shift()) {
        check(kind, await kind.send(endpoint));
        levels.push(await memory(url));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
    assert.is(levels.length, COUNT);
    const [first, second] = [levels.slice(0, COUNT / 2), levels.slice(COUNT / 2)].map((part) => Math.max(...part));
    assert.ok(second! < first! + MEMORY_SLACK, `${first} bytes, then ${second}`);
    const here = (): string[] =>
      readdirSync(spool, { recursive: true, encoding: 'utf8' }).filter((name) => /[/\\]/.test(name));
    await until(() => here().length === 0, 'all files are removed');
    const text = await (await fetch(`${url}/metrics`, { headers: key })).text();
    for (const state of ['arriving', 'waiting', 'running'])
      assert.match(text, `sotto_queue_requests{state="${state}"} 0`);
    assert.match(
      text,
      /^sotto_requests_total\{method="POST",path="\/v1\/audio\/transcriptions",status="200"\} [345]\d$/m,
    );
    child.kill('SIGTERM');
    const [status] = await once(child, 'close');
    assert.is(status, 0);
    assert.equal(existsSync(spool) ? readdirSync(spool) : [], []);
  });
});

test.run();
