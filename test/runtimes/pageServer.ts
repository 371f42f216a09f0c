/** A static server for `chromium.test.ts`: pages, with and without cross-origin isolation, a bundle, a model, recordings. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sendFile, serve, type TestServer } from '../support/httpServer.ts';

export interface PageFiles {
  readonly bundle: string;
  readonly model: string;
  /** Name in the address -> path of the file. */
  readonly clips: ReadonlyMap<string, string>;
  /** Name of the script in the bundle; `page.js` when absent. */
  readonly script?: string;
}

const page = (script: string): Buffer =>
  Buffer.from(
    `<!doctype html><meta charset="utf-8"><title>sotto</title><link rel="icon" href="data:,"><script type="module" src="/bundle/${script}"></script>`,
  );
/** Threads that share memory need both. */
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

/** Content security policies: what README says that sotto needs, and that without one part of it. */
const policies: ReadonlyMap<string | undefined, string> = new Map([
  ['policy', "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src blob:"],
  ['noWorkers', "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'"],
  ['noWasm', "default-src 'self'; worker-src blob:"],
]);

/** `/isolated`, `/plain` and those with a policy are the page, `/bundle/`, `/model/` and `/clips/` what it loads. */
export function servePage({ bundle, model, clips, script = 'page.js' }: PageFiles): Promise<TestServer> {
  const cache = new Map<string, Buffer>();
  const read = (path: string): Buffer => {
    const bytes = cache.get(path) ?? readFileSync(path);
    cache.set(path, bytes);
    return bytes;
  };
  return serve((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const [, place, name] = /^\/(\w+)(?:\/([\w.-]+))?$/.exec(pathname) ?? [];
    try {
      if (place === 'isolated' || place === 'plain') {
        const headers = { 'content-type': 'text/html', ...(place === 'isolated' ? ISOLATED : {}) };
        sendFile(request, response, page(script), headers);
      } else if (policies.has(place)) {
        const headers = { 'content-type': 'text/html', 'content-security-policy': policies.get(place) ?? '' };
        sendFile(request, response, page(script), headers);
      } else if (place === 'bundle' && name) {
        sendFile(request, response, read(join(bundle, name)), { 'content-type': 'text/javascript' });
      } else if (place === 'model' && name) {
        sendFile(request, response, read(join(model, name)));
      } else if (place === 'clips' && name && clips.has(name)) {
        sendFile(request, response, read(clips.get(name)!));
      } else {
        response.writeHead(404).end();
      }
    } catch {
      // No such file.
      response.writeHead(404).end();
    }
  });
}
