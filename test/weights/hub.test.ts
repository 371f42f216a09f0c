import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WeightsError } from '../../src/base/errors.ts';
import type { Progress } from '../../src/base/progress.ts';
import { openModelFiles } from '../../src/checkpoint/modelFiles.ts';
import { openFolder } from '../../weights/fileSource.ts';
import { fetchModel, type HubOptions } from '../../weights/hub.ts';
import { serve } from '../support/httpServer.ts';
import { COMMIT, type Misbehave, serveHub, type TestHub } from '../support/hubServer.ts';
import { randomWeights } from '../support/plainWhisper.ts';
import { shapeClasses, writeRandomModel } from '../support/randomModel.ts';
import { codeOf, reasonOf, throws } from '../support/throws.ts';

const test = suite('hub');
const dims = { ...shapeClasses.tiny!, nVocab: 1000 + 107 + 1501, nAudioCtx: 20 };

let root = '';
let hub: TestHub;
let places = 0;
test.before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-hub-'));
  await writeRandomModel(join(root, 'one'), dims, 3);
  await writeRandomModel(join(root, 'sharded'), dims, 3, { shards: 2 });
  await mkdir(join(root, 'torch'));
  for (const file of ['config.json', 'tokenizer.json']) {
    await writeFile(join(root, 'torch', file), await readFile(join(root, 'one', file)));
  }
  hub = await serveHub({
    'o/one': join(root, 'one'),
    'o/sharded': join(root, 'sharded'),
    'o/torch': join(root, 'torch'),
  });
});
test.after(async () => {
  await hub.close();
  await rm(root, { recursive: true });
});
test.before.each(() => {
  hub.misbehave = undefined;
  hub.token = undefined;
  (hub.requests as unknown[]).length = 0; // of this test only
});

const newPlace = (): string => join(root, `place-${++places}`);
const lastPlace = (): string => join(root, `place-${places}`);

function fetchTo(place: string, repo = 'o/one', options: HubOptions = {}): Promise<void> {
  return fetchModel(repo, place, { endpoint: hub.url, pauseMs: 1, ...options });
}

async function isWhole(place: string): Promise<void> {
  const model = await openModelFiles(openFolder(place), { onWarning: ({ message }) => assert.unreachable(message) });
  const weights = randomWeights(dims, 3);
  for (const [name, values] of weights) assert.equal((await model.tensor(name)).values, values, name);
  await model.close();
  const names = await readdir(place);
  assert.ok(names.includes('sotto.msgpack'));
  assert.not.ok(names.some((name) => /\.(part|tag)$/.test(name)));
}

test('one file, and shards: everything of one commit, progress to the end', async () => {
  for (const repo of ['o/one', 'o/sharded']) {
    const place = newPlace();
    const first = hub.requests.length + 1; // the first one learns the commit
    const progress: Progress[] = [];
    await fetchTo(place, repo, { onProgress: (p) => progress.push(p) });
    await isWhole(place);
    assert.ok(progress.every((p, i) => p.stage === 'fetch' && p.done >= (progress[i - 1]?.done ?? 0)));
    assert.is(progress.at(-1)?.done, progress.at(-1)?.total);
    const revisions = new Set(hub.requests.slice(first).map(({ path }) => path.split('/resolve/')[1]?.split('/')[0]));
    assert.equal([...revisions], [COMMIT]);
  }
});

test('the token is sent to the endpoint alone; without it the error says what is missing', async () => {
  hub.token = 'secret';
  assert.is(await codeOf(() => fetchTo(newPlace())), 'forbidden');
  const place = newPlace();
  await fetchTo(place, 'o/one', { token: 'secret' });
  await isWhole(place);
});

test('no such repository; one without weights that can be read', async () => {
  assert.is(await codeOf(() => fetchTo(newPlace(), 'o/none')), 'notFound');
  assert.is(await codeOf(() => fetchTo(newPlace(), 'o/torch')), 'notFound');
});

