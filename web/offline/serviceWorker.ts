/**
 * The site's service worker: it has all files of the site, so that the page opens without a network, and answers with the
 * headers that let threads share memory, which many hosts cannot send. A new version is taken at the next visit: a page that
 * is open finds its files in the cache of its own version, of which one is left.
 */

/** Written by the build: the files by their paths below the site's folder (a page is its folder), and a hash of them all. */
declare const SITE_FILES: readonly string[];
declare const SITE_VERSION: string;

/** As much as is used of a service worker's global scope, which the types of a page do not have. */
interface ServiceWorkerScope {
  readonly registration: { readonly scope: string };
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', handler: (event: LifeEvent) => void): void;
  addEventListener(type: 'fetch', handler: (event: SiteFetchEvent) => void): void;
}
interface LifeEvent {
  waitUntil(work: Promise<unknown>): void;
}
interface SiteFetchEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
const worker = globalThis as unknown as ServiceWorkerScope; // this file runs in a service worker

const { scope } = worker.registration;
/** Other sites of the same origin have other scopes. */
const PREFIX = `sotto-site ${scope} `;
const CACHE = `${PREFIX}${SITE_VERSION}`;
const files = new Set(SITE_FILES);

/** A page is isolated when it, and every script of its workers, comes with these. */
const ISOLATING = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-resource-policy': 'same-origin',
} as const;

worker.addEventListener('install', (event) => event.waitUntil(install()));
worker.addEventListener('activate', (event) => event.waitUntil(activate()));
worker.addEventListener('fetch', (event) => {
  const file = fileOf(event.request);
  if (file !== undefined) event.respondWith(answer(file, event.request));
});

/** All files or none: where one cannot be had, the version before stays. */
async function install(): Promise<void> {
  const cache = await caches.open(CACHE);
  await Promise.all(
    SITE_FILES.map(async (file) => {
      const address = addressOf(file);
      // The name of an asset has its hash in it.
      const before = file.startsWith('assets/') ? await caches.match(address) : undefined;
      await cache.put(address, before ?? isolating(await fetchFile(address)));
    }),
  );
  await worker.skipWaiting();
}

async function fetchFile(address: string): Promise<Response> {
  const response = await fetch(address, { cache: 'no-cache' });
  if (response.status !== 200) throw new Error(`${address}: ${response.status}`);
  return response;
}

async function activate(): Promise<void> {
  // In the order in which they were made: the last but this one is of pages that may be open.
  const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(old.slice(0, -1).map((name) => caches.delete(name)));
  await worker.clients.claim();
}

/** Path below the site's folder, of what is the site's: its present files, and assets of the version before. */
function fileOf({ method, url }: Request): string | undefined {
  const address = url.replace(/[?#].*$/, '');
  if (method !== 'GET' || !address.startsWith(scope)) return undefined;
  const file = address.slice(scope.length).replace(/(^|\/)index\.html$/, '$1');
  return files.has(file) || file.startsWith('assets/') ? file : undefined;
}

async function answer(file: string, request: Request): Promise<Response> {
  const address = addressOf(file);
  const cache = await caches.open(CACHE);
  const found = (await cache.match(address)) ?? (await caches.match(address));
  return found ?? isolating(await fetch(request));
}

/** The same answer with our headers. */
function isolating(response: Response): Response {
  const headers = new Headers(response.headers);
  // They are of the bytes on their way; the last would keep the answer from being kept.
  for (const name of ['content-encoding', 'content-length', 'vary']) headers.delete(name);
  for (const [name, value] of Object.entries(ISOLATING)) headers.set(name, value);
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}

function addressOf(file: string): string {
  return `${scope}${file}`;
}
