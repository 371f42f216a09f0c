/** `POST /v1/audio/alignments` with a model that is played: fields, formats, errors, jobs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { write } from '../../src/output/writer.ts';
import { fakeModel } from '../support/fakeModel.ts';
import { inFolder } from '../support/folder.ts';
import { jfkPath, type ServerUnderTest, type TestServerOptions, withServer } from '../support/testServer.ts';

const test = suite('server/alignments');
const jfk = readFileSync(jfkPath);
const lines = ['Hello there.', 'How are you?'];
const text = ['text', lines.join('\n')] as const;

type Fields = readonly (readonly [name: string, value: string])[];

function post(server: ServerUnderTest, fields: Fields, path = 'alignments'): Promise<Response> {
  const form = new FormData();
  form.append('file', new Blob([jfk]), 'talk.wav');
  for (const [name, value] of fields) form.append(name, value);
  return fetch(`${server.url}/v1/audio/${path}`, { method: 'POST', body: form });
}

function withTestServer(options: TestServerOptions, work: (server: ServerUnderTest) => Promise<void>): Promise<void> {
  return inFolder((folder) => withServer(folder, options, work));
}

test('times of a text, in every format that has a place for them, with what is not said', async () => {
  const model = fakeModel();
  await withTestServer({ model, defaults: new Map([['vad', 'True']]) }, async (server) => {
    const alignment = await model.align('', lines);
    const usage = '"usage": {"type":"duration","seconds":2}}';
    const verbose = await post(server, [text, ['language', 'en'], ['beam_size', '2']]);
    assert.is(verbose.status, 200);
    const body = await verbose.text();
    assert.is(body, `${write(alignment, 'verbose_json').slice(0, -1)}, ${usage}`);
    assert.equal(JSON.parse(body).unmatched, [{ kind: 'not_said', text: 'well', line: 1, start: 0, end: 1 }]);
    const given = model.calls.at(-1);
    assert.equal(
      [given?.language, given?.beamSize, given?.vad, given?.wordTimestamps],
      ['en', 2, undefined, undefined],
    );
    for (const [format, file] of [
      ['text', 'txt'],
      ['srt', 'srt'],
      ['vtt', 'vtt'],
      ['lrc', 'lrc'],
      ['tsv', 'tsv'],
      ['csv', 'csv'],
    ] as const)
      assert.is(await (await post(server, [text, ['response_format', format]])).text(), write(alignment, file));
    const highlighted = await post(server, [text, ['response_format', 'vtt'], ['highlight_words', 'True']]);
    assert.match(await highlighted.text(), '<u>Hello there.</u>');
  });
});

test('what is wrong is named', async () => {
  await withTestServer({}, async (server) => {
    const rows: [Fields, string, string][] = [
      [[], 'text', 'There is no text'],
      [[text, ['response_format', 'json']], 'response_format', 'no place for times'],
      [[text, ['stream', 'true']], 'stream', 'no stream'],
      [[text, ['vad', 'True']], 'vad', 'There is no parameter vad'],
      [[text, ['channels', 'speakers']], 'channels', 'There is no parameter channels'],
      [[text, ['chunking_strategy', 'auto']], 'chunking_strategy', 'no meaning'],
      [[['text', 'x'.repeat(3 << 20)]], 'text', 'longer than 2048 KiB'],
    ];
    for (const [fields, param, words] of rows) {
      const response = await post(server, fields);
      const { error } = (await response.json()) as { error: { param: string; message: string } }; // of OpenAI's shape
      assert.is(response.status, 400, words);
      assert.is(error.param, param);
      assert.match(error.message, words);
    }
    const transcription = await post(server, [text], 'transcriptions');
    assert.is(transcription.status, 400);
    assert.match(await transcription.text(), '/v1/audio/alignments');
    assert.is((await fetch(`${server.url}/v1/audio/alignments`)).status, 405);
    assert.is((await post(server, [['text', 'word '.repeat(100_000)]])).status, 200);
  });
});

test('a job keeps its text', async () => {
  await inFolder(async (folder) => {
    const model = fakeModel();
    const keepJobs = { folder: join(folder, 'jobs'), keepMs: 60_000 };
    await withServer(folder, { model, keepJobs }, async (server) => {
      const response = await post(server, [text, ['response_format', 'srt']], 'alignments?async=true');
      assert.is(response.status, 202);
      const { id } = (await response.json()) as { id: string }; // of a job
      for (;;) {
        const job = (await (await fetch(`${server.url}/v1/jobs/${id}`)).json()) as { status: string; result?: string }; // the same
        if (job.status !== 'done') continue;
        assert.is(job.result, write(await model.align('', lines), 'srt'));
        return;
      }
    });
  });
});

test.run();
