/**
 * What the page keeps on the machine, in headless Chromium: one profile, one story.
 *
 *   node dist/test/web/kept.test.js [folder for screenshots]
 */
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildServiceWorker } from '../../packaging/serviceWorkerFile.ts';
import { chromiumOrSkip } from '../runtimes/runtimes.ts';
import { jfk } from '../support/clips.ts';
import { repoRoot } from '../support/paths.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { axeFindings, type Chromium, type Context, launchChromium, type Page, until } from './chromium.ts';
import { serveSite, type TestSite } from './site.ts';

const executable = chromiumOrSkip('what the page keeps');
if (executable) {
  const test = suite('web/kept');
  const pictures = process.argv[2] ?? '';
  if (pictures !== '') mkdirSync(pictures, { recursive: true });
  let browser: Chromium;
  let context: Context;
  let page: Page;
  let site: TestSite;
  let text: string;
  const complaints: string[] = [];

  test.before(async () => {
    site = await serveSite({ model: await tinyModel(), clips: new Map() });
    browser = await launchChromium(executable);
    context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
      colorScheme: 'light',
      serviceWorkers: 'allow',
    });
    page = await context.newPage();
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
  });
  test.after(async () => {
    await browser?.close();
    await site?.close();
  });

  const open = (): Promise<unknown> => page.goto(`${site.url}?model=model/`);
  const weightRequests = (): number =>
    site.requests.splice(0).filter((each) => each.startsWith('GET /some/where/model/model.safetensors')).length;

  /** How many there are, of this kind. */
  const stored = (store: string): string => `new Promise((resolve, reject) => {
    const request = indexedDB.open('sotto');
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
      const counting = request.result.transaction('${store}').objectStore('${store}').count();
      counting.onsuccess = () => resolve(counting.result);
    };
  })`;

  const language = 'document.querySelector(".settings select")';
  const chooseEnglish = `{
    ${language}.value = 'en';
    ${language}.dispatchEvent(new Event('change', { bubbles: true }));
  }`;

  async function transcribe(): Promise<string> {
    const before = await page.evaluate(stored('sounds'));
    await until(page, `${language} !== null`);
    await page.evaluate(chooseEnglish);
    await page.locator('input[type=file]').setInputFiles(jfk.path);
    await page.getByText('Done.').waitFor({ timeout: 120_000 });
    // It is kept soon after: a test that leaves at once would cut that off.
    await until(page, `${stored('sounds')}.then((count) => count > ${before})`);
    return ((await page.locator('.segment-text').textContent()) ?? '').trim();
  }

  const isReload = "performance.getEntriesByType('navigation')[0].type === 'reload'";

  test('on a plain host the page isolates itself by one reload', async () => {
    await open();
    await until(page, 'crossOriginIsolated');
    assert.ok(await page.evaluate(isReload));
    await open();
    assert.is(await page.evaluate('crossOriginIsolated'), true);
    assert.is(await page.evaluate(isReload), false);
  });

  test('where isolation does not come, it is tried once', async () => {
    const other = await browser.newContext({ serviceWorkers: 'allow' });
    await other.addInitScript(`
      Object.defineProperty(globalThis, 'crossOriginIsolated', { get: () => false });
      sessionStorage.setItem('loads', Number(sessionStorage.getItem('loads')) + 1);
    `);
    const stubborn = await other.newPage();
    await stubborn.goto(site.url);
    await until(stubborn, "sessionStorage.getItem('loads') === '2' && navigator.serviceWorker.controller");
    // What would load it again waits for the same.
    await stubborn.evaluate('navigator.serviceWorker.ready.then(() => {})');
    for (let frame = 0; frame < 20; frame++) await stubborn.evaluate('new Promise(requestAnimationFrame)');
    assert.is(await stubborn.evaluate("sessionStorage.getItem('loads')"), '2');
    await other.close();
  });

  test('a download that breaks goes on where it stopped', async () => {
    site.breaksWeights = true;
    await page.locator('input[type=file]').setInputFiles(jfk.path);
    await page.locator('.failure').waitFor({ timeout: 60_000 });
    const kept = "caches.open('sotto-models').then((cache) => cache.keys()).then((keys) => keys.map(({ url }) => url))";
    const parts = Number(
      await page.evaluate(`${kept}.then((keys) => keys.filter((key) => /safetensors.\\d+$/.test(key)).length)`),
    );
    assert.ok(parts > 0);
    site.breaksWeights = false;
    site.requests.splice(0);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('Done.').waitFor({ timeout: 120_000 });
    const ranges = site.requests.flatMap(
      (each) => /model\.safetensors bytes=(\d+)-(\d+)$/.exec(each)?.slice(1, 3) ?? [],
    );
    let asked = 0;
    for (let i = 0; i < ranges.length; i += 2) asked += Number(ranges[i + 1]) - Number(ranges[i]) + 1;
    const { size } = statSync(join(await tinyModel(), 'model.safetensors'));
    assert.is(asked, size - parts * 2 ** 22 + 1, `${parts} parts were here, and one byte asks for the size`);
    complaints.length = 0;
    site.requests.splice(0);
    await until(page, `${stored('sounds')}.then((count) => count === 1)`);
  });

  test('a model that is used is kept, and shown with its size', async () => {
    text = ((await page.locator('.segment-text').textContent()) ?? '').trim();
    assert.not.match((await page.textContent('.device')) ?? '', /\b1 thread\b/, 'threads share memory');
    assert.match(text, /ask not what your country can do for you/i);
    await page.click('.kept:not(.history) summary');
    await until(page, 'document.querySelector(".kept:not(.history) .kept-list")?.innerText.includes("MB")');
    assert.match((await page.textContent('.kept-room')) ?? '', /of the .* are used/);
  });

  test('the next visit asks for nothing of it but whether it has changed', async () => {
    await open();
    assert.is(await transcribe(), text);
    assert.is(weightRequests(), 0);
  });

  test('damage is mended: the part that is damaged comes again', async () => {
    await page.evaluate(`(async () => {
      const cache = await caches.open('sotto-models');
      const key = (await cache.keys()).find(({ url }) => url.endsWith('model.safetensors/2'));
      const bytes = new Uint8Array(await (await cache.match(key)).arrayBuffer());
      bytes[1000] ^= 1;
      await cache.put(key, new Response(bytes));
    })()`);
    await open();
    assert.is(await transcribe(), text);
    assert.is(weightRequests(), 2, 'one asks for the size');
  });

  const entries = 'document.querySelectorAll(".history .kept-list li").length';

  test('a transcript is kept with its edits and its sound, and opened again at another visit', async () => {
    await page.click('.history summary');
    const count = await page.evaluate(stored('sounds'));
    await page.dblclick('.segment-text .word');
    await page.fill('.segment-input', 'An edited text.');
    await page.keyboard.press('Enter');
    await until(page, 'document.querySelector(".kept-beginning")?.textContent === "An edited text."');
    await open();
    await page.click('.history summary');
    await until(page, `${entries} === 3`);
    assert.is(await page.evaluate(`${language}.value`), '', 'a visit begins with the defaults');
    await page.click('.kept-open');
    await until(page, 'document.querySelector(".segment-text")?.textContent.trim() === "An edited text."');
    assert.is(await page.evaluate(`${language}.value`), 'en', 'it is asked for again as it was');
    assert.match((await page.textContent('.player-time')) ?? '', /0:11/);
    assert.is(await page.evaluate(stored('sounds')), count, 'it is the same, not another');
  });

  test('transcripts are deleted one by one, and all at once', async () => {
    await page.locator('.history li:first-child button:last-child').click();
    await until(page, `${entries} === 2`);
    await page.getByRole('button', { name: 'Delete all' }).click();
    await page.getByRole('button', { name: 'Yes, delete them' }).click();
    await until(page, `${entries} === 0`);
    for (const store of ['entries', 'texts', 'sounds']) assert.is(await page.evaluate(stored(store)), 0, store);
    assert.match((await page.textContent('.segment-text')) ?? '', /An edited text/, 'what is open stays');
  });

  test('where there is no room, and no database, the page says so and works', async () => {
    const other = await browser.newContext();
    await other.addInitScript(`
      IDBFactory.prototype.open = () => { throw new DOMException('not here', 'SecurityError'); };
    `);
    const bare = await other.newPage();
    await bare.goto(`${site.url}?model=model/`);
    await bare.click('.history summary');
    await until(bare, 'document.querySelector(".history").innerText.includes("keeps no transcripts")');
    const tools = await other.newCDPSession(bare);
    const { origin } = new URL(site.url);
    await tools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 20e6 });
    await bare.locator('input[type=file]').setInputFiles(jfk.path);
    await bare.getByText('Done.').waitFor({ timeout: 120_000 });
    assert.is(((await bare.textContent('.segment-text')) ?? '').trim(), text);
    assert.match((await bare.textContent('.warning')) ?? '', /no room on this machine/);
    await other.close();
  });

  test('a new version of the site is taken at the next visit', async () => {
    const index = join(site.folder, 'index.html');
    writeFileSync(index, readFileSync(index, 'utf8').replace('<html lang="en">', '<html lang="en" class="newer">'));
    await buildServiceWorker(repoRoot, site.folder);
    const isNewer = "document.documentElement.classList.contains('newer')";
    const count = "caches.keys().then((names) => names.filter((name) => name.startsWith('sotto-site')).length)";
    await open();
    assert.is(await page.evaluate(isNewer), false);
    await until(page, `${count}.then((count) => count === 2)`);
    await until(
      page,
      "navigator.serviceWorker.getRegistration().then(({ active, installing, waiting }) => active?.state === 'activated' && !installing && !waiting)",
    );
    await open();
    assert.is(await page.evaluate(isNewer), true);
  });

  test('without a network the page opens, isolated, and transcribes', async () => {
    assert.equal(complaints, []);
    await site.stop();
    await open();
    assert.is(await page.evaluate('crossOriginIsolated'), true);
    await page.goto(`${site.url}?bench`);
    await page.getByRole('heading', { name: 'How fast is sotto' }).waitFor();
    await page.goto(`${site.url}lab/`);
    await page.getByRole('heading', { name: 'Kernel lab' }).waitFor();
    await page.goto(`${site.url}index.html`);
    await page.getByText('Drop a recording').waitFor();
    assert.is(await page.evaluate("fetch('jfk.wav').then(({ status }) => status)"), 200);
    await open();
    assert.is(await transcribe(), text);
    await page.click('.history summary');
    await page.click('.kept:not(.history) summary');
    await until(page, 'document.querySelectorAll(".kept-list").length === 2');
  });

  for (const scheme of ['light', 'dark'] as const) {
    for (const width of [1280, 320]) {
      test(`axe finds nothing with the panels open: ${scheme}, ${width} px`, async () => {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme: scheme });
        assert.equal(await axeFindings(page), []);
        assert.is(await page.evaluate('document.documentElement.scrollWidth'), width);
        if (pictures !== '')
          await page.screenshot({ path: join(pictures, `kept-${scheme}-${width}.png`), fullPage: true });
      });
    }
  }

  test('a model is deleted', async () => {
    await page.getByRole('button', { name: 'Delete model' }).click();
    await until(page, '!document.querySelector(".kept:not(.history) .kept-list")');
    const keys = "caches.open('sotto-models').then((cache) => cache.keys()).then(({ length }) => length)";
    assert.is(await page.evaluate(keys), 0);
  });

  test.run();
}
