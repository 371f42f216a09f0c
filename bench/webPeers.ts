/**
 * sotto's page engine against transformers.js on onnxruntime-web (wasm), in headless Chromium: the same weights, samples and
 * threads, in turn. Each visit has a browser of its own, so that nothing is cached and its memory is its own.
 *
 *   npm ci --prefix bench --ignore-scripts
 *   node dist/bench/webPeers.js --peer-models DIR [--model tiny-demo] [--peer Xenova/whisper-tiny] [--dtype f32]
 *       [--peer-dtype fp32] [--threads 1,2] [--visits 2] [--runs 3] [--name tiny] [--save]
 *
 * DIR holds the peer's model as transformers.js looks for it; the model is a folder or a name of ours, stored as `--dtype`
 * says if that is what a page is to fetch (`sotto convert --dtype int8`).
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readAudio } from '../src/index.node.ts';
import { type Browser, launch } from '../test/runtimes/browser.ts';
import { bundle } from '../test/runtimes/bundle.ts';
import { chromiumOrSkip } from '../test/runtimes/runtimes.ts';
import { sendFile, serve } from '../test/support/httpServer.ts';
import { repoRoot } from '../test/support/paths.ts';
import { locateModel } from '../weights/locate.ts';
import { describeMachine } from './machine.ts';
import { recordingPath } from './recordings.ts';
import type { WebOrder, WebResult } from './webPeersPage.ts';
import { titleOf, type Visit, type WebPeerRow, webPeersDocument, webPeersTable } from './webPeersRow.ts';

const { values } = parseArgs({
  options: {
    'peer-models': { type: 'string', default: process.env.SOTTO_PEER_MODELS ?? '' },
    packages: { type: 'string', default: join(repoRoot, 'bench/node_modules') },
    model: { type: 'string', default: 'tiny-demo' },
    peer: { type: 'string', default: 'Xenova/whisper-tiny' },
    name: { type: 'string', default: 'tiny' },
    dtype: { type: 'string', default: 'f32' },
    'peer-dtype': { type: 'string', default: 'fp32' },
    threads: { type: 'string', default: '1,2' },
    visits: { type: 'string', default: '2' },
    runs: { type: 'string', default: '3' },
    save: { type: 'boolean', default: false },
  },
});
const transformers = join(values.packages, '@huggingface/transformers/dist');
if (!existsSync(transformers)) throw new Error('transformers.js is not here: npm ci --prefix bench --ignore-scripts');
if (!existsSync(join(values['peer-models'], values.peer))) throw new Error(`--peer-models DIR has no ${values.peer}`);
const executable = chromiumOrSkip('the page against transformers.js');
if (!executable) throw new Error('Chromium is not here.');

const HEADERS = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  mjs: 'text/javascript',
  wasm: 'application/wasm',
  json: 'application/json',
};

/** Read once: ranges of a large file are asked for one by one. */
const known = new Map<string, Buffer>();
function contents(file: string): Buffer {
  const bytes = known.get(file) ?? readFileSync(file);
  known.set(file, bytes);
  return bytes;
}

const folder = mkdtempSync(join(tmpdir(), 'sotto-web-peers-'));
let fetchedBytes = 0;
try {
  await bundle('dist/bench/webPeersPage.js', folder);
  const samples = await readAudio(recordingPath('jfk'));
  const places: Readonly<Record<string, string>> = {
    bundle: folder,
    model: await locateModel(values.model),
    peer: values['peer-models'],
    transformers,
    ort: join(values.packages, 'onnxruntime-web/dist'),
  };
  const html = '<!doctype html><title>bench</title><link rel="icon" href="data:,">';
  const server = await serve((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    const [, place = '', name = ''] = /^\/(\w*)\/?([\w./-]*)$/.exec(path) ?? [];
    if (place === '' || place === 'empty') {
      const script = place === '' ? '<script type="module" src="/bundle/webPeersPage.js"></script>' : '';
      sendFile(request, response, Buffer.from(html + script), { ...HEADERS, 'content-type': 'text/html' });
    } else if (place === 'samples') sendFile(request, response, new Uint8Array(samples.buffer), HEADERS);
    else {
      const file = join(places[place] ?? folder, name);
      if (!existsSync(file) || name.includes('..')) {
        response.writeHead(404, HEADERS).end();
        return;
      }
      const type = TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
      const { socket } = request;
      const before = socket.bytesWritten;
      response.on('close', () => {
        fetchedBytes += socket.bytesWritten - before;
      });
      sendFile(request, response, contents(file), { ...HEADERS, 'content-type': type });
    }
  });
  const rows: WebPeerRow[] = [];
  try {
    for (const threads of values.threads.split(',').map(Number)) rows.push(await compare(server.url, threads));
  } finally {
    await server.close();
  }
  console.log(webPeersTable(rows));
  for (const { ours, theirs } of rows) console.log(`ours:   ${ours[0]!.text}\ntheirs: ${theirs[0]!.text}`);
  if (values.save) save(rows);
} finally {
  rmSync(folder, { recursive: true });
}

