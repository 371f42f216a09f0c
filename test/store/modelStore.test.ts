/** The rules by which a page keeps models: against a host that breaks, lies and goes, and a cache that is damaged or full. */
import { createHash } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WeightsError } from '../../src/base/errors.ts';
import type { Progress, Warning } from '../../src/base/progress.ts';
import type { WeightSource } from '../../src/checkpoint/source.ts';
import { createModelStore, type StoreOptions } from '../../src/store/modelStore.ts';
import { PART_BYTES } from '../../src/store/record.ts';
import { reasonOf, throws } from '../support/throws.ts';
import { type MemoryCache, memoryCache } from './memoryCache.ts';
import { type ModelHost, serveModel } from './modelHost.ts';

const test = suite('modelStore');

const WEIGHTS = 'model.safetensors';
const SIZE = 8 * PART_BYTES + 12_345;
const weights = new Uint8Array(SIZE);
for (let i = 0, state = 1; i < SIZE; i++) {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
  weights[i] = state >>> 16;
}
const config = new TextEncoder().encode('{"a": 1}');
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Tools {
  readonly host: ModelHost;
  readonly cache: MemoryCache;
  open(file?: string, options?: StoreOptions): Promise<WeightSource | undefined>;
  /** All bytes of the weights, as they are read. */
  read(options?: StoreOptions): Promise<Uint8Array>;
}

function check(name: string, body: (tools: Tools) => Promise<void>): void {
  test(name, async () => {
    const host = await serveModel({ [WEIGHTS]: weights, 'config.json': config });
    const cache = memoryCache();
    const open = (file = WEIGHTS, options: StoreOptions = {}) =>
      createModelStore(cache, undefined).open(host.url, { pauseMs: 1, ...options })(file);
    const read = async (options?: StoreOptions): Promise<Uint8Array> => {
      const source = await open(WEIGHTS, options);
      assert.ok(source);
      const bytes = await source.read(0, source.size);
      await source.close?.();
      return bytes;
    };
    try {
      await body({ host, cache, open, read });
    } finally {
      await host.close();
    }
  });
}

const isRight = (bytes: Uint8Array): boolean => Buffer.compare(bytes, weights) === 0;

check('a file is fetched once, in a few large ranges, and then read without its host', async (tools) => {
  const progress: Progress[] = [];
  assert.ok(isRight(await tools.read({ onProgress: (each) => progress.push(each) })));
  assert.ok(tools.host.requests.length <= 4, String(tools.host.requests));
  assert.ok(tools.host.sent <= SIZE + 1, `${tools.host.sent} bytes`);
  assert.equal(progress[0], { stage: 'fetch', done: 0, total: SIZE, unit: 'bytes', item: WEIGHTS });
  assert.is(progress.at(-1)?.done, SIZE);
  assert.ok(progress.every(({ done }, i) => i === 0 || done >= progress[i - 1]!.done));
  tools.host.isGone = true;
  assert.ok(isRight(await tools.read()));
  const source = await tools.open();
  for (const [begin, end] of [
    [0, 8],
    [PART_BYTES - 3, PART_BYTES + 3],
    [SIZE - 5, SIZE],
    [7, 7],
  ] as const)
    assert.equal(await source?.read(begin, end), weights.slice(begin, end));
  await throws(WeightsError, 'outOfRange', () => source!.read(0, SIZE + 1));
});

check('what is kept is listed with its size, and removed', async ({ host, cache, open, read }) => {
  const store = createModelStore(cache, undefined);
  await open('config.json');
  assert.equal(await store.list(), [{ model: host.url, place: host.url, bytes: 8, totalBytes: 8, isWhole: false }]);
  await read();
  assert.equal(await store.list(), [
    { model: host.url, place: host.url, bytes: SIZE + 8, totalBytes: SIZE + 8, isWhole: true },
  ]);
  await store.remove(host.url);
  assert.is(cache.entries.size, 0);
  assert.equal(await store.list(), []);
});

/** The host goes when half of the file has come, and is there again. */
async function cutHalfWay(host: ModelHost, read: Tools['read']): Promise<void> {
  host.holdAfter = (3 * SIZE) / 4;
  const onProgress = ({ done }: Progress): void => {
    if (done > SIZE / 2) host.cut();
  };
  const error = await reasonOf(() => read({ onProgress }));
  const code = error instanceof WeightsError ? error.code : String(error);
  assert.ok(code === 'network' || code === 'truncated', code);
  host.holdAfter = Number.POSITIVE_INFINITY;
  host.isGone = false;
}

