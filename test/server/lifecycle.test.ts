/** Places in the queue, clients that go away, jobs over a restart, the end of a server, keys, pages and TLS. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError } from '../../src/base/errors.ts';
import { isAlive } from '../../src/files/isAlive.ts';
import { openSpool } from '../../src/server/spool.ts';
import { runtimeFolder } from '../runtimes/runtimes.ts';
import { fakeModel } from '../support/fakeModel.ts';
import { inFolder } from '../support/folder.ts';
import { selfSigned } from '../support/selfSigned.ts';
import { jfkPath, type ServerUnderTest, startTestServer, until, withServer } from '../support/testServer.ts';
import { codeOf } from '../support/throws.ts';

const test = suite('server/lifecycle');
const jfk = readFileSync(jfkPath);

function form(...fields: readonly (readonly [string, string])[]): FormData {
  const data = new FormData();
  data.append('file', new Blob([jfk]), 'talk.wav');
  for (const [name, value] of fields) data.append(name, value);
  return data;
}

interface PostOptions {
  readonly signal?: AbortSignal;
  readonly query?: string;
  readonly key?: string;
  readonly fields?: readonly (readonly [string, string])[];
}

function post({ url }: Pick<ServerUnderTest, 'url'>, { signal, query = '', key, fields = [] }: PostOptions = {}) {
  return fetch(`${url}/v1/audio/transcriptions${query}`, {
    method: 'POST',
    body: form(...fields),
    ...(signal && { signal }),
    ...(key !== undefined && { headers: { authorization: `Bearer ${key}` } }),
  });
}

async function jsonOf<T>(answer: Promise<Response>): Promise<T> {
  return (await (await answer).json()) as T; // what the server is known to answer
}

interface JobBody {
  readonly id: string;
  readonly status: string;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

test('a client that goes away frees its place, waiting or running, stream or not', async () => {
  await inFolder(async (folder) => {
    const model = fakeModel({ ms: 60_000 });
    await withServer(folder, { model }, async (server) => {
      const { queue } = server;
      for (const fields of [[], [['stream', 'true']]] as const) {
        const [first, second] = [new AbortController(), new AbortController()];
        const gone = [first, second].map(({ signal }) =>
          post(server, { signal, fields })
            .then((response) => response.text())
            .catch(() => 'gone'),
        );
        await until(() => queue.counts.running === 1 && queue.counts.waiting === 1, 'one runs and one waits');
        const before = performance.now();
        second.abort();
        await until(() => queue.counts.waiting === 0, 'the one that waits is gone', 1000);
        first.abort();
        await until(() => queue.counts.running === 0 && model.running === 0, 'the one that runs is gone', 1000);
        assert.ok(performance.now() - before < 2000);
        assert.equal(await Promise.all(gone), ['gone', 'gone']);
      }
      const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
      await until(async () => /^sotto_abandoned_total 4$/m.test(await metrics()), 'all four are counted');
    });
  });
});

test('a queue of one answers the third with 429, and the package that asks again gets its text', async () => {
  const path = join(runtimeFolder, 'node_modules/openai6/index.mjs');
  if (!existsSync(path)) {
    console.log('skipped openai6 at a full queue: it is not here (npm ci --prefix test/runtimes --ignore-scripts)');
    return;
  }
  interface Transcriptions {
    create(params: object): Promise<{ readonly text: string }>;
  }
  const { default: OpenAI } = (await import(pathToFileURL(path).href)) as {
    // as far as it is used here
    default: new (
      options: object,
    ) => { readonly audio: { readonly transcriptions: Transcriptions } };
  };
  await inFolder(async (folder) => {
    const model = fakeModel({ ms: 300 });
    await withServer(folder, { model, queue: { parallel: 1, requests: 1 } }, async (server) => {
      const { audio } = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 6 });
      const ask = () => audio.transcriptions.create({ model: 'whisper-1', file: new File([jfk], 'talk.wav') });
      const texts = await Promise.all([ask(), ask(), ask()]);
      assert.equal(
        texts.map(({ text }) => text),
        Array(3).fill('Hello there. How are you?'),
      );
      const refused = server.lines.filter((line) => line.includes(' 429 '));
      assert.ok(refused.length > 0, 'one was refused');
      assert.is(model.calls.length, 3);

      const [first, second] = [post(server), post(server)];
      await until(() => server.queue.counts.arriving + server.queue.counts.waiting === 1, 'one waits');
      const third = await post(server);
      assert.is(third.status, 429);
      assert.ok(Number(third.headers.get('retry-after')) >= 1);
      const { error } = await jsonOf<{ error: { type: string; code: string } }>(Promise.resolve(third));
      assert.equal([error.type, error.code], ['rate_limit_error', 'queue_full']);
      assert.equal([(await first).status, (await second).status], [200, 200]);
    });
  });
});

test('jobs: asked for, waited for, fetched, and deleted', async () => {
  await inFolder(async (folder) => {
    const keepJobs = { folder: join(folder, 'jobs'), keepMs: 60_000 };
    const options = { model: fakeModel({ ms: 50 }), keys: ['a', 'b'], keepJobs };
    await withServer(join(folder), options, async (server) => {
      const ask = { query: '?async=true', key: 'a', fields: [['response_format', 'srt']] } as const;
      const accepted = await post(server, ask);
      assert.is(accepted.status, 202);
      const { id, status } = await jsonOf<JobBody>(Promise.resolve(accepted));
      assert.is(status, 'queued');
      assert.is(accepted.headers.get('location'), `/v1/jobs/${id}`);
      const get = (path: string, key = 'a', method = 'GET') =>
        fetch(`${server.url}/v1/jobs/${path}`, { method, headers: { authorization: `Bearer ${key}` } });
      await until(async () => (await jsonOf<JobBody>(get(id))).status === 'done', 'the job is done');
      const result = await get(`${id}/result`);
      assert.match(result.headers.get('content-type') ?? '', 'application/x-subrip');
      const text = await result.text();
      assert.match(text, 'Hello there.');
      assert.is((await jsonOf<JobBody>(get(id))).result, text);
      assert.is((await get(id, 'b')).status, 404, "another's");
      assert.is((await get(id, 'b', 'DELETE')).status, 404);
      assert.is((await get(id, 'a', 'DELETE')).status, 200);
      assert.is((await get(id)).status, 404);
      assert.is((await post(server, { ...ask, fields: [['stream', 'true']] })).status, 400);

      const long = await jsonOf<JobBody>(post(server, ask));
      await until(() => server.queue.counts.running === 1, 'it runs');
      await get(long.id, 'a', 'DELETE');
      await until(() => server.queue.counts.running === 0, 'it is stopped', 1000);
      assert.equal(readdirSync(keepJobs.folder), ['server.pid']);
    });
  });
});

test('jobs go on after a restart, and nobody else takes their folder meanwhile', async () => {
  await inFolder(async (folder) => {
    const keepJobs = { folder: join(folder, 'jobs'), keepMs: 60_000 };
    const ids: string[] = [];
    await withServer(folder, { model: fakeModel({ ms: 60_000 }), keepJobs }, async (server) => {
      for (const format of ['json', 'text'])
        ids.push(
          (await jsonOf<JobBody>(post(server, { query: '?async=true', fields: [['response_format', format]] }))).id,
        );
      await until(() => server.queue.counts.running === 1 && server.queue.counts.waiting === 1, 'one runs, one waits');
      await server.stop(10);
    });
    assert.equal(readdirSync(keepJobs.folder).sort(), [...ids].sort());
    // One that was begun and never promised, and the lock of a process that is gone.
    mkdirSync(join(keepJobs.folder, `job_${'0'.repeat(32)}`));
    writeFileSync(join(keepJobs.folder, 'server.pid'), '999999999');
    await withServer(folder, { keepJobs }, async (server) => {
      const job = (id: string) => jsonOf<JobBody>(fetch(`${server.url}/v1/jobs/${id}`));
      for (const id of ids) await until(async () => (await job(id)).status === 'done', 'it is done');
      assert.equal((await job(ids[0]!)).result, {
        text: 'Hello there. How are you?',
        usage: { type: 'duration', seconds: 2 },
      });
      assert.is((await job(ids[1]!)).result, 'Hello there.\nHow are you?\n');
      const { data } = await jsonOf<{ data: JobBody[] }>(fetch(`${server.url}/v1/jobs`));
      assert.equal(data.map(({ id }) => id).sort(), [...ids].sort());
      writeFileSync(join(keepJobs.folder, 'server.pid'), String(process.ppid));
      assert.is(await codeOf(() => startTestServer(join(folder, 'other'), { keepJobs })), 'stateFolder');
    });
    await withServer(folder, { keepJobs: { ...keepJobs, keepMs: -1 } }, async (server) => {
      const { data } = await jsonOf<{ data: JobBody[] }>(fetch(`${server.url}/v1/jobs`));
      assert.equal(data, [], 'results that are too old');
    });
  });
});

test('an end lets those that run finish, and refuses others', async () => {
  await inFolder(async (folder) => {
    await withServer(folder, { model: fakeModel({ ms: 200 }) }, async (server) => {
      const running = post(server);
      await until(() => server.queue.counts.running === 1, 'it runs');
      const stopped = server.stop(10_000);
      assert.is((await fetch(`${server.url}/ready`)).status, 503);
      assert.is((await fetch(`${server.url}/health`)).status, 200);
      const late = await post(server);
      assert.is(late.status, 503);
      assert.ok(late.headers.get('retry-after'));
      assert.is((await running).status, 200);
      await stopped;
    });
    await withServer(folder, { model: fakeModel({ ms: 60_000 }) }, async (server) => {
      const running = post(server);
      await until(() => server.queue.counts.running === 1, 'it runs');
      const stopped = server.stop(50);
      const answer = await running;
      assert.is(answer.status, 503);
      const { error } = await jsonOf<{ error: { code: string } }>(Promise.resolve(answer));
      assert.is(error.code, 'shutting_down');
      await stopped;
    });
  });
});

test('a device that is lost fails one request; the next one has the model again', async () => {
  await inFolder(async (folder) => {
    const fail = (call: number) => (call === 0 ? new DeviceError('lost', 'The device was lost.') : undefined);
    const model = fakeModel({ fail });
    await withServer(folder, { model }, async (server) => {
      const lost = await post(server);
      assert.is(lost.status, 503);
      assert.ok(lost.headers.get('retry-after'));
      assert.ok(model.isClosed);
      assert.is((await post(server)).status, 200);
      assert.ok(server.lines.some((line) => line.includes('The device was lost.')));
    });
  });
});

test('keys are asked for, and pages of another origin only if they are named', async () => {
  await inFolder(async (folder) => {
    await withServer(folder, { keys: ['one', 'two'], cors: 'https://example.org' }, async (server) => {
      const rows: [Readonly<Record<string, string>>, number][] = [
        [{}, 401],
        [{ authorization: 'Bearer three' }, 401],
        [{ authorization: 'Basic one' }, 401],
        [{ authorization: 'Bearer two' }, 200],
        [{ authorization: 'bearer one' }, 200],
      ];
      for (const [headers, status] of rows)
        assert.is((await fetch(`${server.url}/v1/models`, { headers })).status, status, JSON.stringify(headers));
      assert.is((await fetch(`${server.url}/metrics`)).status, 401);
      assert.is((await fetch(`${server.url}/health`)).status, 200);
      const preflight = await fetch(`${server.url}/v1/audio/transcriptions`, {
        method: 'OPTIONS',
        headers: { origin: 'https://example.org', 'access-control-request-method': 'POST' },
      });
      assert.is(preflight.headers.get('access-control-allow-origin'), 'https://example.org');
    });
    await withServer(folder, {}, async (server) => {
      const answer = await fetch(`${server.url}/v1/models`, { headers: { origin: 'https://example.org' } });
      assert.is(answer.headers.get('access-control-allow-origin'), null);
      const named = await fetch(`${server.url}/v1/models`, { headers: { 'x-request-id': 'mine-1' } });
      assert.is(named.headers.get('x-request-id'), 'mine-1');
    });
  });
});

test('TLS', async () => {
  await inFolder(async (folder) => {
    const tls = selfSigned();
    await withServer(folder, { tls }, async ({ url }) => {
      assert.match(url, /^https:/);
      const status = await new Promise((resolve, reject) => {
        const options = { ca: tls.cert, servername: 'localhost', checkServerIdentity: () => undefined };
        httpsRequest(`${url}/health`, options, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end();
      });
      assert.is(status, 200);
    });
  });
});

test('what a process left that is gone is removed, and nothing else', async () => {
  await inFolder(async (folder) => {
    const spool = openSpool(folder);
    const prefix = spool.folder.slice(0, spool.folder.lastIndexOf(`${process.pid}-`));
    spool.close();
    for (const path of [`${prefix}999999999-x`, `${prefix}${process.ppid}-x`, join(folder, 'other')]) mkdirSync(path);
    assert.ok(isAlive(process.ppid) && !isAlive(999999999));
    openSpool(folder).close();
    const names = readdirSync(folder).filter((name) => !name.startsWith('tmp-'));
    assert.equal(names.sort(), ['other', `${prefix.slice(folder.length + 1)}${process.ppid}-x`].sort());
  });
});

test.run();
