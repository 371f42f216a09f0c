/**
 * `fetch` through an HTTP proxy, for Node, whose own takes none unless it is told to (`NODE_USE_ENV_PROXY`, Node 22.21 and
 * 24 on). The proxy is named by the usual variables, small letters first: `https_proxy`, `http_proxy`, `all_proxy`;
 * `no_proxy` lists hosts (`.example.com` with what is below, `host:port`, `*` for all) that are reached directly.
 *
 * An https address is reached by CONNECT (RFC 9110, 9.3.6) and TLS inside, so the proxy sees its host alone; an http one by its
 * whole address in the request line (RFC 9112, 3.2.2).
 */

import { Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import type { Fetch, FetchInit } from '../base/http.ts';
import { onAbort } from '../base/signals.ts';

const MAX_REDIRECTS = 20;

type Environment = (name: string) => string | undefined;

/** @returns undefined where the runtime's own `fetch` is right: no proxy is named, or it heeds the variables itself */
export function proxyFetch(environment: Environment): Fetch | undefined {
  const { versions } = process;
  if (versions.bun !== undefined || versions.deno !== undefined) return undefined;
  const names = ['https_proxy', 'http_proxy', 'all_proxy'];
  if (!names.some((name) => read(environment, name) !== undefined)) return undefined;
  return (url, init) => fetchFollowing(url, init, environment);
}

/** The proxy for an address; undefined for a direct connection. @throws {Error} if it is none that can be used */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
  const value = read(environment, `${url.protocol.slice(0, -1)}_proxy`) ?? read(environment, 'all_proxy');
  if (value === undefined || isExcepted(url, read(environment, 'no_proxy') ?? '')) return undefined;
  const text = /^[a-z][\w+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  let proxy: URL | undefined;
  try {
    proxy = new URL(text);
  } catch {
    throw new Error('the proxy that the environment names is no address'); // it may hold a password
  }
  if (proxy.protocol === 'http:' || proxy.protocol === 'https:') return proxy;
  throw new Error(`a proxy of the kind ${proxy.protocol}// is none that sotto can use, http:// is`);
}

function read(environment: Environment, name: string): string | undefined {
  return environment(name) || environment(name.toUpperCase()) || undefined;
}

function isExcepted(url: URL, list: string): boolean {
  const host = withoutBrackets(url.hostname);
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '' || entry === '*') return entry === '*';
    // The colons of a bare IPv6 address begin no port.
    const [, given = '', only = port] = (isIP(entry) === 0 && /^(.*?)(?::(\d+))?$/.exec(entry)) || ['', entry];
    const name = withoutBrackets(given.replace(/^\*?\./, '').toLowerCase());
    return only === port && (host === name || (isIP(host) === 0 && host.endsWith(`.${name}`)));
  });
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

async function fetchFollowing(url: string, init: FetchInit, environment: Environment): Promise<Response> {
  let at = new URL(url);
  let { headers } = init;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const message = await send(at, { ...init, headers }, proxyFor(at, environment));
    const { statusCode = 0, headers: answer } = message;
    const isRedirect = [301, 302, 303, 307, 308].includes(statusCode) && answer.location !== undefined;
    if (!isRedirect || init.redirect === 'manual') return asResponse(message, init, at.href);
    message.destroy();
    const next = new URL(answer.location ?? '', at);
    // What is a secret between us and one host is none of the next one's.
    if (next.origin !== at.origin) {
      headers = Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
    }
    at = next;
  }
  throw new Error(`it redirects more than ${MAX_REDIRECTS} times`);
}

/** One request, its answer as far as the headers. */
async function send(url: URL, init: FetchInit, proxy: URL | undefined): Promise<IncomingMessage> {
  const { method, signal } = init;
  const headers = { 'user-agent': 'sotto', ...init.headers };
  // An agent of its own: the global one may be told to use the proxy too.
  const plain = { method, headers, signal, agent: new Agent() };
  if (url.protocol !== 'https:') {
    if (!proxy) return answerOf(httpRequest(url, plain));
    const path = url.href.replace(/#.*$/, '');
    const through = requestTo(proxy, {
      method,
      path,
      headers: { ...headers, host: url.host, ...credentials(proxy) },
      signal,
    });
    return answerOf(through).catch(fromProxy(proxy, signal));
  }
  if (!proxy) return answerOf(httpsRequest(url, { method, headers, signal }));
  const socket = await tunnel(url, proxy, signal);
  const servername = isIP(url.hostname) ? '' : url.hostname;
  const secure = tlsConnect({ socket, servername, ALPNProtocols: ['http/1.1'] });
  return answerOf(httpsRequest(url, { method, headers, signal, createConnection: () => secure }));
}

/** A connection through the proxy to the address's host. */
function tunnel(url: URL, proxy: URL, signal: AbortSignal): Promise<Socket> {
  const target = `${url.hostname}:${url.port || 443}`;
  const request = requestTo(proxy, {
    method: 'CONNECT',
    path: target,
    headers: { host: target, ...credentials(proxy) },
    signal,
  });
  return new Promise<Socket>((resolve, reject) => {
    request.on('error', reject);
    const refuse = ({ statusCode, statusMessage }: IncomingMessage): void => {
      const why = statusCode === 407 ? ': it wants a user and a password (http://user:password@host:port)' : '';
      reject(new Error(`the proxy ${proxy.host} answered ${statusCode} ${statusMessage}${why}`));
      request.destroy();
    };
    request.once('response', refuse);
    request.once('connect', (answer: IncomingMessage, socket: Socket, head: Buffer) => {
      if (answer.statusCode !== 200) {
        socket.destroy();
        return refuse(answer);
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.end();
  }).catch(fromProxy(proxy, signal));
}

interface ProxyRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

function requestTo(proxy: URL, init: ProxyRequest): ClientRequest {
  const { hostname, port, protocol } = proxy;
  const isSecure = protocol === 'https:';
  const options = { ...init, host: withoutBrackets(hostname), port: port || (isSecure ? 443 : 80) };
  return isSecure ? httpsRequest({ ...options, agent: false }) : httpRequest({ ...options, agent: new Agent() });
}

function credentials({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(text).toString('base64')}` };
}

/** Names the proxy, without its password. */
function fromProxy(proxy: URL, signal: AbortSignal): (error: unknown) => never {
  return (error) => {
    signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    if (why.includes(`proxy ${proxy.host}`)) throw error;
    throw new Error(`the proxy ${proxy.host} cannot be reached: ${why}`, { cause: error });
  };
}

function answerOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    request.on('error', reject);
    request.end();
  });
}

function asResponse(message: IncomingMessage, { method, signal }: FetchInit, url: string): Response {
  const headers = new Headers();
  for (const [name, value] of Object.entries(message.headers)) {
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  const { statusCode = 0 } = message;
  const hasBody = method !== 'HEAD' && statusCode !== 204 && statusCode !== 304;
  if (!hasBody) message.destroy();
  const release = onAbort(signal, () => message.destroy());
  message.once('close', release);
  const body = hasBody ? (Readable.toWeb(message) as ReadableStream<Uint8Array<ArrayBuffer>>) : null; // bytes of a socket
  const response = new Response(body, { status: statusCode, headers });
  Object.defineProperty(response, 'url', { value: url });
  return response;
}