/** Waits until the downloader has written `size` bytes of the weights: what a closed connection had in flight may be lost. */
async function arrived(size: number): Promise<void> {
  const part = join(`${lastPlace()}.download`, 'model.safetensors.part');
  while (((await stat(part).catch(() => undefined))?.size ?? 0) < size) await new Promise(setImmediate);
}

/** Sends the first half of what was asked and, once that has arrived, does `then`. */
const half =
  (then: (response: ServerResponse) => void): Misbehave =>
  (request, response, bytes) => {
    if (!request.url?.startsWith('/cdn/')) return false;
    const begin = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const end = begin + Math.ceil((bytes.length - begin) / 2);
    response.writeHead(begin ? 206 : 200, {
      'content-length': bytes.length - begin,
      ...(begin && { 'content-range': `bytes ${begin}-${bytes.length - 1}/${bytes.length}` }),
    });
    response.write(bytes.subarray(begin, end));
    void arrived(end).then(() => then(response));
    return true;
  };
const halfThenGone = half((response) => response.destroy());

for (const [what, then] of [
  ['breaks off', (response) => response.destroy()],
  ['stalls', () => {}],
] as const satisfies readonly (readonly [string, (response: ServerResponse) => void])[]) {
  test(`a server that ${what} again and again: it continues by range until all is there`, async () => {
    let gets = 0;
    const halfOf = half(then);
    hub.misbehave = (request, response, bytes) => {
      return request.url?.startsWith('/cdn/') === true && ++gets <= 4 && halfOf(request, response, bytes);
    };
    const place = newPlace();
    await fetchTo(place, 'o/one', { stallMs: 500 });
    await isWhole(place);
    const ranges = hub.requests.filter(({ path, range }) => path.endsWith('.safetensors') && range !== undefined);
    assert.ok(new Set(ranges.map(({ range }) => range)).size >= 4, 'went on by range');
  });
}

test('a server that sends nothing fails; the next call continues where it stopped', async () => {
  const place = newPlace();
  let gets = 0;
  hub.misbehave = (request, response, bytes) => {
    if (!request.url?.startsWith('/cdn/')) return false;
    if (++gets === 1) return halfThenGone(request, response, bytes);
    response.destroy();
    return true;
  };
  assert.is(await codeOf(() => fetchTo(place)), 'network');
  assert.not.ok(existsSync(place));
  const part = (await readFile(join(`${place}.download`, 'model.safetensors.part'))).length;
  assert.ok(part > 0);
  hub.misbehave = undefined;
  (hub.requests as unknown[]).length = 0;
  await fetchTo(place);
  await isWhole(place);
  assert.ok(hub.requests.some(({ range }) => range === `bytes=${part}-`));
  const small = hub.requests.filter(({ method, path }) => method === 'GET' && path.endsWith('tokenizer.json'));
  assert.equal(small, [], 'what was whole is not fetched again');
});

test('a server that ignores ranges: it starts anew', async () => {
  const place = newPlace();
  let gets = 0;
  hub.misbehave = (request, response, bytes) => {
    if (!request.url?.startsWith('/cdn/')) return false;
    if (++gets === 1) return halfThenGone(request, response, bytes);
    response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    return true;
  };
  await fetchTo(place);
  await isWhole(place);
});

test('a new version on the server: the old part is not continued', async () => {
  const place = newPlace();
  await mkdir(`${place}.download`);
  await writeFile(join(`${place}.download`, 'model.safetensors.part'), 'old bytes');
  await writeFile(join(`${place}.download`, 'model.safetensors.tag'), 'old-etag');
  await writeFile(join(`${place}.download`, 'model-00001-of-00002.safetensors'), 'of an older commit');
  await fetchTo(place);
  await isWhole(place);
  assert.not.ok((await readdir(place)).some((name) => name.includes('-of-')));
});

