import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WeightsError } from '../../src/base/errors.ts';
import { checksumOf, checksumOfSource } from '../../src/checkpoint/jsonCache.ts';
import { openModelFiles } from '../../src/checkpoint/modelFiles.ts';
import { blobSource, memorySource, readText, type WeightSource } from '../../src/checkpoint/source.ts';
import { openUrlFolder, urlSource } from '../../src/checkpoint/urlSource.ts';
import { fileSource } from '../../weights/fileSource.ts';
import { sendFile, serve } from '../support/httpServer.ts';
import { codeOf, reasonOf, throws } from '../support/throws.ts';

const test = suite('source');
const bytes = Uint8Array.from({ length: 1000 }, (_, i) => (i * 7) & 255);

async function holdsBytes(source: WeightSource): Promise<void> {
  assert.is(source.size, 1000);
  for (const [begin, end] of [
    [0, 1000],
    [0, 0],
    [1000, 1000],
    [13, 14],
    [990, 1000],
  ] as const) {
    assert.equal([...(await source.read(begin, end))], [...bytes.subarray(begin, end)]);
  }
  for (const [begin, end] of [
    [0, 1001],
    [-1, 3],
    [5, 4],
    [0.5, 2],
    [0, 2 ** 60],
    [Number.NaN, 4],
  ] as const) {
    assert.is(await codeOf(() => source.read(begin, end)), 'outOfRange');
  }
  const aborted = AbortSignal.abort(new RangeError('enough'));
  assert.is(await reasonOf(() => source.read(0, 10, aborted)), aborted.reason);
}

async function served(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server = await serve(handler);
  try {
    await use(`${server.url}model.bin`);
  } finally {
    await server.close();
  }
}

test('memory: the caller owns what it reads', async () => {
  const source = memorySource('m', bytes);
  await holdsBytes(source);
  (await source.read(0, 4)).fill(99);
  assert.equal([...(await source.read(0, 2))], [0, 7]);
});

test('blob', () => holdsBytes(blobSource('b', new Blob([bytes]))));

