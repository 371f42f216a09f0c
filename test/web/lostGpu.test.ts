/** A GPU that is lost while the page transcribes: a sentence, and the text goes on. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chromiumOrSkip } from '../runtimes/runtimes.ts';
import { jfk } from '../support/clips.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { type Chromium, launchChromium, type Page, until } from './chromium.ts';
import { serveSite, type TestSite } from './site.ts';

/** What the engine hands to its first device before that is destroyed: loading takes a third of it. */
const SUBMITS = 30;

const executable = chromiumOrSkip('a GPU that is lost in the page');
if (executable) {
  const test = suite('web/lostGpu');
  let browser: Chromium;
  let site: TestSite;
  let page: Page;

  test.before(async () => {
    site = await serveSite({ model: await tinyModel(), clips: new Map() });
    const engine = /data-engine="([^"]+)"/.exec(readFileSync(join(site.folder, 'index.html'), 'utf8'))?.[1];
    assert.ok(engine);
    const file = join(site.folder, engine);
    writeFileSync(file, `${plant.toString()}\nplant(${SUBMITS});\n${readFileSync(file, 'utf8')}`);
    browser = await launchChromium(executable);
    page = await (await browser.newContext()).newPage();
    await page.goto(`${site.url}?model=model/`);
    await page.getByText('Drop a recording').waitFor();
  });
  test.after(async () => {
    await browser?.close();
    await site?.close();
  });

  test('a sentence tells it, and the text is whole', async () => {
    await page.evaluate(`{
      const select = document.querySelector('.settings select:has([value=webgpu])');
      select.value = 'webgpu';
      select.dispatchEvent(new Event('change', { bubbles: true }));
    }`);
    await page.locator('input[type=file]').setInputFiles(jfk.path);
    await until(page, '/Done|Try again/.test(document.querySelector(".work").textContent)', 240_000);
    const work = String(await page.textContent('.work'));
    assert.match(work, /Done/);
    assert.match(work, /The GPU device is gone:.*The work goes on from where it was/s);
    const text = String(await page.textContent('.sheet')).replaceAll(/\s+/g, ' ');
    assert.match(text, /And so,? my fellow Americans,? ask not .* ask what you can do for your country\./);
    assert.is(text.match(/for your country/g)?.length, 1);
  });

  test.run();
}

/** Runs in the engine: its first device is lost after some submits. */
function plant(submits: number): void {
  const { GPUAdapter, GPUQueue } = globalThis as unknown as Record<string, { prototype: Record<string, unknown> }>;
  const request = GPUAdapter!.prototype.requestDevice as (...args: unknown[]) => Promise<{ destroy(): void }>;
  const submit = GPUQueue!.prototype.submit as (...args: unknown[]) => void;
  let first: { destroy(): void } | undefined;
  let left = submits;
  GPUAdapter!.prototype.requestDevice = async function (this: unknown, ...args: unknown[]) {
    const device = await request.apply(this, args);
    first ??= device;
    return device;
  };
  GPUQueue!.prototype.submit = function (this: unknown, ...args: unknown[]) {
    submit.apply(this, args);
    if (--left === 0) first?.destroy();
  };
}
