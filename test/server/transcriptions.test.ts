/** The endpoints with a model that is played: forms, formats, events, errors. */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { write } from '../../src/output/writer.ts';
import { wavFile } from '../audio/sounds.ts';
import { fakeModel } from '../support/fakeModel.ts';
import { inFolder } from '../support/folder.ts';
import { BOUNDARY, END, filePart } from '../support/rawRequest.ts';
import { jfkPath, type ServerUnderTest, type TestServerOptions, withServer } from '../support/testServer.ts';

const test = suite('server/transcriptions');
const jfk = readFileSync(jfkPath);

type Fields = readonly (readonly [name: string, value: string])[];

function formOf(fields: Fields, bytes: Uint8Array<ArrayBuffer> | undefined = jfk, fileName = 'talk.wav'): FormData {
  const form = new FormData();
  form.append('file', new Blob([bytes]), fileName);
  for (const [name, value] of fields) form.append(name, value);
  return form;
}

function post(server: ServerUnderTest, fields: Fields = [], path = 'transcriptions'): Promise<Response> {
  return fetch(`${server.url}/v1/audio/${path}`, { method: 'POST', body: formOf(fields) });
}

/** @returns what the answer is known to hold */
async function jsonOf<T>(answer: Promise<Response>): Promise<T> {
  return (await (await answer).json()) as T;
}

