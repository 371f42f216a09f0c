/** The `openai` package against `sotto serve` with the tiny model: 6 on this Node, 7 on Node 24, which it asks for. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from '../runtimes/children.ts';
import { node24OrSkip, runtimeFolder } from '../runtimes/runtimes.ts';
import { jfk } from '../support/clips.ts';
import { sotto } from '../support/command.ts';
import { type ServeProcess, serveCommand } from '../support/serveCommand.ts';
import { tinyModel } from '../support/tinyModel.ts';

type Json = Readonly<Record<string, unknown>>;

/** Thirty transcriptions, on a machine that does other things too. */
const CLIENT_MINUTES = 13;
const folder = mkdtempSync(join(tmpdir(), 'sotto-openai-'));
const decoding = ['--beam_size', '1', '--device', 'cpu'];
const model = await tinyModel();

/** The command's files, by what makes them different. */
async function commandFiles(name: string, ...options: readonly string[]): Promise<(format: string) => string> {
  const out = join(folder, name);
  const formats = ['-f', 'all,lrc,csv,verbose_json', '--verbose', 'None', '-o', out];
  const { status, stderr } = await sotto([jfk.path, '-m', model, ...decoding, ...formats, ...options]);
  assert.is(status, 0, stderr);
  return (format) => readFileSync(join(out, `jfk.${format}`), 'utf8');
}

function check(results: Json, files: Awaited<ReturnType<typeof allFiles>>): void {
  const { plain, words, translated } = files;
  const text = plain('txt').trim();
  const usage = { type: 'duration', seconds: 11 };
  const verbose = (file: string): string => `${file.slice(0, -1)}, "usage": ${JSON.stringify(usage)}}`;
  assert.is(text, jfk.text.trim());
  const json = { text, usage };
  const is = (name: string, wanted: unknown): void => assert.equal(results[name], wanted, name);

  is('raw json', JSON.stringify(json));
  for (const format of ['text', 'srt', 'vtt', 'tsv', 'lrc', 'csv']) {
    const file = plain(format === 'text' ? 'txt' : format);
    is(`raw ${format}`, file);
  }
  is('parsed text', plain('txt'));
  is('parsed srt', plain('srt'));
  is('raw verbose_json', verbose(plain('verbose.json')));
  is('parsed verbose_json', JSON.parse(verbose(plain('verbose.json'))));
  for (const format of ['srt', 'vtt']) is(`words ${format}`, words(format));
  is('words verbose_json', verbose(words('verbose.json')));
  assert.match(words('verbose.json'), '"words": [{"word": "And"');
  is('translation json', JSON.stringify({ text: translated('txt').trim(), usage }));
  is('translation srt', translated('srt'));
  is('translation verbose_json', verbose(translated('verbose.json')));

  for (const way of ['stream', 'File', 'toFile', 'Response']) is(`upload ${way}`, json);

  for (const name of ['language', 'temperature', 'languages']) is(`parameter ${name}`, json);
  for (const name of ['prompt', 'keywords', 'auto', 'vad', 'logprobs']) {
    assert.match(String((results[`parameter ${name}`] as Json).text), /fellow Americans/i, name);
  }
  const { logprobs } = results['parameter logprobs'] as { logprobs: { token: string; logprob: number }[] };
  assert.is(
    logprobs
      .map(({ token }) => token)
      .join('')
      .trim(),
    text,
  );
  assert.ok(logprobs.every(({ logprob }) => logprob <= 0 && logprob > -10));
  for (const [name, param] of [
    ['threshold', 'chunking_strategy[threshold]'],
    ['diarized', 'channels'],
    ['speakers', 'known_speaker_names[]'],
    ['granularity', 'timestamp_granularities[]'],
  ] as const) {
    refused(results[`parameter ${name}`], 400, { param });
  }

  const call = results['parsed diarized_json'] as { segments: { speaker: string; text: string }[] } & Json;
  // Of the speech alone, with word times: a mark may differ.
  const letters = (said: string): string => said.toLowerCase().replace(/[^a-z ]/g, '');
  assert.is(letters(String(call.text)), letters(text));
  assert.equal(new Set(call.segments.map(({ speaker }) => speaker)), new Set(['Left']));
  assert.is(call.segments.map((segment) => segment.text).join(' '), call.text);

  for (const format of ['json', 'verbose_json']) {
    const events = results[`stream ${format}`] as Json[];
    const of = (type: string): Json[] => events.filter((event) => event.type === `transcript.text.${type}`);
    assert.is(
      of('delta')
        .map(({ delta }) => delta)
        .join(''),
      text,
    );
    assert.equal(of('done'), [{ type: 'transcript.text.done', text, usage }]);
    assert.is(of('segment').length > 0, format === 'verbose_json');
    assert.is(events.length, of('delta').length + of('segment').length + 1);
  }

  assert.ok((results.models as string[]).includes('whisper-1'));
  is('model', 'whisper-1');
  refused(results['no such model'], 404, { code: 'model_not_found' });
  refused(results['error model'], 404, { code: 'model_not_found', param: 'model' });
  refused(results['error format'], 400, { param: 'response_format' });
  refused(results['error file'], 400, { param: 'file' });
  refused(results['error stream'], 400, { param: 'stream' });
  refused(results['error key'], 401, { code: 'invalid_api_key' });
  refused(results['error size'], 413, { param: 'file' });
  refused(results['error size of a stream'], 413, { param: 'file' });
  assert.match(String((results['error size'] as Json).message), 'Maximum content size limit (50000000) exceeded');
  assert.match(String((results.abort as Json).message), /aborted/i);
}

