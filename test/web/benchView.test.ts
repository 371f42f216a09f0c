/** The view `?bench` in headless Chromium: refuses what it cannot measure, then measures, shows, stops. No test of times. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readReport } from '../../src/benchmark/report.ts';
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
      await fill('batches', '0');
      await fill('runs', '1');
      await submit();
      await until(page, 'document.querySelector("[role=alert]")?.textContent.includes("from 1 to 256")');
      await fill('batches', '1,2');
      await fill('models', './model/');
      await page.evaluate('document.querySelector("[name=f32]").click()');
      await submit();
      await until(
        page,
        'document.querySelector("tbody tr") && document.querySelector("img")?.naturalWidth > 100',
        120_000,
      );
      const text = String(await page.evaluate('document.querySelector("section").innerText'));
      assert.match(text, /jfk\.wav, 11\.0 s/);
      assert.match(text, /\.\/model\/, cpu, int8, 1 thread/);
      assert.match(text, /\d x/);
      assert.match(text, /0\.0 %/);
      assert.match(text, 'The words of each model are the same in all its rows.');
      const saved = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Save as JSON' }).click();
      const report = readReport(readFileSync(await (await saved).path(), 'utf8'), 'saved');
      assert.equal(
        report.rows.map(({ batch, samples }) => [batch, samples.length]),
        [
          [1, 1],
          [2, 1],
        ],
      );
      // As if it had been measured before, with times that none of ours is near.
      const slow = report.rows.map((row) => ({
        ...row,
        samples: Array.from({ length: 40 }, () => ({ ...row.samples[0]!, laterRunMs: 1e7 })),
      }));
      const baseline = join(tmpdir(), `sotto-bench-${process.pid}.json`);
      writeFileSync(baseline, JSON.stringify({ ...report, rows: slow }));
      await page.locator('[name=baseline]').setInputFiles(baseline);
      rmSync(baseline);
      await until(page, 'document.querySelector("thead").textContent.includes("against the baseline")', 120_000);
      assert.match(String(await page.evaluate('document.querySelector("tbody").innerText')), /0\.00, faster/);
      assert.equal(errors, []);
    } finally {
      await browser.close();
      await site.close();
    }
  });

test.run();