/** What an error's body says. */
async function errorOf(response: Response): Promise<Readonly<Record<string, unknown>>> {
  assert.is(response.headers.get('content-type'), 'application/json');
  assert.ok(response.headers.get('x-request-id'));
  const { error } = (await response.json()) as { error: Record<string, unknown> }; // checked here
  assert.equal(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  assert.not.match(String(error.message), /\/var\/tmp|sotto-serve|at .*\.[jt]s/);
  return error;
}

function withTestServer(options: TestServerOptions, work: (server: ServerUnderTest) => Promise<void>): Promise<void> {
  return inFolder((folder) => withServer(folder, options, work));
}

test('every format is the bytes of its writer, with a type that clients parse it by', async () => {
  await withTestServer({}, async (server) => {
    const model = fakeModel();
    const transcript = await model.transcribe('');
    const rows: [string, string, string][] = [
      ['text', 'text/plain; charset=utf-8', write(transcript, 'txt')],
      ['srt', 'application/x-subrip; charset=utf-8', write(transcript, 'srt')],
      ['vtt', 'text/vtt; charset=utf-8', write(transcript, 'vtt')],
      ['tsv', 'text/tab-separated-values; charset=utf-8', write(transcript, 'tsv')],
      ['lrc', 'text/plain; charset=utf-8', write(transcript, 'lrc')],
      ['csv', 'text/csv; charset=utf-8', write(transcript, 'csv')],
    ];
    for (const [format, type, body] of rows) {
      const response = await post(server, [['response_format', format]]);
      assert.is(response.status, 200);
      assert.is(response.headers.get('content-type'), type);
      assert.is(await response.text(), body);
    }
    const json = await post(server);
    assert.is(json.headers.get('content-type'), 'application/json');
    assert.equal(await json.json(), {
      text: 'Hello there. How are you?',
      usage: { type: 'duration', seconds: 2 },
    });
    const verbose = await (await post(server, [['response_format', 'verbose_json']])).text();
    assert.is(verbose, `${write(transcript, 'verbose_json').slice(0, -1)}, "usage": {"type":"duration","seconds":2}}`);
  });
});

test('deltas joined are the text, which the last event has too', async () => {
  const texts = [' One', ' two ', '', '  three.\n', ' '];
  await withTestServer({ model: fakeModel({ texts }) }, async (server) => {
    const response = await post(server, [['stream', 'true']]);
    assert.match(response.headers.get('content-type') ?? '', 'text/event-stream');
    const events = (await response.text())
      .split('\n\n')
      .filter((event) => event.startsWith('data: '))
      .map((event) => JSON.parse(event.slice(6)));
    const done = events.at(-1);
    const deltas = events.slice(0, -1).map((event) => {
      assert.is(event.type, 'transcript.text.delta');
      return event.delta;
    });
    assert.equal(deltas, ['One', ' two', '   three.']);
    assert.equal(done, {
      type: 'transcript.text.done',
      text: deltas.join(''),
      usage: { type: 'duration', seconds: 5 },
    });
    const { text } = await jsonOf<{ text: string }>(post(server));
    assert.is(text, done.text);
  });
});

/** A WAV file of two channels: the recording of the tests and silence. */
function stereo(): Uint8Array<ArrayBuffer> {
  const data = jfk.subarray(jfk.indexOf('data') + 8);
  const bytes = new Uint8Array(2 * data.length);
  for (let i = 0; i < data.length; i += 2) bytes.set(data.subarray(i, i + 2), 2 * i);
  return wavFile({ tag: 1, bits: 16, nChannels: 2, data: bytes }).slice();
}

test('the channels of a call are speakers, in every format', async () => {
  const model = fakeModel();
  await withTestServer({ model }, async (server) => {
    const send = async (fields: Fields): Promise<Response> => {
      const body = formOf(fields, stereo());
      return fetch(`${server.url}/v1/audio/transcriptions`, { method: 'POST', body });
    };
    const diarized = [
      { id: '0', type: 'transcript.text.segment', start: 0, end: 1, text: 'Hello there.', speaker: 'Left' },
      { id: '1', type: 'transcript.text.segment', start: 1, end: 2, text: 'How are you?', speaker: 'Right' },
    ];
    const text = 'Hello there. How are you?';
    const usage = { type: 'duration', seconds: 2 };
    assert.equal(await (await send([['response_format', 'diarized_json']])).json(), {
      ...{ task: 'transcribe', duration: 1.5, text, segments: diarized, usage },
    });
    const speakers = ['channels', 'speakers'] as const;
    const lines = await send([speakers, ['response_format', 'text'], ['speaker_names', 'Ada, Bo']]);
    assert.is(await lines.text(), 'Left: Hello there.\nRight: How are you?\n');
    assert.equal(model.calls.at(-1)?.speakerNames, ['Ada', 'Bo']);
    assert.is(model.calls.at(-1)?.channels, 'speakers');
    assert.match(await (await send([speakers, ['response_format', 'vtt']])).text(), '<v Right>How are you?');
    assert.equal(await (await send([speakers])).json(), { text, usage });

    const events = (
      await (
        await send([
          ['response_format', 'diarized_json'],
          ['stream', 'true'],
        ])
      ).text()
    )
      .split('\n\n')
      .filter((event) => event.startsWith('data: '))
      .map((event) => JSON.parse(event.slice(6)));
    const of = (type: string) => events.filter((event) => event.type === `transcript.text.${type}`);
    assert.equal(of('segment'), diarized);
    assert.equal(
      of('delta').map(({ delta, segment_id }) => [delta, segment_id]),
      [
        ['Hello there.', '0'],
        [' How are you?', '1'],
      ],
    );
    assert.equal(of('done'), [{ type: 'transcript.text.done', text, usage }]);
  });
});

test('what is wrong with a request is named', async () => {
  await withTestServer({}, async (server) => {
    const rows: [Fields, number, string | null, string][] = [
      [[['response_format', 'xml']], 400, 'response_format', 'json, text, srt'],
      [[['response_format', 'diarized_json']], 400, 'channels', 'one channel'],
      [[['channels', 'speakers']], 400, 'channels', 'one channel'],
      [[['speaker_names', 'Ada,Bo']], 400, 'speaker_names', 'has no effect without'],
      [
        [
          ['response_format', 'diarized_json'],
          ['channels', 'mix'],
        ],
        400,
        'channels',
        'who speaks',
      ],
      [[['model', 'large-v2']], 404, 'model', 'There is no model large-v2 on this server, which has tiny.'],
      [[['model', 'gpt-4o-transcribe-diarize']], 404, 'model', 'voices'],
      [[['language', 'klingon']], 400, 'language', 'does not know the language'],
      [[['temperature', 'hot']], 400, 'temperature', 'temperature takes'],
      [[['stream', 'yes']], 400, 'stream', 'true or false'],
      [
        [
          ['stream', 'true'],
          ['response_format', 'srt'],
        ],
        400,
        'stream',
        'srt',
      ],
      [[['timestamp_granularities[]', 'letter']], 400, 'timestamp_granularities[]', 'word or segment'],
      [[['timestamp_granularities', 'word']], 400, 'timestamp_granularities', 'needs a response_format'],
      [[['include[]', 'tokens']], 400, 'include[]', 'logprobs'],
      [[['chunking_strategy', 'none']], 400, 'chunking_strategy', 'auto'],
      [
        [
          ['chunking_strategy[type]', 'server_vad'],
          ['chunking_strategy[threshold]', '0.5'],
        ],
        400,
        'chunking_strategy[threshold]',
        'dB',
      ],
      [[['known_speaker_names[]', 'Ada']], 400, 'known_speaker_names[]', 'voices'],
      [[['user', 'me']], 400, 'user', 'no meaning'],
      [[['beam_siz', '2']], 400, 'beam_siz', 'Did you mean beam_size?'],
      [[['beam_size', '0']], 400, 'beam_size', 'beam_size takes'],
      [[['task', 'translate']], 400, 'task', '/v1/audio/translations'],
      [[['recordings_at_once', '2']], 400, 'recordings_at_once', 'no parameter'],
      [[['threads', '2']], 400, 'threads', 'no parameter'],
      [
        [
          ['model', 'tiny'],
          ['model', 'tiny'],
        ],
        400,
        'model',
        '2 times',
      ],
      [
        [
          ['languages[]', 'de'],
          ['languages[]', 'xx'],
        ],
        400,
        'languages[]',
        'does not know',
      ],
      [[['max_line_width', '40']], 400, 'max_line_width', 'Add word_timestamps True'],
    ];
    for (const [fields, status, param, words] of rows) {
      const response = await post(server, fields);
      const error = await errorOf(response);
      const shown = JSON.stringify({ fields, error });
      assert.is(response.status, status, shown);
      assert.is(error.param, param, shown);
      assert.ok(String(error.message).includes(words), shown);
      assert.is(error.type, 'invalid_request_error');
    }
  });
});

test('parameters are what the command has for them', async () => {
  const model = fakeModel();
  await withTestServer({ model }, async (server) => {
    const last = async (fields: Fields, path?: string) => {
      assert.is((await post(server, fields, path)).status, 200, JSON.stringify(fields));
      return model.calls.at(-1)!;
    };
    const plain = await last([]);
    assert.equal(plain.temperature, [0, 0.2, 0.4, 0.6000000000000001, 0.8, 1]);
    assert.is(plain.beamSize, 5);
    assert.equal({ ...(await last([['temperature', '0']])), ...callbacks }, { ...plain, ...callbacks });
    assert.equal((await last([['temperature', '0.8']])).temperature, [0.8, 1]);
    assert.is((await last([['prompt', 'Ada']])).initialPrompt, 'Ada');
    assert.is((await last([['language', 'German']])).language, 'de');
    assert.is(
      (
        await last([
          ['keywords[]', 'Ada'],
          ['keywords[]', 'Babbage'],
        ])
      ).hotwords,
      'Ada, Babbage',
    );
    assert.is(
      (
        await last([
          ['languages[]', 'fr'],
          ['languages[]', 'en'],
        ])
      ).language,
      'fr',
    );
    assert.is((await last([['languages[]', 'en']])).language, 'en');
    const granular: Fields = [
      ['timestamp_granularities[]', 'word'],
      ['response_format', 'verbose_json'],
    ];
    assert.is((await last(granular)).wordTimestamps, true);
    assert.is((await last([['chunking_strategy', 'auto']])).vad, true);
    const vad: Fields = [
      ['chunking_strategy[type]', 'server_vad'],
      ['chunking_strategy[silence_duration_ms]', '500'],
    ];
    assert.equal((await last(vad)).vad, { minSilence: 0.5 });
    assert.is((await last([['beam_size', '2']])).beamSize, 2);
    assert.is((await last([], 'translations')).task, 'translate');
    assert.is(plain.task, undefined);
    const { logprobs } = await jsonOf<{ logprobs: { token: string; logprob: number }[] }>(
      post(server, [['include[]', 'logprobs']]),
    );
    assert.is(logprobs[0]?.logprob, -0.25);
    assert.is(logprobs.map(({ token }) => token).join(''), ' Hello there. How are you? ');
  });
});

/** What is another object for each call. */
const callbacks = { signal: undefined, onSegment: undefined, onProgress: undefined };

test('models are listed, and found by their other names', async () => {
  await withTestServer({ names: ['tiny', 'base.en'] }, async ({ url }) => {
    const { data } = await jsonOf<{ data: { id: string }[] }>(fetch(`${url}/v1/models`));
    const ids = data.map(({ id }) => id);
    assert.equal(ids.slice(0, 3), ['tiny', 'base.en', 'whisper-1']);
    for (const [name, id] of [
      ['tiny', 'tiny'],
      ['openai%2Fwhisper-base.en', 'base.en'],
      ['openai/whisper-tiny', 'tiny'],
      ['whisper-1', 'whisper-1'],
      ['gpt-4o-mini-transcribe-2025-12-15', 'tiny'],
      ['gpt-live-transcribe', 'tiny'],
    ]) {
      const entry = await jsonOf<{ id: string; object: string }>(fetch(`${url}/v1/models/${name}`));
      assert.is(entry.id, id);
      assert.is(entry.object, 'model');
    }
    const missing = await fetch(`${url}/v1/models/small`);
    assert.is(missing.status, 404);
    assert.is((await errorOf(missing)).code, 'model_not_found');
  });
});

test('what is not there, or asked for otherwise, is told in the same shape', async () => {
  await withTestServer({}, async ({ url }) => {
    const unknown = await fetch(`${url}/v1/chat/completions`, { method: 'POST' });
    assert.is(unknown.status, 404);
    assert.is((await errorOf(unknown)).message, 'Invalid URL (POST /v1/chat/completions)');
    const method = await fetch(`${url}/v1/audio/transcriptions`);
    assert.is(method.status, 405);
    assert.is((await errorOf(method)).code, 'method_not_allowed');
    const json = await fetch(`${url}/v1/audio/transcriptions`, { method: 'POST', body: '{}' });
    assert.is(json.status, 400);
    assert.match(String((await errorOf(json)).message), 'multipart/form-data');
    assert.is((await fetch(`${url}/health`)).status, 200);
    assert.is((await fetch(`${url}/ready`)).status, 200);
  });
});

test('a recording that is none fails alone, by its own name', async () => {
  await withTestServer({ limits: { maxSeconds: 5 } }, async (server) => {
    const rows: [Uint8Array<ArrayBuffer>, string][] = [
      [new Uint8Array(0), 'talk.wav'],
      [new Uint8Array(5000).fill(7), 'talk.wav'],
      [jfk.subarray(0, 20), 'The WAV file ends within'],
      [jfk, 'longer than the 5 s'],
    ];
    for (const [bytes, words] of rows) {
      const body = formOf([], bytes);
      const response = await fetch(`${server.url}/v1/audio/transcriptions`, { method: 'POST', body });
      assert.is(response.status, 400);
      const error = await errorOf(response);
      assert.is(error.param, 'file');
      assert.ok(String(error.message).includes(words), String(error.message));
    }
    const none = await fetch(`${server.url}/v1/audio/transcriptions`, { method: 'POST', body: new FormData() });
    assert.is(none.status, 400);
  });
});

test('a client that asks before it sends is told to send only what is taken', async () => {
  await withTestServer({ keys: ['secret'], limits: { maxBytes: 1_000_000 } }, async ({ url }) => {
    const body = Buffer.concat([filePart(jfk), END]);
    const ask = (length: number, key: string): Promise<readonly [isTold: boolean, status: number]> =>
      new Promise((resolve, reject) => {
        let isTold = false;
        const sent = request(`${url}/v1/audio/transcriptions`, {
          method: 'POST',
          headers: {
            'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
            'content-length': length,
            expect: '100-continue',
            authorization: `Bearer ${key}`,
          },
        });
        sent.on('continue', () => {
          isTold = true;
          sent.end(body);
        });
        sent.on('response', (response) => {
          resolve([isTold, response.statusCode ?? 0]);
          response.resume();
          sent.destroy();
        });
        sent.on('error', reject);
        sent.flushHeaders();
      });
    assert.equal(await ask(body.length, 'secret'), [true, 200]);
    assert.equal(await ask(body.length, 'wrong'), [false, 401]);
    assert.equal(await ask(30_000_000, 'secret'), [false, 413]);
  });
});

test.run();
