/**
 * What the `openai` package gets from a server, printed as JSON: started by `test/server/openai.test.ts` in the version of Node
 * that the package's version asks for.
 *
 *   node openaiClient.js PACKAGE URL KEY RECORDING
 *
 * The package is not installed where only sotto is, so its types are stated here as far as they are used.
 */
import { createReadStream, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

type Params = Readonly<Record<string, unknown>>;

interface Call extends Promise<unknown> {
  asResponse(): Promise<Response>;
}

interface Endpoint {
  create(params: Params, options?: { readonly signal?: AbortSignal }): Call;
}

interface Client {
  readonly models: {
    list(): AsyncIterable<{ readonly id: string }>;
    retrieve(id: string): Promise<{ readonly id: string }>;
  };
  readonly audio: { readonly transcriptions: Endpoint; readonly translations: Endpoint };
}

interface Sdk {
  readonly default: new (options: {
    readonly baseURL: string;
    readonly apiKey: string;
    readonly maxRetries?: number;
  }) => Client;
  toFile(value: unknown, name?: string): Promise<File>;
}

const [folder = '', url = '', key = '', recording = ''] = process.argv.slice(2);
const { default: OpenAI, toFile } = (await import(pathToFileURL(join(folder, 'index.mjs')).href)) as Sdk; // as above
const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const { transcriptions, translations } = openai.audio;
const bytes = readFileSync(recording);
const model = 'whisper-1';
const file = (): File => new File([bytes], 'talk.wav');

const results: Record<string, unknown> = {};

async function record(name: string, work: () => Promise<unknown>): Promise<void> {
  try {
    results[name] = await work();
  } catch (error) {
    const { status, code, param, type, requestID, message } = error as Record<string, unknown>; // as the SDK's errors are
    results[name] = { status, code, param, type, hasRequestId: typeof requestID === 'string', message };
  }
}

async function raw(name: string, params: Params, endpoint: Endpoint = transcriptions): Promise<void> {
  await record(name, async () => {
    const response = await endpoint.create({ model, file: file(), ...params }).asResponse();
    return response.text();
  });
}

for (const format of ['json', 'text', 'srt', 'vtt', 'verbose_json', 'tsv', 'lrc', 'csv']) {
  await raw(`raw ${format}`, { response_format: format });
}
for (const format of ['text', 'srt', 'verbose_json'])
  await record(`parsed ${format}`, () => transcriptions.create({ model, file: file(), response_format: format }));
/** A call: the recording in the left channel, nothing in the right one. */
const head = bytes.indexOf('data') + 8;
const call = Buffer.alloc(2 * bytes.length - head);
bytes.copy(call, 0, 0, head);
const format = bytes.indexOf('fmt ') + 8;
call.writeUInt16LE(2, format + 2);
call.writeUInt32LE(2 * bytes.readUInt32LE(format + 8), format + 8);
call.writeUInt16LE(2 * bytes.readUInt16LE(format + 12), format + 12);
call.writeUInt32LE(2 * (bytes.length - head), head - 4);
for (let at = head; at + 1 < bytes.length; at += 2) bytes.copy(call, 2 * at - head, at, at + 2);
await record('parsed diarized_json', () =>
  transcriptions.create({ model, file: new File([call], 'call.wav'), response_format: 'diarized_json' }),
);
const words = { timestamp_granularities: ['word', 'segment'] };
for (const format of ['srt', 'vtt', 'verbose_json'])
  await raw(`words ${format}`, { response_format: format, ...words });
for (const format of ['json', 'srt', 'verbose_json'])
  await raw(`translation ${format}`, { response_format: format }, translations);

// What can be uploaded.
const server = createServer((_, response) => response.end(bytes));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo; // it listens on a port
await record('upload stream', () => transcriptions.create({ model, file: createReadStream(recording) }));
await record('upload File', () => transcriptions.create({ model, file: file() }));
await record('upload toFile', async () => transcriptions.create({ model, file: await toFile(bytes, 'talk.wav') }));
await record('upload Response', async () =>
  transcriptions.create({ model, file: await fetch(`http://127.0.0.1:${port}/talk.wav`) }),
);
server.close();

// Parameters.
for (const [name, params] of Object.entries<Params>({
  language: { language: 'en' },
  prompt: { prompt: 'JFK' },
  temperature: { temperature: 0 },
  logprobs: { include: ['logprobs'] },
  auto: { chunking_strategy: 'auto' },
  vad: { chunking_strategy: { type: 'server_vad', silence_duration_ms: 500, prefix_padding_ms: 300 } },
  threshold: { chunking_strategy: { type: 'server_vad', threshold: 0.5 } },
  keywords: { keywords: ['America', 'country'] },
  languages: { languages: ['en', 'de'] },
  diarized: { response_format: 'diarized_json' },
  speakers: { known_speaker_names: ['agent'] },
  granularity: { response_format: 'json', ...words },
})) {
  await record(`parameter ${name}`, () => transcriptions.create({ model, file: file(), ...params }));
}

// Events.
for (const format of ['json', 'verbose_json']) {
  await record(`stream ${format}`, async () => {
    const stream = await transcriptions.create({ model, file: file(), response_format: format, stream: true });
    const events: unknown[] = [];
    for await (const event of stream as AsyncIterable<unknown>) events.push(event); // of what stream: true gives
    return events;
  });
}

// Models and errors.
await record('models', async () => {
  const ids: string[] = [];
  for await (const { id } of openai.models.list()) ids.push(id);
  return ids;
});
await record('model', async () => (await openai.models.retrieve('whisper-1')).id);
await record('no such model', () => openai.models.retrieve('gpt-5'));
await record('error model', () => transcriptions.create({ model: 'whisper-9', file: file() }));
await record('error format', () => transcriptions.create({ model, file: file(), response_format: 'xml' }));
await record('error file', () => transcriptions.create({ model, file: new File(['no sound at all'], 'a.mp3') }));
await record('error stream', () =>
  transcriptions.create({ model, file: file(), response_format: 'srt', stream: true }),
);
await record('error key', () =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: 'wrong', maxRetries: 0 }).audio.transcriptions.create({
    model,
    file: file(),
  }),
);
await record('error size', () =>
  transcriptions.create({ model, file: new File([new Uint8Array(60_000_000)], 'large.wav') }),
);
await record('error size of a stream', () => {
  const large = new File([new Uint8Array(60_000_000)], 'large.wav');
  return transcriptions.create({ model, file: new Response(large.stream()) });
});
await record('abort', () => transcriptions.create({ model, file: file() }, { signal: AbortSignal.timeout(50) }));

process.stdout.write(JSON.stringify(results));