async function compare(url: string, threads: number): Promise<WebPeerRow> {
  const runs = Number(values.runs);
  const orders: readonly WebOrder[] = [
    { engine: 'sotto', model: '/model/', dtype: values.dtype, threads, runs },
    { engine: 'transformers', model: values.peer, dtype: values['peer-dtype'], threads, runs },
  ];
  const machine = describeMachine();
  const { peakBytes: emptyBytes, browser } = await visit(`${url}empty`, undefined);
  const visits: [Visit[], Visit[]] = [[], []];
  for (let i = 0; i < Number(values.visits); i++)
    for (const [side, order] of orders.entries()) {
      fetchedBytes = 0;
      const { result, peakBytes } = await visit(url, order);
      visits[side]!.push({ ...result!, peakBytes, fetchedBytes });
    }
  return { machine, browser, emptyBytes, model: values.name, threads, ours: visits[0], theirs: visits[1] };
}

interface Visited {
  readonly result: WebResult | undefined;
  readonly peakBytes: number;
  readonly browser: string;
}

async function visit(url: string, order: WebOrder | undefined): Promise<Visited> {
  const browser: Browser = await launch(executable!);
  const page = await browser.newPage();
  try {
    page.on('pageerror', (error) => console.error(`page: ${error.message}`));
    await page.goto(url);
    await page.waitForFunction('document.readyState === "complete"');
    const result = order && ((await page.evaluate(`run(${JSON.stringify(order)})`)) as WebResult); // of webPeersPage.ts
    const agent = String(await page.evaluate('navigator.userAgent'));
    return { result, peakBytes: peakOfPages(), browser: /Chrome\/[\d.]+/.exec(agent)?.[0] ?? agent };
  } finally {
    await browser.close();
  }
}

/** Of the processes that show pages among this one's descendants, the largest resident set that one has had (Linux). */
function peakOfPages(): number {
  const processes = new Map<number, { readonly parent: number; readonly peak: number; readonly line: string }>();
  for (const id of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const status = readFileSync(`/proc/${id}/status`, 'utf8');
      const number = (field: string): number => Number(new RegExp(`^${field}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0);
      const line = readFileSync(`/proc/${id}/cmdline`, 'utf8');
      processes.set(Number(id), { parent: number('PPid'), peak: 1024 * number('VmHWM'), line });
    } catch {
      // It has ended meanwhile.
    }
  }
  const isOurs = (id: number): boolean => {
    const parent = processes.get(id)?.parent;
    return parent !== undefined && (parent === process.pid || isOurs(parent));
  };
  const pages = [...processes].filter(([id, { line }]) => line.includes('--type=renderer') && isOurs(id));
  return Math.max(0, ...pages.map(([, { peak }]) => peak));
}

/** Rows measured before stay, unless they are measured again. */
function save(rows: readonly WebPeerRow[]): void {
  const json = join(repoRoot, 'bench/results/webPeers.json');
  const before = existsSync(json) ? (JSON.parse(readFileSync(json, 'utf8')) as WebPeerRow[]) : []; // written here
  const kept = before.filter((row) => !rows.some((one) => titleOf(one) === titleOf(row)));
  const all = [...kept, ...rows].sort((a, b) => titleOf(a).localeCompare(titleOf(b)));
  writeFileSync(json, `${JSON.stringify(all, undefined, 1)}\n`);
  writeFileSync(join(repoRoot, 'bench/results/webPeers.md'), webPeersDocument(all));
}
