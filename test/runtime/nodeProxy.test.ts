import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { request as httpRequest } from '../../src/base/http.ts';
import { readAudio } from '../../src/runtime/nodeAudio.ts';
import { proxyFetch, proxyFor } from '../../src/runtime/nodeProxy.ts';
import { jfk } from '../support/clips.ts';
import { sendFile, serve } from '../support/httpServer.ts';

const test = suite('nodeProxy');

type Environment = Readonly<Record<string, string>>;
const inside =
  (environment: Environment) =>
  (name: string): string | undefined =>
    environment[name];

/** A proxy that notes what it is asked and does it; with a `password`, for who gives it. */
async function startProxy(
  password?: string,
): Promise<{ readonly server: Server; readonly host: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const mayPass = ({ method, url, headers }: IncomingMessage): boolean => {
    asked.push(`${method} ${url}`);
    const wanted = password === undefined ? undefined : `Basic ${Buffer.from(password).toString('base64')}`;
    return headers['proxy-authorization'] === wanted;
  };
  const server = createServer((incoming, response) => {
    if (!mayPass(incoming)) return void response.writeHead(407).end();
    const { 'proxy-authorization': _, ...headers } = incoming.headers;
    request(incoming.url ?? '', { method: incoming.method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    })
      .on('error', () => response.destroy())
      .end();
  });
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    if (!mayPass(incoming)) return void socket.end('HTTP/1.1 407 no\r\n\r\n');
    const [host, port] = (incoming.url ?? '').split(':');
    const through = connect(Number(port), host === 'hub.test' ? '127.0.0.1' : host, () => {
      socket.write('HTTP/1.1 200 ok\r\n\r\n');
      through.pipe(socket).pipe(through);
    });
    through.on('error', () => socket.destroy());
    socket.on('error', () => through.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked }; // a port, not a pipe
}

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
const fail = (message: string): Error => new Error(message);

async function read(url: string, environment: Environment, headers = {}): Promise<Uint8Array> {
  const response = await httpRequest(url, { headers, fetch: proxyFetch(inside(environment)), pauseMs: 1 }, fail);
  assert.ok(response.status < 300, `status ${response.status}`);
  const parts: Uint8Array[] = [];
  for await (const part of response.body()) parts.push(part);
  return Buffer.concat(parts);
}

test('which proxy: small letters first, by the address, with what is excepted', () => {
  const proxies = {
    HTTPS_PROXY: 'http://secure:1',
    HTTP_PROXY: 'plain:2',
    http_proxy: 'http://small:3',
    no_proxy: 'localhost, .inner.org,other.org:8080 10.0.0.1,[::1]:80,fe80::1',
  };
  for (const [address, expected] of [
    ['https://hub.org/x', 'secure:1'],
    ['http://hub.org/x', 'small:3'],
    ['http://localhost/x', undefined],
    ['http://localhost.org/x', 'small:3'],
    ['https://inner.org/', undefined],
    ['https://a.inner.org/', undefined],
    ['https://minner.org/', 'secure:1'],
    ['https://other.org/', 'secure:1'],
    ['https://other.org:8080/', undefined],
    ['http://10.0.0.1/', undefined],
    ['http://110.0.0.1/', 'small:3'],
    ['http://[::1]/', undefined],
    ['http://[fe80::1]/', undefined],
  ] as const) {
    assert.is(proxyFor(new URL(address), inside(proxies))?.host, expected, address);
  }
  assert.is(proxyFor(new URL('http://a/'), inside({ all_proxy: 'http://all:9' }))?.host, 'all:9');
  assert.is(proxyFor(new URL('http://a/'), inside({ all_proxy: 'http://all:9', NO_PROXY: '*' })), undefined);
  assert.throws(() => proxyFor(new URL('http://a/'), inside({ http_proxy: 'socks5://u:secret@s:1' })), /socks5/);
  assert.is(proxyFetch(inside({ NO_PROXY: 'x' })), undefined);
});

test('http goes through it whole, with its password; redirects too, without the secret of the first host', async () => {
  const { server, host, asked } = await startProxy('me:a b');
  const seen: (string | undefined)[] = [];
  const other = await serve((incoming, response) => {
    seen.push(incoming.headers.authorization);
    sendFile(incoming, response, bytes);
  });
  const first = await serve((incoming, response) => {
    seen.push(incoming.headers.authorization);
    response.writeHead(302, { location: `${other.url}x` }).end();
  });
  const environment = { http_proxy: `http://me:a%20b@${host}` };
  assert.equal(await read(`${first.url}a?b=1`, environment, { authorization: 'Bearer t' }), Buffer.from(bytes));
  assert.equal(asked, [`GET ${first.url}a?b=1`, `GET ${other.url}x`]);
  assert.equal(seen, ['Bearer t', undefined]);
  const wrong = { http_proxy: `http://me:secret@${host}` };
  assert.match(String(await read(first.url, wrong).catch((error) => error)), 'status 407');
  for (const each of [other, first]) await each.close();
  server.close();
});

