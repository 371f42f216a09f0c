/** `/v1/realtime`: sound in, items and their texts out; with a model that is played, and once with the tiny one. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import type { ServedModel } from '../../src/server/models.ts';
import { fromALaw, fromMuLaw } from '../../src/server/realtime/g711.ts';
import { SpeechGate } from '../../src/server/realtime/speechGate.ts';
import type { StreamOptions } from '../../src/transcribe/stream/streamOptions.ts';
import { run } from '../runtimes/children.ts';
import { node24OrSkip, runtimeFolder } from '../runtimes/runtimes.ts';
import { jfk } from '../support/clips.ts';
import { fakeModel } from '../support/fakeModel.ts';
import { inFolder } from '../support/folder.ts';
import { repoRoot } from '../support/paths.ts';
import { selfSigned } from '../support/selfSigned.ts';
import { serveCommand } from '../support/serveCommand.ts';
import { until, withServer } from '../support/testServer.ts';
import { tinyModel } from '../support/tinyModel.ts';

const test = suite('server/realtime');

interface Event {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface Client {
  readonly events: Event[];
  send(event: Event): void;
  /** Waits for the next event of a kind that was not asked for yet. */
  next(type: string, ms?: number): Promise<Event>;
  close(): void;
}

async function connect(url: string, query = '?intent=transcription', headers = {}): Promise<Client> {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/realtime${query}`, { headers });
  const events: Event[] = [];
  const taken = new Set<Event>();
  socket.on('message', (data) => events.push(JSON.parse(String(data))));
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('unexpected-response', (_, { statusCode }) => reject(new Error(`refused with ${statusCode}`)));
    socket.on('error', reject);
  });
  return {
    events,
    send: (event) => socket.send(JSON.stringify(event)),
    async next(type, ms = 10_000) {
      const find = (): Event | undefined => events.find((event) => event.type === type && !taken.has(event));
      await until(() => find() !== undefined, `${type} of ${JSON.stringify(events.slice(-3))}`, ms);
      const event = find()!; // it was just found
      taken.add(event);
      return event;
    },
    close: () => socket.close(),
  };
}

/** Says "word" for each whole second of sound, and what it was told. */
function countingModel(): { readonly model: ServedModel; readonly calls: StreamOptions[]; readonly heard: number[] } {
  const calls: StreamOptions[] = [];
  const heard: number[] = [];
  async function* stream(
    source: Parameters<ServedModel['stream']>[0],
    options: StreamOptions = {},
  ): ReturnType<ServedModel['stream']> {
    calls.push(options);
    let [samples, told] = [0, 0];
    for await (const piece of source) {
      samples += piece.length;
      for (; told < Math.floor(samples / 16_000); told++)
        yield { stable: ' word', words: [], partial: '', segments: [], heard: told };
    }
    heard.push(samples);
    return { language: 'en', duration: samples / 16_000 };
  }
  return { model: fakeModel({ stream }), calls, heard };
}

/** A hum, or silence, in 16 bits. */
function sound(seconds: number, loudness: number, sampleRate = 24_000): Int16Array {
  return Int16Array.from({ length: seconds * sampleRate }, (_, i) =>
    Math.round(loudness * Math.sin((2 * Math.PI * 220 * i) / sampleRate)),
  );
}

const base64 = (samples: Int16Array): string =>
  Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength).toString('base64');

const append = (samples: Int16Array): Event => ({ type: 'input_audio_buffer.append', audio: base64(samples) });
const configured = (input: object): Event => ({
  type: 'session.update',
  session: { type: 'transcription', audio: { input } },
});

test('telephone sound', () => {
  const rows: [number, number, number][] = [
    [0xff, 0, fromMuLaw(0xff)],
    [0x7f, 0, fromMuLaw(0x7f)],
    [0x80, 32124, fromMuLaw(0x80)],
    [0x00, -32124, fromMuLaw(0x00)],
    [0xd5, 8, fromALaw(0xd5)],
    [0x55, -8, fromALaw(0x55)],
    [0xaa, 32256, fromALaw(0xaa)],
    [0x2a, -32256, fromALaw(0x2a)],
  ];
  for (const [byte, wanted, got] of rows) assert.is(got + 0, wanted, `0x${byte.toString(16)}`);
  for (let i = 1; i < 128; i++) assert.ok(fromMuLaw(0xff - i) > fromMuLaw(0xff - i + 1), `${i}`);
});

test('speech begins and ends where the level says so', () => {
  const gate = new SpeechGate({ sampleRate: 24_000, threshold: 0.5, silenceMs: 500 });
  const at: string[] = [];
  let frame = 0;
  const push = (samples: Int16Array): void => {
    for (let i = 0; i + gate.frame <= samples.length; i += gate.frame) {
      frame++;
      const event = gate.push(samples.subarray(i, i + gate.frame));
      if (event) at.push(`${event} ${frame * 20}`);
    }
  };
  push(sound(1, 30));
  push(sound(0.04, 8000));
  push(sound(1, 30));
  push(sound(1, 8000));
  push(sound(0.3, 30));
  push(sound(1, 8000));
  push(sound(1, 30));
  assert.equal(at, ['start 2100', 'stop 4840']);
});

test('turns by the level: each is announced, heard with what stands before it, and transcribed', async () => {
  const { model, calls, heard } = countingModel();
  await inFolder((folder) =>
    withServer(folder, { model }, async ({ url }) => {
      const client = await connect(url);
      await client.next('session.created');
      client.send(
        configured({
          transcription: { model: 'gpt-live-transcribe', languages: ['German'], prompt: 'Ada', keywords: ['a', 'b'] },
        }),
      );
      const { session } = await client.next('session.updated');
      assert.is(JSON.parse(JSON.stringify(session)).audio.input.transcription.language, 'de');
      const ids: unknown[] = [];
      for (const turn of [0, 1]) {
        client.send(append(sound(1, 20)));
        client.send(append(sound(2, 8000)));
        client.send(append(sound(0.7, 20)));
        const started = await client.next('input_audio_buffer.speech_started');
        const start = 3700 * turn + 700;
        assert.ok(Math.abs(Number(started.audio_start_ms) - start) <= 60, `${started.audio_start_ms}, not ${start}`);
        const stopped = await client.next('input_audio_buffer.speech_stopped');
        const committed = await client.next('input_audio_buffer.committed');
        const done = await client.next('conversation.item.input_audio_transcription.completed');
        assert.is(done.transcript, 'word word');
        assert.equal(done.usage, { type: 'duration', seconds: 3 });
        for (const event of [stopped, committed, done]) assert.is(event.item_id, started.item_id);
        assert.is(committed.previous_item_id, ids.at(-1) ?? null);
        ids.push(started.item_id);
      }
      const deltas = client.events.filter(({ type }) => type.endsWith('.delta')).map(({ delta }) => delta);
      assert.is(deltas.join(''), 'word wordword word');
      const { language, initialPrompt, hotwords } = calls[0]!;
      assert.equal([language, initialPrompt, hotwords], ['de', 'Ada', 'a, b']);
      for (const samples of heard) assert.ok(Math.abs(samples / 16_000 - 2.8) < 0.1, `${samples}`);
      client.close();
    }),
  );
});

test('turns that the client ends, in every format', async () => {
  const { model, heard } = countingModel();
  await inFolder((folder) =>
    withServer(folder, { model }, async ({ url }) => {
      const client = await connect(url, '?model=gpt-realtime');
      for (const [type, audio] of [
        ['audio/pcm', base64(sound(2, 8000))],
        ['audio/pcmu', Buffer.alloc(16_000, 0x10).toString('base64')],
        ['audio/pcma', Buffer.alloc(16_000, 0x10).toString('base64')],
      ] as const) {
        client.send(configured({ format: { type }, turn_detection: null }));
        client.send({ type: 'input_audio_buffer.append', audio });
        await client.next('session.updated');
        client.send({ type: 'input_audio_buffer.commit' });
        const { item_id: id } = await client.next('input_audio_buffer.committed');
        const done = await client.next('conversation.item.input_audio_transcription.completed');
        assert.equal([done.item_id, done.transcript], [id, 'word word'], type);
        assert.ok(Math.abs(heard.at(-1)! - 32_000) < 100, `${type}: ${heard.at(-1)}`);
      }
      // Texts come after the item that they are of is known.
      const types = client.events.map(({ type }) => type);
      assert.ok(types.indexOf('input_audio_buffer.committed') < types.findIndex((type) => type.endsWith('.delta')));
      client.send({ type: 'input_audio_buffer.append', audio: 'AAAA' });
      client.send({ type: 'input_audio_buffer.clear' });
      await client.next('input_audio_buffer.cleared');
      client.send({ type: 'input_audio_buffer.commit', event_id: 'mine' });
      const { error } = await client.next('error');
      assert.equal(
        { ...(error as object), message: '' },
        {
          ...{ message: '', type: 'invalid_request_error', param: null },
          ...{ code: 'input_audio_buffer_commit_empty', event_id: 'mine' },
        },
      );
      client.close();
    }),
  );
});

test('what is wrong is told, and the session goes on', async () => {
  await inFolder((folder) =>
    withServer(folder, { model: countingModel().model }, async ({ url }) => {
      const client = await connect(url);
      const rows: [Event, string][] = [
        [{ type: 'response.create' }, 'type'],
        [{ type: 'input_audio_buffer.append', audio: 7 }, 'audio'],
        [{ type: 'input_audio_buffer.append', audio: 'AA==' }, 'audio'],
        [{ type: 'session.update', session: 7 }, 'session'],
        [{ type: 'session.update', session: { type: 'realtime' } }, 'session.type'],
        [configured({ format: { type: 'audio/mp3' } }), 'session.audio.input.format.type'],
        [configured({ format: { type: 'audio/pcm', rate: 16_000 } }), 'session.audio.input.format.rate'],
        [configured({ transcription: { model: 'large' } }), 'model'],
        [configured({ transcription: { language: 'xx' } }), 'session.audio.input.transcription.language'],
        [configured({ transcription: { languages: ['de', 'en'] } }), 'session.audio.input.transcription.languages'],
        [configured({ transcription: { keywords: 'a' } }), 'session.audio.input.transcription.keywords'],
        [configured({ turn_detection: { type: 'semantic_vad' } }), 'session.audio.input.turn_detection.type'],
        [configured({ turn_detection: { threshold: 2 } }), 'session.audio.input.turn_detection.threshold'],
        [configured({ noise_reduction: { type: 'near_field' } }), 'noise_reduction'],
        [configured({ loudness: 1 }), 'session.audio.input.loudness'],
      ];
      for (const [event, param] of rows) {
        client.send(event);
        const { error } = (await client.next('error')) as unknown as { error: { param: string; message: string } };
        assert.is(error.param, param, JSON.stringify({ event, error }));
        assert.ok(error.message.length > 10);
      }
      client.send({
        type: 'transcription_session.update',
        session: {
          input_audio_format: 'g711_ulaw',
          input_audio_transcription: { model: 'tiny' },
          turn_detection: null,
        },
      });
      const { session } = await client.next('transcription_session.updated');
      assert.match(JSON.stringify(session), '"format":{"type":"audio/pcmu"}');
      client.close();
    }),
  );
});

test('who may come: keys, pages, numbers, models; and the end', async () => {
  await inFolder((folder) =>
    withServer(folder, { model: countingModel().model, keys: ['secret'] }, async (server) => {
      const { url } = server;
      const authorization = 'Bearer secret';
      const refused = async (query: string, headers: object): Promise<string> =>
        connect(url, query, headers).then(
          () => 'taken',
          (error: Error) => error.message,
        );
      assert.is(await refused('', {}), 'refused with 401');
      assert.is(await refused('?model=large', { authorization }), 'refused with 404');
      assert.is(await refused('', { authorization, origin: 'https://example.org' }), 'refused with 403');
      const clients = [await connect(url, '', { authorization }), await connect(url, '', { authorization })];
      assert.is(await refused('', { authorization }), 'refused with 429');
      clients[0]?.close();
      await until(async () => (await refused('', { authorization })) === 'taken', 'there is a place again');
      await server.stop(0);
    }),
  );
});

test('a client that goes away leaves nothing running', async () => {
  const { model, heard } = countingModel();
  await inFolder((folder) =>
    withServer(folder, { model }, async ({ url }) => {
      const client = await connect(url);
      client.send(append(sound(2, 20)));
      client.send(append(sound(2, 8000)));
      await client.next('input_audio_buffer.speech_started');
      client.close();
      const sessions = async () => (await fetch(`${url}/metrics`)).text();
      await until(async () => /^sotto_realtime_sessions 0$/m.test(await sessions()), 'the session is over');
      assert.equal(heard, [], 'the stream was given up, not ended');
    }),
  );
});

const node24 = node24OrSkip('openai 7 over a WebSocket');
const openai7 = join(runtimeFolder, 'node_modules/openai7');
if (node24 !== undefined && existsSync(openai7)) {
  test("OpenAI's package, over TLS", async () => {
    await inFolder((folder) => {
      const tls = selfSigned();
      const certificate = join(folder, 'cert.pem');
      writeFileSync(certificate, tls.cert);
      return withServer(folder, { model: countingModel().model, keys: ['secret'], tls }, async ({ url }) => {
        const script = join(repoRoot, 'dist/test/runtimes/openaiRealtime.js');
        const { status, output } = await run(node24, [script, openai7, url, certificate], { NODE_NO_WARNINGS: '1' });
        assert.equal([status, output.trim()], [0, 'word word']);
      });
    });
  });
}

test('JFK at 24 kHz, by the tiny model', async () => {
  const server = await serveCommand(['-m', await tinyModel(), '--device', 'cpu']);
  try {
    const wav = readFileSync(jfk.path);
    const from = new Int16Array(
      wav.buffer.slice(wav.byteOffset + wav.indexOf('data') + 8, wav.byteOffset + wav.length),
    );
    // Linear, from 16 to 24 kHz: near enough for speech.
    const samples = Int16Array.from({ length: Math.floor(from.length * 1.5) - 2 }, (_, i) => {
      const at = i / 1.5;
      const [low, share] = [Math.floor(at), at % 1];
      return Math.round((1 - share) * from[low]! + share * from[low + 1]!);
    });
    const client = await connect(server.url);
    client.send(configured({ turn_detection: null, transcription: { model: 'whisper-1', language: 'en' } }));
    for (let at = 0; at < samples.length; at += 24_000) client.send(append(samples.slice(at, at + 24_000)));
    client.send({ type: 'input_audio_buffer.commit' });
    const { transcript } = await client.next('conversation.item.input_audio_transcription.completed', 300_000);
    const deltas = client.events.filter(({ type }) => type.endsWith('.delta')).map(({ delta }) => delta);
    assert.is(deltas.join(''), transcript);
    const words = (text: unknown): string =>
      String(text)
        .toLowerCase()
        .replace(/[^a-z ]/g, '')
        .trim();
    assert.is(words(transcript), words(jfk.text));
    client.close();
  } finally {
    assert.is(await server.stop(), 0, server.log());
  }
});

test.run();
