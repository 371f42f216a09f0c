import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WeightsError } from '../../src/base/errors.ts';
import { openModelFiles } from '../../src/checkpoint/modelFiles.ts';
import { openFolder } from '../../weights/fileSource.ts';
import { defaultCache, locateModel } from '../../weights/locate.ts';
import { serveHub, type TestHub } from '../support/hubServer.ts';
import { tinyPackage } from '../support/paths.ts';
import { shapeClasses, writeRandomModel } from '../support/randomModel.ts';
import { codeOf, reasonOf, throws } from '../support/throws.ts';

const test = suite('locate');
const dims = { ...shapeClasses.tiny!, nVocab: 1000 + 107 + 1501, nAudioCtx: 20 };
const variables = ['SOTTO_CACHE', 'XDG_CACHE_HOME', 'HF_ENDPOINT', 'HF_TOKEN'] as const;
const before = Object.fromEntries(variables.map((name) => [name, process.env[name]]));

let root = '';
let hub: TestHub;
let cacheDir = '';
test.before(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'sotto-locate-')));
  await writeRandomModel(join(root, 'around/model'), dims, 4);
  hub = await serveHub({ 'openai/whisper-small': join(root, 'around/model'), 'o/one': join(root, 'around/model') });
});
test.before.each(async () => {
  cacheDir = await mkdtemp(join(root, 'cache-'));
  process.env.HF_ENDPOINT = hub.url;
  delete process.env.HF_TOKEN;
});
test.after(async () => {
  for (const name of variables) {
    if (before[name] === undefined) delete process.env[name];
    else process.env[name] = before[name];
  }
  await hub.close();
  await rm(root, { recursive: true });
});

async function opens(folder: string): Promise<void> {
  await (await openModelFiles(openFolder(folder), { onWarning: ({ message }) => assert.unreachable(message) })).close();
}

test('a folder, or one around it, is taken as it is', async () => {
  const folder = join(root, 'around/model');
  assert.is(await locateModel(folder, { cacheDir }), folder);
  assert.is(await locateModel(join(root, 'around'), { cacheDir }), folder);
  assert.equal(await readdir(cacheDir), []);
});

test('an ONNX folder is converted into the cache, once', async () => {
  const folder = await locateModel(tinyPackage, { cacheDir });
  assert.ok(folder.startsWith(cacheDir));
  await opens(folder);
  let told = 0;
  assert.is(await locateModel(tinyPackage, { cacheDir, onProgress: () => told++ }), folder);
  assert.is(told, 0);
});

test('from the hub, once; then from the cache, under each of its names', async () => {
  const folder = await locateModel('small', { cacheDir });
  assert.is(folder, join(cacheDir, 'small'));
  await opens(folder);
  const { length } = hub.requests;
  for (const name of ['small', 'whisper-small', 'openai/whisper-small']) {
    assert.is(await locateModel(name, { cacheDir }), folder, name);
  }
  assert.is(await locateModel('o/one', { cacheDir }), join(cacheDir, 'o--one'));
  assert.ok(hub.requests.slice(length).every(({ path }) => path.includes('/o/one/')));
});

test('the token comes from HF_TOKEN', async () => {
  hub.token = 'secret';
  try {
    assert.is(await codeOf(() => locateModel('small', { cacheDir })), 'forbidden');
    process.env.HF_TOKEN = 'secret';
    await opens(await locateModel('small', { cacheDir }));
  } finally {
    hub.token = undefined;
  }
});

test('an error says where it was searched', async () => {
  for (const [name, code, hints] of [
    [
      'medium',
      'notFound',
      ['no folder', 'not in the cache', 'npm package sts-whisper-medium', 'openai/whisper-medium'],
    ],
    ['turbo', 'notFound', ['openai/whisper-large-v3-turbo']],
    ['o/none', 'notFound', ['o/none']],
    ['enormous', 'unknownModel', ['no folder', 'tiny.en', 'owner/repo']],
    ['./nowhere', 'unknownModel', ['no folder']],
    [cacheDir, 'unknownModel', ['has no model']],
    ['../../etc', 'unknownModel', []],
  ] as const) {
    const error = await throws(WeightsError, code, () => locateModel(name, { cacheDir }));
    for (const hint of hints) assert.ok(error.hint?.includes(hint), `${hint} in ${error.hint}`);
  }
});