test('a proxy that refuses, or is not there, is named, its password is not', async () => {
  const { server, host } = await startProxy('me:x');
  const refused = await read('https://hub.test/', { https_proxy: `http://me:secret@${host}` }).catch(String);
  assert.match(String(refused), `the proxy ${host} answered 407`);
  server.close();
  server.closeAllConnections();
  const gone = await read('https://hub.test/', { https_proxy: `http://me:secret@${host}` }).catch(String);
  assert.match(String(gone), `the proxy ${host} cannot be reached`);
  assert.not.match(`${refused} ${gone}`, 'secret');
});

test('https goes through a tunnel: the proxy sees the host alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sotto-proxy-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  try {
    const subject = ['-subj', '/CN=hub.test', '-addext', 'subjectAltName=DNS:hub.test', '-days', '2'];
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key];
    execFileSync('openssl', ['req', '-x509', ...newKey, '-out', cert, ...subject], { stdio: 'ignore' });
  } catch {
    console.log('skipped https through a tunnel: no openssl');
    return rm(folder, { recursive: true });
  }
  const hub = createSecureServer({ key: await readFile(key), cert: await readFile(cert) }, (incoming, response) =>
    sendFile(incoming, response, bytes),
  );
  await new Promise<void>((resolve) => hub.listen(0, '127.0.0.1', resolve));
  const { port } = hub.address() as AddressInfo; // a port, not a pipe
  const { server, host, asked } = await startProxy();
  // In a process of its own, which knows the certificate.
  const script = `
    import { request } from '${new URL('../../src/base/http.js', import.meta.url).href}';
    import { proxyFetch } from '${new URL('../../src/runtime/nodeProxy.js', import.meta.url).href}';
    const fetch = proxyFetch((name) => process.env[name]);
    const fail = (message, { hint }) => new Error(message + ' ' + hint);
    const options = { fetch, headers: { range: 'bytes=10-19' } };
    const response = await request('https://hub.test:${port}/x', options, fail).catch((error) => ({ error }));
    if (response.error) console.log(response.error.message);
    else for await (const part of response.body()) console.log(response.status, response.url, [...part].join());`;
  const output = (env: Environment): Promise<string> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { env: { ...process.env, ...env } });
      let text = '';
      child.stdout.on('data', (part) => {
        text += part;
      });
      child.on('close', () => resolve(text));
    });
  const environment = { https_proxy: `http://${host}`, HTTPS_PROXY: '', no_proxy: '', NO_PROXY: '' };
  const got = await output({ ...environment, NODE_EXTRA_CA_CERTS: cert });
  assert.is(got, `206 https://hub.test:${port}/x 10,11,12,13,14,15,16,17,18,19\n`);
  assert.equal(asked, [`CONNECT hub.test:${port}`]);
  assert.match(await output(environment), 'NODE_EXTRA_CA_CERTS');
  hub.close();
  server.close();
  server.closeAllConnections();
  await rm(folder, { recursive: true });
});

test('recordings come through it too', async () => {
  const { server, host, asked } = await startProxy();
  const wav = await readFile(jfk.path);
  const sounds = await serve((incoming, response) => sendFile(incoming, response, wav));
  const before = process.env.http_proxy;
  process.env.http_proxy = host;
  try {
    assert.is((await readAudio(`${sounds.url}jfk.wav`)).length, 176_000);
  } finally {
    if (before === undefined) delete process.env.http_proxy;
    else process.env.http_proxy = before;
  }
  assert.equal(asked, [`GET ${sounds.url}jfk.wav`]);
  await sounds.close();
  server.close();
  server.closeAllConnections();
});

test('an abort ends a request through a proxy, before and in its body', async () => {
  const { server, host } = await startProxy();
  const slow = await serve((incoming, response) => {
    if (incoming.url === '/body') response.writeHead(200).write('x');
  });
  const options = { fetch: proxyFetch(inside({ http_proxy: host })) };
  for (const path of ['never', 'body']) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new RangeError('enough')), 100);
    const act = async (): Promise<void> => {
      const response = await httpRequest(`${slow.url}${path}`, { ...options, signal: controller.signal }, fail);
      for await (const part of response.body()) assert.is(part.length, 1);
    };
    assert.is(await act().catch((error) => error), controller.signal.reason);
  }
  await slow.close();
  server.close();
  server.closeAllConnections();
});

test.run();