const lies: readonly (readonly [what: string, lie: Misbehave, code: string])[] = [
  [
    'other bytes of the right length',
    (request, response, bytes) => {
      if (!request.url?.startsWith('/cdn/')) return false;
      response.writeHead(200, { 'content-length': bytes.length }).end(Buffer.alloc(bytes.length));
      return true;
    },
    'badHash',
  ],
  [
    'another small file',
    (request, response, bytes) => {
      if (request.method !== 'GET' || !request.url?.endsWith('tokenizer.json')) return false;
      response.writeHead(200).end(Buffer.alloc(bytes.length));
      return true;
    },
    'badHash',
  ],
  [
    'more than it said',
    (request, response, bytes) => {
      if (!request.url?.startsWith('/cdn/')) return false;
      response.writeHead(200).end(Buffer.concat([bytes, Buffer.alloc(9)]));
      return true;
    },
    'tooLong',
  ],
  [
    'less than it said, as if that were all',
    (request, response, bytes) => {
      if (!request.url?.startsWith('/cdn/')) return false;
      const begin = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (begin) response.writeHead(206, { 'content-range': `bytes ${begin}-${begin}/${bytes.length}` }).end();
      else response.writeHead(200).end(bytes.subarray(0, 1000));
      return true;
    },
    'truncated',
  ],
  [
    'another range than asked for',
    (request, response, bytes) => {
      if (!request.url?.startsWith('/cdn/')) return false;
      if (!request.headers.range) return halfThenGone(request, response, bytes);
      response.writeHead(206, { 'content-range': `bytes 0-9/${bytes.length}` }).end(bytes.subarray(0, 10));
      return true;
    },
    'changed',
  ],
  [
    'a longer file in the middle',
    (request, response, bytes) => {
      if (!request.url?.startsWith('/cdn/')) return false;
      if (!request.headers.range) return halfThenGone(request, response, bytes);
      const begin = Number(request.headers.range.slice(6, -1));
      const range = `bytes ${begin}-${bytes.length}/${bytes.length + 1}`;
      response.writeHead(206, { 'content-range': range }).end(bytes.subarray(begin));
      return true;
    },
    'changed',
  ],
  [
    'redirects in a circle',
    (request, response) => {
      response.writeHead(307, { location: request.url ?? '/' }).end();
      return true;
    },
    'network',
  ],
  [
    'redirects to what is no address',
    (_, response) => {
      response.writeHead(302, { location: 'http://[' }).end();
      return true;
    },
    'network',
  ],
  [
    'redirects to a file',
    (_, response) => {
      response.writeHead(302, { location: 'file:///etc/hostname' }).end();
      return true;
    },
    'network',
  ],
  [
    'an empty file',
    (request, response) => {
      if (!request.url?.endsWith('/config.json')) return false;
      response.writeHead(200, { 'content-length': 0 }).end();
      return true;
    },
    'badJson',
  ],
  [
    'server errors',
    (_, response) => {
      response.writeHead(503).end();
      return true;
    },
    'network',
  ],
];
for (const [what, lie, code] of lies) {
  test(`a server that lies (${what}): refused, nothing in place, and the next honest call succeeds`, async () => {
    const place = newPlace();
    hub.misbehave = lie;
    assert.is(await codeOf(() => fetchTo(place)), code);
    assert.not.ok(existsSync(place));
    hub.misbehave = undefined;
    await fetchTo(place);
    await isWhole(place);
  });
}

test('weights that are complete but wrong are refused and not kept', async () => {
  const wrong = join(root, 'wrong');
  await writeRandomModel(wrong, { ...dims, nTextLayer: 1 }, 3);
  await writeFile(join(wrong, 'config.json'), await readFile(join(root, 'one/config.json')));
  const other = await serveHub({ 'o/wrong': wrong });
  const place = newPlace();
  try {
    assert.is(await codeOf(() => fetchTo(place, 'o/wrong', { endpoint: other.url })), 'missingTensor');
  } finally {
    await other.close();
  }
  assert.not.ok(existsSync(place) || existsSync(`${place}.download`));
});

