/**
 * What `npm publish` would send, in pages: bundled by Vite, webpack and esbuild without configuration, and as the one file for a
 * CDN, from another origin; and the documents. Each page has the content security policy that README names, and transcribes in headless Chromium.
 *
 *   node dist/test/packaging/packedPages.test.js [part of the names of the tests to run]
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildDocs } from '../../packaging/docs/docsFiles.ts';
import { toneOpus } from '../audio/encoded.ts';
import { bundle } from '../runtimes/bundle.ts';
import { chromiumOrSkip, toolOrSkip } from '../runtimes/runtimes.ts';
import { jfk } from '../support/clips.ts';
import { sendFile, serve, type TestServer } from '../support/httpServer.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { axeFindings, type Chromium, launchChromium, until } from '../web/chromium.ts';
import { complaintsOf, nodeModulesIn } from './bundled.ts';
import { fetchProject, start } from './fetchProject.ts';

/** Of the file for a CDN, compressed: every device, codec and option is in it. */
const LIMIT_BYTES = 300_000;
const CDN_FILE = 'sotto.min.js';

/** The page's own code; `from` is the package's name, or an address. */
const pageScript = (from: string): string => `import { load, readAudio } from '${from}';
globalThis.transcribe = async () => {
  const whisper = await load('/model/', { device: 'cpu' });
  const { text } = await whisper.transcribe('/jfk.wav', { temperature: 0 });
  await whisper.close();
  return { text, device: whisper.device.description };
};
globalThis.heard = async (bytes) => (await readAudio(new Uint8Array(bytes))).length;
globalThis.isReady = true;
`;
const html = (script: string): string =>
  `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`;

/** As README has it. */
const policy = (scripts = ''): string =>
  `default-src 'self'; script-src 'self' 'wasm-unsafe-eval'${scripts}; worker-src blob:; img-src data:`;
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** As much of webpack as is used. */
type Webpack = (
  options: object,
  done: (error: Error | null, stats?: { toString(options: object): string; hasErrors(): boolean }) => void,
) => void;