function refused(result: unknown, status: number, wanted: Json): void {
  const shown = JSON.stringify({ result, status, wanted });
  assert.ok(typeof result === 'object' && result !== null && 'status' in result, shown);
  const error = result as Json; // any object is
  assert.is(error.status, status, shown);
  assert.is(error.hasRequestId, true, shown);
  assert.match(String(error.message), /^\d+ \w.*/s, shown);
  for (const [name, value] of Object.entries(wanted)) assert.is(error[name], value, shown);
}

async function allFiles() {
  return {
    plain: await commandFiles('plain'),
    words: await commandFiles('words', '--word_timestamps', 'True'),
    translated: await commandFiles('translated', '--task', 'translate'),
  };
}

const clients: readonly (readonly [string, string | undefined])[] = [
  ['openai6', process.execPath],
  ['openai7', node24OrSkip('openai 7')],
];
const there = clients.filter(
  ([name, node]) => node !== undefined && existsSync(join(runtimeFolder, 'node_modules', name)),
);
for (const [name] of clients) {
  if (!there.some(([other]) => other === name))
    console.log(`skipped ${name}: it is not here (npm ci --prefix test/runtimes --ignore-scripts)`);
}

if (there.length > 0) {
  const test = suite('server/openai');
  let server: ServeProcess;
  let files: Awaited<ReturnType<typeof allFiles>>;
  test.before(async () => {
    files = await allFiles();
    server = await serveCommand(['-m', model, ...decoding, '--max_mb', '50'], { SOTTO_API_KEY: 'other,secret' });
  });
  test.after(async () => {
    const status = await server.stop();
    rmSync(folder, { recursive: true });
    assert.is(status, 0, server.log());
  });
  for (const [name, node] of there) {
    test(`${name}: every parameter, format and upload, models, events and errors`, async () => {
      const client = join(runtimeFolder, '../../dist/test/runtimes/openaiClient.js');
      const args = [client, join(runtimeFolder, 'node_modules', name), server.url, 'secret', jfk.path];
      const { output, status } = await run(node ?? '', args, { NODE_NO_WARNINGS: '1' }, CLIENT_MINUTES);
      assert.is(status, 0, output);
      check(JSON.parse(output) as Json, files);
    });
  }
  test.run();
}
