/** Recordings on servers that fall silent, refuse, redirect, or send something else. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { AudioError } from '../../src/base/errors.ts';
import type { Progress } from '../../src/base/progress.ts';
import { readAudio } from '../../src/runtime/nodeAudio.ts';
import { fetchRecording, responseBytes } from '../../src/runtime/webFetch.ts';
import { integerBytes, noise, wavFile } from '../audio/sounds.ts';
import { serve } from '../support/httpServer.ts';
import { reasonOf, throws } from '../support/throws.ts';

const test = suite('webFetch');

const values = Int16Array.from(noise(100_000, 1), (value) => 30_000 * value);
const wav = wavFile({ tag: 1, bits: 16, data: integerBytes(values, 16) });
const closed: string[] = [];
const server = await serve((request, response) => {
  const path = request.url ?? '';
  response.on('close', () => closed.push(path));
  if (path === '/a.wav') response.end(wav);
  else if (path === '/moved') response.writeHead(302, { location: '/a.wav' }).end();
  else if (path === '/slow') {
    let at = 0;
    const timer = setInterval(() => {
      response.write(wav.subarray(at, at + 25_000));
      at += 25_000;
      if (at < wav.length) return;
      clearInterval(timer);
      response.end();
    }, 30);
  } else if (path === '/stalled') response.writeHead(200, { 'content-length': wav.length }).write(wav.subarray(0, 100));
  else if (path === '/silent') return;
  else if (path === '/short') {
    response.writeHead(200, { 'content-length': wav.length });
    response.write(wav.subarray(0, 1000), () => response.destroy());
  } else if (path.startsWith('/busy')) {
    // Comes at the second attempt.
    if (closed.includes(path)) response.end(wav);
    else if (path === '/busy') response.writeHead(503).end();
    else response.destroy();
  } else if (path === '/page')
    response.setHeader('content-type', 'text/html').end('\n <!DOCTYPE html><html>Log in</html>');
  else if (path === '/radio') {
    response.writeHead(200, { 'icy-name': 'x', 'content-type': 'audio/mpeg' });
    response.write(wav);
  } else response.writeHead(404).end('no');
});
test.after(() => server.close());

const bytesOf = async (pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
};
const fetched = async (path: string, stallMs?: number) =>
  bytesOf(await fetchRecording(`${server.url}${path}`, { stallMs }));

test('recordings come whole, by redirects and slowly too, with progress in bytes', async () => {
  const samples = Float32Array.from(values, (value) => value / 32768);
  const seen: Progress[] = [];
  assert.equal(await readAudio(`${server.url}a.wav`, { onProgress: (progress) => seen.push(progress) }), samples);
  assert.ok(seen.some(({ stage, done, total }) => stage === 'fetch' && done === wav.length && total === wav.length));
  assert.equal(await readAudio(new URL(`${server.url}moved`)), samples);
  assert.equal(await readAudio(await fetch(`${server.url}a.wav`)), samples);
  // Longer than the limit in all, but never silent for so long.
  assert.equal(Buffer.compare(await fetched('slow', 100), wav), 0);
});

test('what fails in passing is tried again', async () => {
  for (const path of ['busy', 'busy/reset']) {
    assert.is(Buffer.compare(await bytesOf(await fetchRecording(`${server.url}${path}`, { pauseMs: 50 })), wav), 0);
  }
});

test('a server that falls silent ends in an error, before its answer or after', async () => {
  await throws(AudioError, 'fetch', fetched('silent', 60), 'nothing came for 0.06 s');
  await throws(AudioError, 'fetch', fetched('stalled', 60), 'nothing came for 0.06 s');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(closed.includes('/silent') && closed.includes('/stalled'), 'the connections are closed');
});

test('what is no recording says what it is', async () => {
  const other = await serve(() => {});
  const gone = other.url;
  await other.close();
  await throws(AudioError, 'fetch', readAudio(`${server.url}none`), 'status 404');
  await throws(AudioError, 'fetch', readAudio(`${server.url}page`), 'a web page');
  await throws(AudioError, 'fetch', readAudio(`${server.url}radio`), 'radio station');
  await throws(AudioError, 'fetch', readAudio(`${server.url}short`));
  await throws(AudioError, 'fetch', readAudio(`${gone}a.wav`), 'the connection was refused (connect ECONNREFUSED');
  await throws(AudioError, 'fetch', readAudio('http://'));
  await throws(AudioError, 'fetch', readAudio(await fetch(`${server.url}none`)), 'status 404');
  const used = await fetch(`${server.url}a.wav`);
  await used.arrayBuffer();
  await throws(AudioError, 'fetch', readAudio(used), 'read before');
  const locked = await fetch(`${server.url}a.wav`);
  const reader = locked.body?.getReader();
  await throws(AudioError, 'fetch', readAudio(locked), 'read before');
  await reader?.cancel();
  const long = await throws(AudioError, 'fetch', readAudio(`${gone}${'x'.repeat(1_000_000)}`));
  assert.ok(long.message.length < 400);
  await throws(AudioError, 'fetch', bytesOf(responseBytes(new Response(null))), 'no body');
});

test("an abort gives the signal's reason, at any time", async () => {
  for (const path of ['silent', 'stalled', 'slow']) {
    const controller = new AbortController();
    const reading = reasonOf(readAudio(`${server.url}${path}`, { signal: controller.signal }));
    setTimeout(() => controller.abort(new Error('enough')), 40);
    assert.is(String(await reading), 'Error: enough');
  }
  const { signal } = (() => {
    const controller = new AbortController();
    controller.abort(new Error('before'));
    return controller;
  })();
  assert.is(String(await reasonOf(readAudio(`${server.url}a.wav`, { signal }))), 'Error: before');
});

test.run();
