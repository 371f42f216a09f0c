/**
 * What the page keeps on the machine, in headless Chromium: one profile, one story.
 *
 *   node dist/test/web/kept.test.js [folder for screenshots]
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chromiumOrSkip } from '../runtimes/runtimes.ts';
import { jfk } from '../support/clips.ts';
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
    context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
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
    site.requests.splice(0).filter((each) => each === 'GET /some/where/model/model.safetensors').length;

  async function transcribe(): Promise<string> {
    await page.locator('input[type=file]').setInputFiles(jfk.path);
    await page.getByText('Done.').waitFor({ timeout: 120_000 });
    return ((await page.locator('.segment-text').textContent()) ?? '').trim();
  }

  test('a model that is used is kept, and shown with its size', async () => {
    await open();
    text = await transcribe();
    assert.match(text, /ask not what your country can do for you/i);
    assert.ok(weightRequests() > 0);
    await page.click('.kept summary');
    await until(page, 'document.querySelector(".kept-list")?.innerText.includes("MB")');
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

  for (const scheme of ['light', 'dark'] as const) {
    for (const width of [1280, 320]) {
      test(`axe finds nothing with the panels open: ${scheme}, ${width} px`, async () => {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme: scheme });
        if (width === 1280 && scheme === 'light') await page.click('.kept summary');
        assert.equal(await axeFindings(page), []);
        assert.is(await page.evaluate('document.documentElement.scrollWidth'), width);
        if (pictures !== '')
          await page.screenshot({ path: join(pictures, `kept-${scheme}-${width}.png`), fullPage: true });
      });
    }
  }

  test('a model is deleted', async () => {
    await page.getByRole('button', { name: 'Delete model' }).click();
    await until(page, '!document.querySelector(".kept-list")');
    const keys = "caches.open('sotto-models').then((cache) => cache.keys()).then(({ length }) => length)";
    assert.is(await page.evaluate(keys), 0);
    assert.equal(complaints, []);
  });

  test.run();
}
