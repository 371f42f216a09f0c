/**
 * A Hugging Face hub on localhost: small files with their git hash, the weights behind a redirect with their sha256, as the
 * real one answers (huggingface.co, August 2026). `misbehave` may answer a request in its own way.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { sendFile, serve, type TestServer } from './httpServer.ts';

export interface HubRequest {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
}

/** Answers and returns true, or returns false to let the hub answer. `bytes`: the file asked for. */
export type Misbehave = (request: IncomingMessage, response: ServerResponse, bytes: Buffer) => boolean;

export interface TestHub extends TestServer {
  readonly requests: readonly HubRequest[];
  misbehave: Misbehave | undefined;
  token: string | undefined;
}

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** @param repos folder by `owner/name` */
export async function serveHub(repos: Readonly<Record<string, string>>): Promise<TestHub> {
  const requests: HubRequest[] = [];
  const server = await serve(async (request, response) => {
    const { method = '', url = '', headers } = request;
    requests.push({ method, path: url, range: headers.range, authorization: headers.authorization });
    const [, repo = '', file = ''] = /^\/(?:cdn\/)?([^/]+\/[^/]+)\/resolve\/[^/]+\/(.+)$/.exec(url) ?? [];
    const folder = repos[repo];
    const bytes = folder === undefined ? undefined : await readFile(join(folder, file)).catch(() => undefined);
    if (!bytes) return void response.writeHead(404).end();
    if (hub.token && headers.authorization !== `Bearer ${hub.token}`) return void response.writeHead(401).end();
    if (hub.misbehave?.(request, response, bytes)) return;
    if (!/\.(safetensors|onnx)$/.test(file)) {
      const etag = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
      sendFile(request, response, bytes, { etag: `"${etag}"`, 'x-repo-commit': COMMIT });
    } else if (url.startsWith('/cdn/')) {
      sendFile(request, response, bytes, { etag: '"of-the-cdn"' });
    } else {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const linked = { 'x-linked-size': bytes.length, 'x-linked-etag': `"${sha256}"`, 'x-repo-commit': COMMIT };
      response.writeHead(302, { location: `/cdn${url}`, ...linked }).end();
    }
  });
  const hub: TestHub = { url: server.url, close: server.close, requests, misbehave: undefined, token: undefined };
  return hub;
}
