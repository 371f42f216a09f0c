/** The site as a static host has it, with a model and recordings beside it, for tests in Chromium. */
import { readFileSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { buildSite } from '../../packaging/siteFiles.ts';
import { sendFile, serve } from '../support/httpServer.ts';

export interface TestSite {
  /** With a slash at its end. */
  readonly url: string;
  /** `METHOD path`, in order; a test may empty it. */
  readonly requests: string[];
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
    requests.push(`${request.method} ${pathname}`);
    try {
      if (!pathname.startsWith(BELOW)) throw new Error(`${pathname} is not of the site`);
      const path = normalize(pathname.slice(BELOW.length));
      const [place, name = ''] = path.split('/');
      const clip = place === 'clips' ? clips.get(name) : undefined;
      const own = path === '.' || path.endsWith('/') ? join(path, 'index.html') : path;
      const file = clip ?? (place === 'model' ? join(model, name) : join(folder, own));
      const type = TYPES[extname(file)] ?? 'application/octet-stream';
      sendFile(request, response, readFileSync(file), { 'content-type': type, ...(isIsolated ? ISOLATED : {}) });
    } catch {
      response.writeHead(404).end();
    }
  });
  return {
    url: `${server.url.slice(0, -1)}${BELOW}`,
    requests,
    folder,
    stop: () => server.close(),
    async close() {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
