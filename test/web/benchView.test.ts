/** The view `?bench` in headless Chromium: refuses what it cannot measure, then measures, shows, stops. No test of times. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chromiumOrSkip } from '../runtimes/runtimes.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { launchChromium, until } from './chromium.ts';
import { serveSite } from './site.ts';

const test = suite('bench view');
const executable = chromiumOrSkip('the bench view');

if (executable)
  test('a wrong wish is told; a right one gives a table, a chart and the words', async () => {
    const site = await serveSite({ model: await tinyModel(), clips: new Map() });
    const browser = await launchChromium(executable);
    try {
      const page = await (await browser.newContext()).newPage();
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      await page.goto(`${site.url}?bench`);
      await until(page, 'document.querySelector("form")');
      const fill = (name: string, text: string): Promise<unknown> =>
        page.evaluate(
          `{ const field = document.querySelector('[name=${name}]'); field.value = '${text}'; field.dispatchEvent(new Event('input', { bubbles: true })); }`,
        );
      const submit = (): Promise<unknown> => page.evaluate('document.querySelector("[type=submit]").click()');
      await fill('runs', '0');
      await submit();
      await until(page, 'document.querySelector("[role=alert]")?.textContent.includes("from 1 to 100")');
      await fill('runs', '1');
      await fill('models', './model/');
      await page.evaluate('document.querySelector("[name=f32]").click()');
      await submit();
      await until(page, 'document.querySelector("tbody tr") && document.querySelector("img")?.naturalWidth > 100');
      const text = String(await page.evaluate('document.querySelector("section").innerText'));
      assert.match(text, /jfk\.wav, 11\.0 s/);
      assert.match(text, /\.\/model\/, cpu, int8, 1 thread/);
      assert.match(text, /\d x/);
      assert.match(text, /0\.0 %/);
      assert.match(text, 'The words of each model are the same in all its rows.');
      assert.equal(errors, []);
    } finally {
      await browser.close();
      await site.close();
    }
  });

test.run();