const executable = chromiumOrSkip('the package in pages');
const vite = toolOrSkip('the package bundled by Vite', 'vite/bin/vite.js');
const webpack = toolOrSkip('the package bundled by webpack', 'webpack/lib/index.js');
if (executable && vite && webpack) {
  const test = suite('packed pages');
  const only = process.argv[2] ?? '';
  const check = (name: string, body: () => Promise<void> | void): void => {
    if (name.includes(only)) test(name, body);
  };
  // Outside of the repository, where nothing but what it asks for is found.
  const folder = mkdtempSync(join(tmpdir(), 'sotto-pages-'));
  const out = (name: string): string => join(folder, 'out', name);
  let browser: Chromium;
  let site: TestServer;
  let cdn: TestServer;

  test.before(async () => {
    fetchProject(folder);
    writeFileSync(join(folder, 'page.js'), pageScript('sotto'));
    writeFileSync(join(folder, 'index.html'), html('./page.js'));
    const model = await tinyModel();
    const file = join(folder, 'node_modules/sotto/dist/cdn', CDN_FILE);
    // As unpkg and jsDelivr answer.
    const allow = { 'access-control-allow-origin': '*', 'content-type': 'text/javascript' };
    cdn = await serve((request, response) => {
      if (request.url !== `/sotto@0/${CDN_FILE}`) response.writeHead(404, allow).end();
      else sendFile(request, response, readFileSync(file), allow);
    });
    site = await serve((request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://localhost');
      const [, place = '', name = ''] = pathname.split('/');
      const common = {
        'content-type': TYPES[extname(pathname)] ?? 'application/octet-stream',
        'content-security-policy': policy(place === 'cdn' ? ` ${cdn.url}` : ''),
        ...ISOLATED,
      };
      try {
        if (pathname === '/cdn/page.js')
          sendFile(request, response, Buffer.from(pageScript(`${cdn.url}sotto@0/${CDN_FILE}`)), common);
        else if (name === 'index.html' && place !== 'vite' && place !== 'docs')
          sendFile(request, response, Buffer.from(html('page.js')), common);
        else if (pathname === '/jfk.wav') sendFile(request, response, readFileSync(jfk.path), common);
        else if (place === 'model') sendFile(request, response, readFileSync(join(model, name)), common);
        else sendFile(request, response, readFileSync(join(folder, 'out', pathname)), common);
      } catch {
        response.writeHead(404, common).end();
      }
    });
    browser = await launchChromium(executable);
  });
  test.after(async () => {
    await browser?.close();
    await site?.close();
    await cdn?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens a page; the recording's text, what it runs on, and how many samples an Opus file has. */
  async function open(place: string): Promise<void> {
    const context = await browser.newContext();
    try {
      const page = await context.newPage();
      const errors: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text());
      });
      page.on('pageerror', (error) => errors.push(String(error)));
      await page.goto(`${site.url}${place}/index.html`);
      await until(page, 'globalThis.isReady === true').catch((error: unknown) => {
        throw new Error(`${place}: ${errors.join('; ')}`, { cause: error });
      });
      // Our own page's answer.
      const result = (await page.evaluate('transcribe()')) as { readonly text: string; readonly device: string };
      assert.is(result.text, jfk.text, place);
      assert.not.match(result.device, /\b1 thread\b/, 'threads in workers of its own');
      assert.is(await page.evaluate(`heard(${JSON.stringify([...toneOpus])})`), 4800);
      assert.equal(errors, []);
    } finally {
      await context.close();
    }
  }

  check('one file for a CDN, from another origin', async () => {
    const file = readFileSync(join(folder, 'node_modules/sotto/dist/cdn', CDN_FILE));
    const size = gzipSync(file).length;
    console.log(`${CDN_FILE}: ${(file.length / 1000).toFixed(0)} kB, ${(size / 1000).toFixed(0)} kB (gzip)`);
    assert.ok(size < LIMIT_BYTES, `${size} bytes`);
    assert.not.match(file.toString(), /\b(?:from|import)[\s(]*["']/, 'it names no other file');
    await open('cdn');
  });

  check('the documents: axe finds nothing, light and dark, and nothing sticks out at 320 px', async () => {
    const docs = out('docs');
    await buildDocs(docs);
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({ colorScheme, viewport: { width: 320, height: 640 } });
      const page = await context.newPage();
      for (const name of ['index.html', 'README.html', 'library.html', 'kernels/norm.html']) {
        await page.goto(`${site.url}docs/${name}`);
        assert.equal(await axeFindings(page), [], `${name}, ${colorScheme}`);
        assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), name);
      }
      await context.close();
    }
  });

  check('Vite', async () => {
    const { status, output } = start(
      process.execPath,
      [vite, 'build', '--outDir', out('vite'), '--base', './'],
      folder,
    );
    assert.is(status, 0, output);
    assert.equal([...complaintsOf(output), ...nodeModulesIn(out('vite'))], []);
    await open('vite');
  });

  check('webpack', async () => {
    const run = createRequire(webpack)(webpack) as Webpack;
    const options = { mode: 'production', context: folder, entry: './page.js', performance: false };
    const said = await new Promise<string>((resolve, reject) => {
      run({ ...options, output: { path: out('webpack'), filename: 'page.js' } }, (error, stats) => {
        if (error || !stats) reject(error ?? new Error('webpack gives nothing'));
        else resolve(stats.toString({ colors: false }));
      });
    });
    assert.match(said, 'compiled successfully');
    assert.equal([...complaintsOf(said), ...nodeModulesIn(out('webpack'))], []);
    await open('webpack');
  });

  check('esbuild', async () => {
    await bundle(join(folder, 'page.js'), out('esbuild'));
    assert.ok(readdirSync(out('esbuild')).length > 10, 'what is not needed at once is in files of its own');
    assert.equal(nodeModulesIn(out('esbuild')), []);
    await open('esbuild');
  });

  test.run();
}