test('file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sotto-source-'));
  try {
    const path = join(folder, 'f');
    await writeFile(path, bytes);
    const source = await fileSource(path);
    assert.ok(source);
    await holdsBytes(source);
    await writeFile(path, bytes.subarray(0, 500));
    assert.is(await codeOf(() => source.read(400, 600)), 'truncated');
    await source.close?.();
    assert.is(await fileSource(join(folder, 'none')), undefined);
    assert.is(await codeOf(() => fileSource(folder)), 'file');
    if (process.platform === 'win32') return;
    // A pipe that nobody writes into: opening it would wait for ever.
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    assert.is(await codeOf(() => fileSource(join(folder, 'pipe'))), 'file');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('text: size and encoding are checked', async () => {
  assert.is(await readText(memorySource('t', new TextEncoder().encode('héllo')), 10), 'héllo');
  assert.is(await codeOf(() => readText(memorySource('t', bytes), 999)), 'tooLarge');
  assert.is(await codeOf(() => readText(memorySource('t', Uint8Array.of(0xff)), 9)), 'badUtf8');
});

test('the checksum of a file, read in pieces, is that of its bytes, as side files have it', async () => {
  for (const expected of [
    '0-811c9dc5-9e3779b9',
    '3-4ab0f7b7-9e3779b9',
    '65537-d8875d1f-699c1411',
    '200003-b892e187-3d92ec06',
  ]) {
    const whole = Uint8Array.from({ length: Number.parseInt(expected, 10) }, (_, i) => (i * i) >> 3);
    assert.is(checksumOf(whole), expected);
    assert.is(await checksumOfSource(memorySource('m', whole)), expected);
  }
});

test('http: ranges', () =>
  served(
    (request, response) => sendFile(request, response, bytes, { etag: '"1"' }),
    async (url) => holdsBytes(await urlSource(url)),
  ));

test('http: an empty file', () =>
  served(
    (request, response) => sendFile(request, response, new Uint8Array()),
    async (url) => assert.is((await urlSource(url)).size, 0),
  ));

test('http: size by HEAD when Content-Range is hidden', () =>
  served(
    (request, response) => {
      if (request.method === 'HEAD') response.writeHead(200, { 'content-length': 1000 }).end();
      else {
        const [begin, end] = (request.headers.range ?? '').slice(6).split('-').map(Number);
        response.writeHead(206).end(bytes.subarray(begin, end! + 1));
      }
    },
    async (url) => holdsBytes(await urlSource(url)),
  ));

test('http: a small file from a server without ranges is taken whole', () =>
  served(
    (_, response) => response.writeHead(200, { 'content-length': 1000 }).end(bytes),
    async (url) => holdsBytes(await urlSource(url)),
  ));

const liars: readonly (readonly [
  what: string,
  answer: (request: IncomingMessage, response: ServerResponse, count: number) => void,
  code: string,
  stallMs?: number,
])[] = [
  ['no such file', (_, r) => r.writeHead(404).end(), 'notFound'],
  ['forbidden', (_, r) => r.writeHead(403).end(), 'forbidden'],
  ['a token is asked for', (_, r) => r.writeHead(401).end(), 'forbidden'],
  ['gone', (_, r) => r.writeHead(410).end(), 'notFound'],
  ['server error', (_, r) => r.writeHead(500).end(), 'network'],
  ['too many requests, for an hour', (_, r) => r.writeHead(429, { 'retry-after': '3600' }).end(), 'network'],
  ['a login page', (_, r) => r.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>'), 'webPage'],
  ['hangs up', (q) => q.socket.destroy(), 'network'],
  ['never answers', () => {}, 'network', 100],
  ['large and without ranges', (_, r) => r.writeHead(200, { 'content-length': 2 ** 30 }).write(bytes), 'rangeIgnored'],
  ['large, without a length', (_, r) => r.writeHead(200).end(new Uint8Array(17 * 2 ** 20)), 'rangeIgnored'],
  [
    'forgets ranges later',
    (q, r, n) => (n === 0 ? sendFile(q, r, bytes) : r.writeHead(200, { 'content-length': 1000 }).end(bytes)),
    'rangeIgnored',
  ],
  [
    'gives another range',
    (q, r, n) =>
      n === 0 ? sendFile(q, r, bytes) : r.writeHead(206, { 'content-range': 'bytes 0-9/1000' }).end('0123456789'),
    'rangeIgnored',
  ],
  ['becomes another file', (q, r, n) => sendFile(q, r, bytes, { etag: `"${n}"` }), 'changed'],
  ['becomes a longer file', (q, r, n) => sendFile(q, r, new Uint8Array(1000 + n)), 'changed'],
  [
    'sends too much',
    (q, r, n) =>
      n === 0 ? sendFile(q, r, bytes) : r.writeHead(206, { 'content-range': 'bytes 100-199/1000' }).end(bytes),
    'truncated',
  ],
  [
    'sends too little',
    (q, r, n) =>
      n === 0
        ? sendFile(q, r, bytes)
        : r.writeHead(206, { 'content-range': 'bytes 100-199/1000' }).end(bytes.subarray(0, 99)),
    'truncated',
  ],
  [
    'stalls in the middle',
    (q, r, n) =>
      n === 0
        ? sendFile(q, r, bytes)
        : r.writeHead(206, { 'content-range': 'bytes 100-199/1000' }).write(bytes.subarray(0, 50)),
    'network',
    100,
  ],
  [
    'breaks off',
    (q, r, n) => {
      if (n === 0) sendFile(q, r, bytes);
      else {
        r.writeHead(206, { 'content-range': 'bytes 100-199/1000', 'content-length': 100 });
        r.write(bytes.subarray(0, 50), () => q.socket.destroy());
      }
    },
    'network',
  ],
];
for (const [what, answer, code, stallMs] of liars) {
  test(`http: ${what}`, () => {
    let count = 0;
    return served(
      (request, response) => void answer(request, response, count++),
      async (url) => {
        const read = async (): Promise<unknown> => (await urlSource(url, { stallMs, pauseMs: 1 })).read(100, 200);
        assert.is(await codeOf(read), code);
      },
    );
  });
}

test('http: what fails in passing is asked for again', async () => {
  const passing: readonly ((request: IncomingMessage, response: ServerResponse) => void)[] = [
    (_, r) => r.writeHead(503).end(),
    (_, r) => r.writeHead(429, { 'retry-after': '0' }).end(),
    (q) => q.socket.destroy(),
    (q, r) => {
      r.writeHead(206, { 'content-range': 'bytes 100-199/1000', 'content-length': 100 });
      r.write(bytes.subarray(0, 50), () => q.socket.destroy());
    },
  ];
  for (const [i, fault] of passing.entries()) {
    let count = 0;
    await served(
      (request, response) => (count++ % 2 === 1 ? fault(request, response) : sendFile(request, response, bytes)),
      async (url) => {
        const source = await urlSource(url, { pauseMs: 1 });
        assert.equal(await source.read(100, 200), bytes.slice(100, 200), `fault ${i}`);
      },
    );
    assert.is(count, 3);
  }
  // Asking again would not help, and has its price.
  let asked = 0;
  await served(
    (_, response) => {
      asked++;
      response.writeHead(404).end();
    },
    async (url) => assert.is(await codeOf(() => urlSource(url)), 'notFound'),
  );
  assert.is(asked, 1);
});

test('http: a stream goes on where it broke off, three times at most', async () => {
  const asked: (string | undefined)[] = [];
  const cut = (most: number) => async (url: string) => {
    asked.length = 0;
    const source = await urlSource(url, { pauseMs: 1 });
    const parts: Uint8Array[] = [];
    const code = await codeOf(async () => {
      for await (const part of source.stream!(100, 200)) parts.push(part.slice());
    });
    assert.equal(Buffer.concat(parts), Buffer.from(bytes.subarray(100, Math.min(200, 100 + 3 * most))));
    return code;
  };
  const breaking = (most: number) => (request: IncomingMessage, response: ServerResponse) => {
    const { range } = request.headers;
    asked.push(range);
    const [, from = 0, to = 0] = (/bytes=(\d+)-(\d+)/.exec(range ?? '') ?? []).map(Number);
    const head = { 'content-range': `bytes ${from}-${to}/${bytes.length}`, 'content-length': to + 1 - from };
    response.writeHead(206, head);
    if (to - from < most) response.end(bytes.subarray(from, to + 1));
    else response.write(bytes.subarray(from, from + most), () => setTimeout(() => request.socket.destroy(), 20));
  };
  await served(breaking(40), async (url) => assert.is(await cut(40)(url), 'none'));
  assert.equal(asked, ['bytes=0-0', 'bytes=100-199', 'bytes=140-199', 'bytes=180-199']);
  await served(breaking(30), async (url) => assert.is(await cut(30)(url), 'network'));
});

test('http: the start that came with the first answer is not asked for again', async () => {
  let count = 0;
  await served(
    (request, response) => {
      count++;
      sendFile(request, response, bytes);
    },
    async (url) => {
      const source = await urlSource(url, { headBytes: 600 });
      assert.equal(await source.read(0, 600), bytes.slice(0, 600));
      assert.equal(await source.read(9, 10), bytes.slice(9, 10));
      assert.is(count, 1);
      assert.equal(await source.read(599, 601), bytes.slice(599, 601));
      assert.is(count, 2);
      const small = await urlSource(url, { headBytes: 6000 });
      await holdsBytes(small);
      assert.is(count, 3);
    },
  );
});

test('http: an abort while waiting comes out as its reason', () =>
  served(
    (request, response) => {
      if (request.headers.range === 'bytes=0-0') sendFile(request, response, bytes);
      else controller.abort(new RangeError('enough'));
    },
    async (url) => {
      const source = await urlSource(url);
      assert.is(await reasonOf(() => source.read(0, 1000, controller.signal)), controller.signal.reason);
    },
  ));
const controller = new AbortController();

test('http: a page for every unknown address is no file; where nothing is a file, the error says where', () =>
  served(
    (request, response) => {
      if (request.url === '/m/tokenizer.json') sendFile(request, response, bytes);
      else response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
    },
    async (url) => {
      const open = openUrlFolder(new URL('m', url).href);
      assert.is(await open('sotto.msgpack'), undefined);
      assert.ok(await open('tokenizer.json'));
      await throws(WeightsError, 'webPage', () => openModelFiles(open), new URL('m/config.json', url).href);
    },
  ));

test('http: no model at an address: the error names it, and what an address should be', () =>
  served(
    (_, response) => response.writeHead(404).end(),
    async (url) => {
      const error = await throws(
        WeightsError,
        'missingFile',
        () => openModelFiles(openUrlFolder(`${url}m`)),
        `${url}m/`,
      );
      assert.match(error.hint ?? '', 'resolve/main');
    },
  ));

test('http: a folder', () =>
  served(
    (request, response) => {
      if (request.url === '/m/config.json') sendFile(request, response, bytes);
      else response.writeHead(404).end();
    },
    async (url) => {
      const open = openUrlFolder(new URL('m', url).href);
      assert.is((await open('config.json'))?.size, 1000);
      assert.is(await open('other.json'), undefined);
    },
  ));

test.run();
