/** `/v1/realtime`: transcription over a WebSocket. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { shuttingDown } from '../app.ts';
import { ApiError, logged, toApiError } from '../errors.ts';
import type { ServerParts } from '../parts.ts';
import { RealtimeSession } from './session.ts';

/** A message of 15 MiB of sound, which is what OpenAI takes, in base64. */
const MOST_BYTES = 21 << 20;
const PING_MS = 30_000;
/** That a client has to answer the end of a session. */
const CLOSE_MS = 500;
/** "try again later", RFC 6455's registry. */
const CLOSE_LATER = 1013;
/** What pages send in place of a header, as OpenAI's package has it. */
const KEY_PROTOCOL = 'openai-insecure-api-key.';

/** Lets requests for `/v1/realtime` become WebSockets; all others that ask to become something else are refused. */
export function attachRealtime(server: Server, parts: ServerParts): void {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MOST_BYTES,
    handleProtocols: (offered) => (offered.has('realtime') ? 'realtime' : false),
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {});
    try {
      const model = admitted(request, parts, sockets.clients.size);
      sockets.handleUpgrade(request, socket, head, (client) => converse(client, parts, model));
    } catch (error) {
      const reason = logged(error);
      if (reason !== undefined) parts.log(reason);
      refuse(socket, toApiError(error));
    }
  });
  parts.state.stopping.addEventListener('abort', () => {
    for (const client of sockets.clients) {
      client.close(CLOSE_LATER, 'The server is being stopped.');
      setTimeout(() => client.terminate(), CLOSE_MS).unref();
    }
  });
}

/** @returns the model that the address names @throws {ApiError} */
function admitted(request: IncomingMessage, parts: ServerParts, sessions: number): string | undefined {
  const { auth, state, limits, models, cors } = parts;
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname !== '/v1/realtime') {
    throw new ApiError(404, `There is no WebSocket at ${pathname.slice(0, 100)}.`, { code: 'unknown_url' });
  }
  const { authorization, origin } = request.headers;
  // Browsers let every page open a WebSocket to this machine.
  if (origin !== undefined && cors !== '*' && cors !== origin) {
    throw new ApiError(403, `Pages of ${origin.slice(0, 100)} may not use this server (--cors).`, { code: 'origin' });
  }
  const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const key = protocols.find((name) => name.startsWith(KEY_PROTOCOL))?.slice(KEY_PROTOCOL.length);
  auth.check(authorization ?? (key === undefined ? undefined : `Bearer ${key}`));
  if (state.isDraining) throw shuttingDown();
  if (sessions >= limits.maxSessions) {
    throw new ApiError(429, `${sessions} sessions are open, which is all that this server takes.`, {
      code: 'queue_full',
      retryAfter: 10,
    });
  }
  // A session that speaks has a model of its own kind: the one that transcribes is said later.
  const given = searchParams.get('model');
  const model = given === null || /realtime/.test(given) ? undefined : given;
  models.nameOf(model);
  return model;
}

function converse(client: WebSocket, { models, log, metrics, state }: ServerParts, model: string | undefined): void {
  const gone = new AbortController();
  metrics.session(1);
  const session = new RealtimeSession({
    ...{ models, log, model, signal: gone.signal },
    send(event) {
      if (client.readyState === client.OPEN) client.send(JSON.stringify(event));
    },
    onDemand(wanted) {
      if (wanted && client.isPaused) client.resume();
      else if (!wanted && !client.isPaused) client.pause();
    },
  });
  let isAlive = true;
  const pings = setInterval(() => {
    if (!isAlive && !client.isPaused) client.terminate();
    isAlive = false;
    client.ping();
  }, PING_MS);
  client.on('pong', () => {
    isAlive = true;
  });
  client.on('message', (data, isBinary) => {
    isAlive = true;
    // One message is one buffer here: `binaryType` is as ws has it.
    session.receive(isBinary || !Buffer.isBuffer(data) ? '' : data.toString('utf8'));
  });
  client.on('error', (error) => log(`realtime: ${error.message}`));
  client.on('close', () => {
    clearInterval(pings);
    metrics.session(-1);
    gone.abort();
  });
  if (state.stopping.aborted) client.close(CLOSE_LATER);
}

function refuse(socket: Duplex, error: ApiError): void {
  const body = JSON.stringify({ error: error.body });
  const lines = [
    `HTTP/1.1 ${error.status} Refused`,
    'Connection: close',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(error.retryAfter === undefined ? [] : [`Retry-After: ${error.retryAfter}`]),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