test('bytes that are wrong once are fetched anew; a server without a word is not waited for twice', async () => {
  let gets = 0;
  hub.misbehave = (request, response, bytes) => {
    if (!request.url?.startsWith('/cdn/') || ++gets > 1) return false;
    response.writeHead(200, { 'content-length': bytes.length }).end(Buffer.alloc(bytes.length));
    return true;
  };
  const place = newPlace();
  await fetchTo(place);
  await isWhole(place);
  assert.is(gets, 2);
  // A hundred bytes, then nothing, whenever it is asked.
  gets = 0;
  hub.misbehave = (request, response, bytes) => {
    if (!request.url?.startsWith('/cdn/')) return false;
    gets++;
    response.writeHead(200, { 'content-length': bytes.length }).write(bytes.subarray(0, 100));
    return true;
  };
  const error = await throws(WeightsError, 'network', () => fetchTo(newPlace(), 'o/one', { stallMs: 100 }));
  assert.match(error.message, 'could not be fetched: nothing came for 0.1 s.');
  assert.is(gets, 1);
});

test('a file without a stated length is not taken without end', async () => {
  hub.misbehave = (request, response) => {
    if (!request.url?.endsWith('tokenizer.json')) return false;
    response.writeHead(200);
    const more = (): void => void response.write(Buffer.alloc(2 ** 20), (error) => error ?? more());
    if (request.method === 'HEAD') response.end();
    else more();
    return true;
  };
  await throws(WeightsError, 'tooLong', () => fetchTo(newPlace()));
  hub.misbehave = (request, response) => {
    if (!request.url?.endsWith('tokenizer.json')) return false;
    response.writeHead(200, { 'content-length': 2 ** 40 }).end(request.method === 'HEAD' ? undefined : 'x');
    return true;
  };
  const code = await codeOf(() => fetchTo(newPlace()));
  assert.ok(code === 'tooLarge' || code === 'noSpace', code);
});

test('a login page in place of the hub, and a mirror below a path', async () => {
  hub.misbehave = (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>log in</html>');
    return true;
  };
  await throws(WeightsError, 'webPage', () => fetchTo(newPlace()), /login page/);
  const away = await serve((_, response) => response.writeHead(302, { location: `${hub.url}portal` }).end());
  await throws(WeightsError, 'notFound', () => fetchTo(newPlace(), 'o/one', { endpoint: away.url }));
  await away.close();
  hub.misbehave = undefined;
  const mirror = await serve((request, response) => {
    const path = request.url?.replace('/hf/v1', '') ?? '';
    response.writeHead(308, { location: new URL(path, hub.url).href }).end();
  });
  assert.is(await codeOf(() => fetchTo(newPlace(), 'o/one', { endpoint: `${mirror.url}x` })), 'notFound');
  const place = newPlace();
  await fetchTo(place, 'o/one', { endpoint: `${mirror.url}hf/v1/`, token: 'secret' });
  await isWhole(place);
  assert.ok(
    hub.requests.every(({ authorization }) => authorization === undefined),
    'the token stays with the mirror',
  );
  await mirror.close();
});

test('an existing folder is not replaced', async () => {
  const place = newPlace();
  await mkdir(place);
  await writeFile(join(place, 'mine'), 'x');
  assert.is(await codeOf(() => fetchTo(place)), 'exists');
});

test('an abort comes out as its reason, and what came is kept for the next call', async () => {
  const place = newPlace();
  const controller = new AbortController();
  const onProgress = ({ item }: Progress): void => {
    if (item === 'model.safetensors') controller.abort(new RangeError('enough'));
  };
  const options = { signal: controller.signal, onProgress };
  assert.is(await reasonOf(() => fetchTo(place, 'o/one', options)), controller.signal.reason);
  assert.ok((await readdir(`${place}.download`)).includes('tokenizer.json'));
  await fetchTo(place);
  await isWhole(place);
});

test.run();
