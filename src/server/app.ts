/** The routes of the server, and what stands before and after each of them: a name for the request, the key, errors, the log. */
import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { ApiError, ClientGone, logged, toApiError } from './errors.ts';
import type { ServerContext, ServerEnv, ServerParts } from './parts.ts';
import { transcriptionHandler } from './transcriptions.ts';

/** Asked all the time by what watches the server, and not worth a line. */
const WATCHED: readonly string[] = ['/health', '/ready', '/metrics'];
/** Of these the ones that tell nothing. */
const OPEN: readonly string[] = ['/health', '/ready'];
/** Nobody is there any more; nginx's number. */
const CLIENT_GONE = 499;

export function createApp(parts: ServerParts): Hono<ServerEnv> {
  const app = new Hono<ServerEnv>();
  const { state, models, auth, log, metrics } = parts;
  app.use(async (context, next) => {
    const started = performance.now();
    const { incoming } = context.env;
    const requestId = /^[\w.-]{1,128}$/.exec(context.req.header('x-request-id') ?? '')?.[0] ?? `req_${randomUUID()}`;
    const facts = { requestId, client: incoming.socket.remoteAddress ?? '', owner: '', seconds: undefined };
    context.set('facts', facts);
    await next();
    context.header('x-request-id', requestId);
    metrics.answered(context.req.method, context.req.path, context.res.status);
    if (!WATCHED.includes(context.req.path)) log(logLine(context, performance.now() - started));
  });
  if (parts.cors !== undefined) {
    app.use(cors({ origin: parts.cors, exposeHeaders: ['x-request-id', 'retry-after'] }));
  }
  app.use(async (context, next) => {
    if (!OPEN.includes(context.req.path)) {
      const client = auth.check(context.req.header('authorization'));
      if (client !== undefined) context.set('facts', { ...context.get('facts'), client, owner: client });
      if (state.isDraining && context.req.method === 'POST') throw shuttingDown();
    }
    await next();
  });

  app.get('/health', (context) => context.json({ status: 'ok' }));
  app.get('/ready', (context) => {
    const isReady = state.isReady && !state.isDraining;
    const status = state.isDraining ? 'shutting down' : isReady ? 'ready' : 'loading';
    return context.json({ status }, isReady ? 200 : 503);
  });
  app.get('/metrics', async (context) =>
    context.body(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  );
  app.get('/v1/models', (context) => context.json({ object: 'list', data: models.list }));
  // Names of the hub have a slash.
  app.get('/v1/models/:id{.+}', (context) => context.json(models.entry(context.req.param('id'))));
  const transcription = transcriptionHandler(parts);
  app.post('/v1/audio/transcriptions', transcription('transcribe'));
  app.post('/v1/audio/translations', transcription('translate'));
  app.post('/v1/audio/alignments', transcription('align'));
  const { jobs } = parts;
  if (jobs) {
    app.get('/v1/jobs', (context) => context.json({ object: 'list', data: jobs.list(context.get('facts').owner) }));
    app.get('/v1/jobs/:id', (context) => context.json(jobs.get(context.req.param('id'), context.get('facts').owner)));
    app.get('/v1/jobs/:id/result', (context) => jobs.result(context.req.param('id'), context.get('facts').owner));
    app.delete('/v1/jobs/:id', (context) =>
      context.json(jobs.remove(context.req.param('id'), context.get('facts').owner)),
    );
  }
  for (const path of [
    '/health',
    '/ready',
    '/metrics',
    '/v1/models',
    '/v1/audio/transcriptions',
    '/v1/audio/translations',
    '/v1/audio/alignments',
  ]) {
    app.all(path, ({ req }) => {
      throw new ApiError(405, `${req.method} has no meaning for ${path}.`, { code: 'method_not_allowed' });
    });
  }

  app.notFound((context) =>
    errorResponse(
      new ApiError(404, `Invalid URL (${context.req.method} ${context.req.path})`, { code: 'unknown_url' }),
    ),
  );
  app.onError((error, context: ServerContext) => {
    if (error instanceof ClientGone) {
      metrics.abandoned();
      return new Response(null, { status: CLIENT_GONE });
    }
    const reason = logged(error);
    if (reason !== undefined) log(`${context.get('facts').requestId}: ${reason}`);
    return errorResponse(toApiError(error));
  });
  return app;
}

export function shuttingDown(): ApiError {
  return new ApiError(503, 'The server is being stopped.', { code: 'shutting_down', retryAfter: 5 });
}

function errorResponse({ body, status, retryAfter }: ApiError): Response {
  const headers = new Headers({ 'content-type': 'application/json' });
  if (retryAfter !== undefined) headers.set('retry-after', String(retryAfter));
  if (status === 401) headers.set('www-authenticate', 'Bearer');
  return new Response(JSON.stringify({ error: body }), { status, headers });
}

function logLine({ req, res, get }: ServerContext, ms: number): string {
  const { requestId, seconds } = get('facts');
  const sound = seconds === undefined ? '' : `, ${seconds.toFixed(1)} s of sound`;
  return `${req.method} ${req.path} ${res.status} in ${(ms / 1000).toFixed(2)} s${sound} (${requestId})`;
}