/** Finds `medium` from a project in `folder`, in a process of its own; gives what it prints. */
function find(folder: string): { readonly child: ChildProcess; readonly text: Promise<string> } {
  const locate = new URL('../../weights/locate.js', import.meta.url).href;
  const script = `import { locateModel } from ${JSON.stringify(locate)}; console.log(await locateModel('medium'));`;
  const env = { ...process.env, SOTTO_CACHE: cacheDir };
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, env });
  let text = '';
  child.stdout.on('data', (part) => {
    text += part;
  });
  child.stderr.on('data', (part) => {
    text += part;
  });
  return { child, text: new Promise((resolve) => child.on('close', () => resolve(text.trim()))) };
}

test('a package of the working folder; two processes at once make it once and both get it', async () => {
  const project = join(root, 'project');
  const inPackage = join(project, 'node_modules/sts-whisper-medium');
  await writeRandomModel(join(inPackage, 'models/o/whisper-medium'), dims, 4);
  await writeFile(
    join(inPackage, 'package.json'),
    JSON.stringify({ name: 'sts-whisper-medium', version: '1.2.3', license: 'Apache-2.0' }),
  );
  const found = await Promise.all([find(project).text, find(project).text]);
  assert.equal(found, [join(cacheDir, 'medium'), join(cacheDir, 'medium')]);
  await opens(join(cacheDir, 'medium'));
  assert.equal(await readdir(cacheDir), ['medium']);
  const model = await openModelFiles(openFolder(join(cacheDir, 'medium')));
  assert.is(model.notes.source, 'sts-whisper-medium@1.2.3 (npm)');
  assert.is(model.notes.licence, 'Apache-2.0');
  await model.close();
});

test('a lock that an ended process left is taken over; one of a living process is waited for', async () => {
  const ended = spawn(process.execPath, ['-e', '']);
  await new Promise((resolve) => ended.on('close', resolve));
  const lock = join(cacheDir, 'small.lock');
  await writeFile(lock, JSON.stringify({ pid: ended.pid, host: hostname(), id: 'x' }));
  await opens(await locateModel('small', { cacheDir }));
  assert.not.ok(existsSync(lock));
  await rm(join(cacheDir, 'small'), { recursive: true });
  await writeFile(lock, JSON.stringify({ pid: process.pid, host: hostname(), id: 'x' }));
  const { length } = hub.requests;
  const signal = AbortSignal.timeout(300);
  assert.is(await reasonOf(() => locateModel('small', { cacheDir, signal })), signal.reason);
  assert.is(hub.requests.length, length);
  assert.ok(existsSync(lock));
});

test('a cache that cannot be written is a WeightsError', async () => {
  const file = join(cacheDir, 'file');
  await writeFile(file, '');
  assert.is(await codeOf(() => locateModel('small', { cacheDir: join(file, 'below') })), 'file');
});

test('a broken folder in the cache is not replaced silently', async () => {
  await mkdir(join(cacheDir, 'small'));
  await writeFile(join(cacheDir, 'small/config.json'), await readFile(join(root, 'around/model/config.json')));
  assert.is(await codeOf(() => locateModel('small', { cacheDir })), 'exists');
});

test('the cache folder: SOTTO_CACHE before the system’s', () => {
  process.env.SOTTO_CACHE = join(root, 'chosen');
  assert.is(defaultCache(), join(root, 'chosen'));
  delete process.env.SOTTO_CACHE;
  if (process.platform === 'linux') {
    process.env.XDG_CACHE_HOME = join(root, 'xdg');
    assert.is(defaultCache(), join(root, 'xdg', 'sotto'));
  }
  assert.ok(/sotto/.test(defaultCache()));
});

test.run();
