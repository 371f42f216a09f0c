/** The site as a static host has it, with a model and recordings beside it, for tests in Chromium. */
import { readFileSync, rmSync, statSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { buildSite } from '../../packaging/siteFiles.ts';
import { sendFile, serve } from '../support/httpServer.ts';

export interface TestSite {
  /** With a slash at its end. */
  readonly url: string;
  /** `METHOD path`, and the range where one was asked for, in order; a test may empty it. */
  readonly requests: string[];
  /** Connections that give weights break before all has come. */
  breaksWeights: boolean;
  /** Of its files. */
  readonly folder: string;
  /** Nothing is served any more. */
  stop(): Promise<void>;
  close(): Promise<void>;
}

export interface SiteOptions {
  /** Folder that is served as `model/`. */
  readonly model: string;
  /** Name below `clips/` -> path of the file. */
  readonly clips: ReadonlyMap<string, string>;
  /** With the headers that let threads share memory. */
  readonly isIsolated?: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
};
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/** The site stands below a path, as on many hosts. */
const BELOW = '/some/where/';

export async function serveSite({ model, clips, isIsolated = false }: SiteOptions): Promise<TestSite> {
  const folder = await mkdtemp(join(tmpdir(), 'sotto-site-'));
  await buildSite(folder);
  const requests: string[] = [];
  const server = await serve((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const { range } = request.headers;
    requests.push([request.method, pathname, range].filter(Boolean).join(' '));
    try {
      if (!pathname.startsWith(BELOW)) throw new Error(`${pathname} is not of the site`);
      const path = normalize(pathname.slice(BELOW.length));
      const [place, name = ''] = path.split('/');
      const clip = place === 'clips' ? clips.get(name) : undefined;
      const own = path === '.' || path.endsWith('/') ? join(path, 'index.html') : path;
      const file = clip ?? (place === 'model' ? join(model, name) : join(folder, own));
      const type = TYPES[extname(file)] ?? 'application/octet-stream';
      const { size, mtimeMs } = statSync(file);
      const etag = `"${size}-${mtimeMs}"`;
      if (site.breaksWeights && name.endsWith('.safetensors')) breakOff(response);
      sendFile(request, response, readFileSync(file), { 'content-type': type, etag, ...(isIsolated ? ISOLATED : {}) });
    } catch {
      response.writeHead(404).end();
    }
  });
  const site: TestSite = {
    url: `${server.url.slice(0, -1)}${BELOW}`,
    requests,
    breaksWeights: false,
    folder,
    stop: () => server.close(),
    async close() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return site;
}

/** Of a longer body a part is sent, whatever is ended with. */
function breakOff(response: ServerResponse): void {
  const end = response.end.bind(response);
  response.end = ((body?: Uint8Array) => {
    if (!body || body.length < 1000) return end(body);
    response.write(body.subarray(0, body.length / 2), () => response.destroy());
    return response;
  }) as typeof response.end; // as `sendFile` calls it
}