check('a download that is cut goes on where it stopped', async ({ host, cache, read }) => {
  await cutHalfWay(host, read);
  const [partly] = await createModelStore(cache, undefined).list();
  assert.ok(partly && !partly.isWhole && partly.bytes >= PART_BYTES && partly.bytes < SIZE, JSON.stringify(partly));
  const here = (await cache.keys()).flatMap((key) => /\/model\.safetensors\/(\d+)$/.exec(key)?.[1] ?? []).map(Number);
  host.requests.length = 0;
  assert.ok(isRight(await read()));
  // However often a connection breaks: besides one byte that asks for the size, nothing that is here is asked for.
  const asked = host.requests.flatMap((request) => {
    const [, first, last] = /bytes=(\d+)-(\d+)$/.exec(request)?.map(Number) ?? [];
    return first === undefined || last === undefined || last === 0 ? [] : [[first, last] as const];
  });
  assert.ok(asked.length > 0);
  for (const [first, last] of asked)
    for (const index of here) {
      const isApart = last < index * PART_BYTES || first >= Math.min(SIZE, (index + 1) * PART_BYTES);
      assert.ok(isApart, `part ${index} is here, bytes ${first} to ${last} were asked for`);
    }
});

check('a break is mended within the download', async ({ host, read }) => {
  let breaks = 2;
  host.damage = (_, bytes) => {
    host.cutAfter = breaks-- > 0 ? host.sent + PART_BYTES + 100 : Number.POSITIVE_INFINITY;
    return bytes;
  };
  assert.ok(isRight(await read()));
});

check('a host without ranges gives the file as a whole, again if it breaks', async ({ host, read }) => {
  host.hasRanges = false;
  let answers = 0;
  host.damage = (_, bytes) => {
    // Two say how the file can be had.
    host.cutAfter = ++answers === 3 ? host.sent + SIZE / 2 : Number.POSITIVE_INFINITY;
    return bytes;
  };
  assert.ok(isRight(await read()));
  assert.is(answers, 4);
  host.isGone = true;
  assert.ok(isRight(await read()));
});

check('parts of another version are not mixed', async ({ host, read }) => {
  await cutHalfWay(host, read);
  const other = weights.slice().reverse();
  host.files.set(WEIGHTS, other);
  assert.is(hashOf(await read()), hashOf(other));
});

check('a damaged part is fetched again, it alone', async ({ host, cache, read }) => {
  await read();
  const key = [...cache.entries.keys()].find((each) => each.endsWith('/3'))!;
  cache.entries.get(key)![77]! ^= 1;
  cache.entries.delete(key.replace(/3$/, '5'));
  cache.entries.set(key.replace(/3$/, '7'), new Uint8Array(10));
  host.requests.length = 0;
  assert.ok(isRight(await read()));
  const wanted = [3, 5, 7].map((at) => `${WEIGHTS} bytes=${at * PART_BYTES}-${(at + 1) * PART_BYTES - 1}`);
  assert.equal(
    host.requests.filter((each) => !each.endsWith('bytes=0-0')),
    wanted,
  );
  host.requests.length = 0;
  assert.ok(isRight(await read()));
  assert.equal(host.requests, []);
});

check('damage that cannot be mended is an error, never weights', async ({ host, cache, read }) => {
  await read();
  const key = [...cache.entries.keys()].find((each) => each.endsWith('/3'))!;
  cache.entries.get(key)![77]! ^= 1;
  host.isGone = true;
  await throws(WeightsError, 'badHash', () => read(), 'its host cannot be asked');
  host.isGone = false;
  host.damage = (_, bytes) => bytes.map((byte) => byte ^ 1);
  await throws(WeightsError, 'badHash', () => read(), 'does not have the same file any more');
  host.damage = undefined;
  assert.ok(isRight(await read()), 'the next load fetches it anew');
});

check('a model of an address is fetched again when its host has another version', async ({ host, read }) => {
  await read();
  const other = weights.slice().reverse();
  host.files.set(WEIGHTS, other);
  assert.is(hashOf(await read()), hashOf(other));
  host.requests.length = 0;
  await read();
  assert.equal(host.requests, []);
});

check('files that a model lacks are remembered with it', async ({ host, cache, open, read }) => {
  const store = createModelStore(cache, undefined);
  const opened = store.open(host.url);
  assert.is(await opened('sotto.msgpack'), undefined);
  host.isGone = true;
  await throws(WeightsError, 'network', () => open('sotto.msgpack'));
  host.isGone = false;
  await opened(WEIGHTS);
  host.isGone = true;
  assert.is(await open('sotto.msgpack'), undefined);
  assert.ok(isRight(await read()));
});

check('what there is no room for is loaded, and not kept', async ({ cache, read }) => {
  for (const [limit, said] of [
    [4 * PART_BYTES, undefined],
    [Number.POSITIVE_INFINITY, SIZE - 1],
  ] as const) {
    [cache.limit, cache.said] = [limit, said];
    const warnings: Warning[] = [];
    assert.ok(isRight(await read({ onWarning: (warning) => warnings.push(warning) })));
    assert.equal(
      warnings.map(({ code }) => code),
      ['notKept'],
    );
    assert.is(cache.entries.size, 0, 'what was kept by then would only take room');
  }
});

check('two that load at once fetch once', async ({ host, read }) => {
  const both = await Promise.all([read(), read()]);
  assert.ok(both.every(isRight));
  assert.ok(host.sent <= SIZE + 1, `${host.sent} bytes`);
});

