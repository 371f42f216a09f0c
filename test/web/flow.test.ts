/**
 * The page by keys alone, from an empty page to a saved file, and each of its views as axe sees it: light and dark, wide and
 * narrow.
 *
 *   node dist/test/web/flow.test.js [folder for pictures of all views: docs/screenshots has three of them]
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chromiumOrSkip } from '../runtimes/runtimes.ts';
import { jfk } from '../support/clips.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { axeFindings, type Chromium, launchChromium, type Page, until } from './chromium.ts';
import { serveSite, type TestSite } from './site.ts';

const WIDE = 1280;
const executable = chromiumOrSkip('the page by keys');
if (executable) {
  const test = suite('web/flow');
  const [pictures = ''] = process.argv.slice(2);
  if (pictures !== '') mkdirSync(pictures, { recursive: true });
  let browser: Chromium;
  let site: TestSite;
  let page: Page;
  let giveModel = (): void => {};

  test.before(async () => {
    site = await serveSite({ model: await tinyModel(), clips: new Map() });
    browser = await launchChromium(executable, [], false);
    page = await (await browser.newContext({ acceptDownloads: true })).newPage();
    // Playwright answers the browser's dialog from here on.
    page.on('filechooser', (chooser) => void chooser.setFiles(jfk.path));
    const isGiven = new Promise<void>((resolve) => {
      giveModel = resolve;
    });
    await page.route('**/model.safetensors', async (route) => {
      await isGiven;
      await route.continue();
    });
    await page.goto(`${site.url}?model=model/`);
    await page.getByText('Drop a recording').waitFor();
  });
  test.after(async () => {
    await browser?.close();
    await site?.close();
  });

  /** What axe finds in every look of a view, and what sticks out at its side. */
  async function look(view: string): Promise<void> {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [320, WIDE]) {
        await page.emulateMedia({ colorScheme });
        await page.setViewportSize({ width, height: 900 });
        const name = `${view}-${colorScheme}-${width}`;
        assert.equal(await axeFindings(page), [], name);
        assert.ok(Number(await page.evaluate('document.documentElement.scrollWidth')) <= width, `${name} is too wide`);
        if (pictures !== '') await page.screenshot({ path: join(pictures, `${name}.png`) });
      }
    }
    await page.emulateMedia({ colorScheme: 'light' });
  }

  /** Presses Tab until an element has the focus, which then has to be seen. */
  async function tabTo(selector: string, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    for (let i = 0; i < 100; i++) {
      await page.keyboard.press(key);
      if (!(await page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`))) continue;
      // A hidden input is shown by what it lies in.
      const style = 'getComputedStyle(document.activeElement.closest(".button") ?? document.activeElement)';
      assert.ok(await page.evaluate(`parseFloat(${style}.outlineWidth) >= 2`), `the focus on ${selector} is not seen`);
      return;
    }
    throw new Error(`Tab does not get to ${selector}`);
  }

  const isDone = `document.querySelector('.state')?.textContent === 'Done.'`;
  const said = (words: string): Promise<void> =>
    until(page, `document.querySelector('.work [role=status]')?.textContent.includes('${words}')`);

  test('choose, set, start, pause, go on: by keys', async () => {
    await look('empty');
    await page.keyboard.press('Tab');
    assert.is(await page.evaluate('document.activeElement.className'), 'skip');
    await page.keyboard.press('Enter');
    await tabTo('.settings select');
    await page.keyboard.type('Engl');
    assert.is(await page.evaluate('document.activeElement.value'), 'en');
    await tabTo('input[type=file]', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    await tabTo('.work button');
    await said('model');
    await look('loading');
    giveModel();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByText('Paused.').waitFor();
    await said('The work waits.');
    await look('paused');
    // The button is another one now, and has the focus still.
    await page.keyboard.press('Enter');
    await until(page, isDone, 120_000);
    await said('The text is complete.');
    await look('done');
  });

  test('go to a word, edit, find and replace, save: by keys', async () => {
    const text = (): Promise<string | null> => page.textContent('.segments');
    await tabTo('.word[tabindex="0"]');
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'Enter']) await page.keyboard.press(key);
    await until(page, 'document.querySelector(".player-position").valueAsNumber > 0');
    await page.keyboard.press('e');
    await page.waitForSelector('.segment-input');
    await look('editing');
    await page.keyboard.press('Control+End');
    await page.keyboard.type(' Indeed.');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.segment-form', { state: 'detached' });
    assert.match((await text()) ?? '', /country\. Indeed\.$/);
    await page.keyboard.press('/');
    await until(page, 'document.activeElement.ariaLabel === "Find"');
    await page.keyboard.type('country');
    await tabTo('[aria-label="Replace with"]');
    await page.keyboard.type('nation');
    await look('finding');
    await tabTo('.find button');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await until(page, 'document.querySelector(".segments").textContent.includes("for your nation. Indeed.")');
    await page.keyboard.press('Escape');
    await page.waitForSelector('.find', { state: 'detached' });
    await page.keyboard.press('?');
    await page.waitForSelector('dialog[open]');
    await look('keys');
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
    await tabTo('.toolbar .primary');
    await page.keyboard.press('Enter');
    await page.waitForSelector('dialog[open]');
    await look('export');
    await tabTo('dialog .primary');
    const [file] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    assert.match(readFileSync(await file.path(), 'utf8'), /00:00:00,000 --> .*for your nation\. Indeed\./s);
    await page.keyboard.press('Escape');
    await page.waitForSelector('dialog', { state: 'detached' });
  });

  test('no GPU where one was asked for: a sentence, and on with the CPU by a key', async () => {
    await tabTo('.settings select:has([value=webgpu])');
    await page.keyboard.press('ArrowDown');
    assert.is(await page.evaluate('document.activeElement.value'), 'webgpu');
    await tabTo('input[type=file]', 'Shift+Tab');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.failure');
    assert.match(
      (await page.textContent('.failure')) ?? '',
      /WebGPU.*The CPU finds the same text.*Go on with the CPU/s,
    );
    await look('failed');
    await tabTo('.failure .primary');
    await page.keyboard.press('Enter');
    await until(page, isDone, 120_000);
    assert.match((await page.textContent('.segments')) ?? '', /for your country/);
  });

  test('the bench', async () => {
    await page.goto(`${site.url}?bench&model=model/`);
    await page.waitForSelector('main');
    await look('bench');
  });

  test.run();
}