check('an abort ends the download with its reason, and keeps what has come', async ({ cache, read }) => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const reading = read({
    signal: controller.signal,
    onProgress: ({ done }) => done > SIZE / 2 && controller.abort(reason),
  });
  assert.is(await reading.catch((error: unknown) => error), reason);
  assert.ok(cache.entries.size > 1);
  assert.ok(isRight(await read()));
});

/** The hub, by a fetch of its own. */
function hubFetch(host: ModelHost): NonNullable<StoreOptions['fetch']> {
  return (url, init) => fetch(url.replace('https://huggingface.co/', host.url.replace(/model\/$/, '')), init);
}

check('weights of the hub have the hash that it tells, or are not used', async ({ host, cache }) => {
  const load = async (): Promise<Uint8Array> => {
    const source = await createModelStore(cache, undefined).open('tiny', { fetch: hubFetch(host), pauseMs: 1 })(
      WEIGHTS,
    );
    return source!.read(0, source!.size);
  };
  host.api = { siblings: [{ rfilename: 'config.json' }, { rfilename: WEIGHTS, lfs: { sha256: hashOf(weights) } }] };
  host.hasEtag = false;
  let bad = 1;
  host.damage = (_, bytes) => {
    if (host.requests.at(-1)?.endsWith('=0-0') || bad-- <= 0) return bytes;
    const other = bytes.slice();
    other[5 * PART_BYTES]! ^= 1;
    other[0]! ^= 1;
    return other;
  };
  assert.ok(isRight(await load()), 'damaged once on its way');
  assert.equal(await createModelStore(cache, undefined).list(), [
    {
      model: 'tiny',
      place: 'https://huggingface.co/openai/whisper-tiny/resolve/main/',
      bytes: SIZE,
      totalBytes: SIZE,
      isWhole: true,
    },
  ]);
  host.isGone = true;
  assert.ok(isRight(await load()), 'nothing is asked of a name that is here');
  host.isGone = false;
  cache.entries.clear();
  bad = Number.POSITIVE_INFINITY;
  await throws(WeightsError, 'badHash', load, hashOf(weights));
  assert.is(cache.entries.size, 0);
});

check('another version on the hub is told, waited for by nobody, and never taken unasked', async ({ host, cache }) => {
  const warnings: Warning[] = [];
  /** What the hub was asked besides files, as long as nothing is heard. */
  const lists: Promise<unknown>[] = [];
  const ask = hubFetch(host);
  const load = async (): Promise<void> => {
    const fetching: NonNullable<StoreOptions['fetch']> = (url, init) => {
      const answer = ask(url, init);
      if (url.includes('/api/')) lists.push(Promise.resolve(answer).catch(() => {}));
      return answer;
    };
    const onWarning = (warning: Warning): void => void warnings.push(warning);
    const open = createModelStore(cache, undefined).open('tiny', { fetch: fetching, pauseMs: 1, onWarning });
    const source = await open(WEIGHTS);
    assert.ok(isRight(await source!.read(0, source!.size)));
    await Promise.all(lists.splice(0));
    // The words about it come a little later.
    await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const saying = (sha256: unknown) => ({ siblings: [{ rfilename: WEIGHTS, lfs: { sha256 } }] });
  host.api = saying(hashOf(weights));
  await load();
  const asked = host.requests.length;
  await load();
  assert.equal(warnings, [], 'it is the same');
  const tooLong = { ...saying(hashOf(config)), more: 'x'.repeat(5e6) };
  // What is no list of files, or says nothing of this one.
  for (const lie of [{}, 7, { siblings: 'none' }, saying('0'), saying(5), { siblings: [null] }, tooLong]) {
    host.api = lie;
    await load();
  }
  host.isGone = true;
  await load();
  host.isGone = false;
  assert.equal(warnings, []);
  host.api = saying(hashOf(config));
  await load();
  assert.equal(
    warnings.map(({ code }) => code),
    ['modelChanged'],
  );
  assert.match(warnings[0]!.message, /another tiny than the one that is kept/);
  assert.is(host.requests.length, asked, 'nothing was fetched');
});

check('a name is a folder of the host that is given', async ({ host, cache }) => {
  const store = createModelStore(cache, 'http://page.example/');
  for (const [model, base] of [
    ['tiny', host.url],
    ['openai/whisper-tiny', host.url.slice(0, -1)],
  ] as const) {
    const open = store.open(model, { host: base, pauseMs: 1 });
    assert.is((await open(WEIGHTS))?.size, SIZE);
    assert.is(open.place, `${host.url}tiny/`);
  }
  assert.equal(
    (await store.list()).map(({ model, place }) => ({ model, place })),
    [{ model: 'tiny', place: `${host.url}tiny/` }],
  );
  // Addresses are what they are.
  assert.is(store.open(host.url, { host: 'http://elsewhere.example/' }).place, host.url);
});

test.run();
