/**
 * The page that transcribes, in headless Chromium.
 *
 *   node dist/test/web/page.test.js [part of the names of the tests to run]
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chromiumOrSkip } from '../runtimes/runtimes.ts';
import { jfk } from '../support/clips.ts';
import { sotto } from '../support/command.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { type Chromium, type Context, launchChromium, type Page, until } from './chromium.ts';
import { serveSite, type TestSite } from './site.ts';

const executable = chromiumOrSkip('the page');
if (executable) {
  const test = suite('web/page');
  const [only = ''] = process.argv.slice(2);
  const check = (name: string, body: () => Promise<void>): void => {
    if (name.includes(only)) test(name, body);
  };
  let browser: Chromium;
  let plain: TestSite;
  let isolated: TestSite;
  const outputs = mkdtempSync(join(tmpdir(), 'sotto-page-'));
  let wanted: string;

  test.before(async () => {
    const model = await tinyModel();
    const clips = new Map([['jfk.wav', jfk.path]]);
    plain = await serveSite({ model, clips });
    isolated = await serveSite({ model, clips, isIsolated: true });
    browser = await launchChromium(executable);
    const { stdout } = await sotto([
      jfk.path,
      '--model',
      model,
      '--output_dir',
      outputs,
      '--device',
      'cpu',
      '-f',
      'txt,json,srt,vtt',
      '--word_timestamps',
      'True',
    ]);
    wanted = stdout.replace(/^\s*\[.*?\]/gm, '').trim();
  });
  test.after(async () => {
    await browser?.close();
    await plain?.close();
    await isolated?.close();
    rmSync(outputs, { recursive: true, force: true });
  });

  /** A page of a profile of its own; what it complains of fails the test. */
  async function inPage(site: TestSite, body: (page: Page, context: Context) => Promise<void>): Promise<void> {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 900 },
    });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    try {
      await page.goto(`${site.url}?model=model/`);
      await body(page, context);
      assert.equal(complaints, []);
    } finally {
      await context.close();
    }
  }

  async function transcribeJfk(page: Page): Promise<string> {
    await page.locator('input[type=file]').setInputFiles(jfk.path);
    await page.getByText('Done.').waitFor({ timeout: 120_000 });
    return ((await page.locator('.segment-text').textContent()) ?? '').trim();
  }

  for (const [name, site] of [
    ['a plain host', () => plain],
    ['a host that isolates', () => isolated],
  ] as const) {
    check(`${name}: the text of a file is the command's`, () =>
      inPage(site(), async (page) => {
        assert.is(await transcribeJfk(page), wanted);
        assert.match((await page.locator('.device').textContent()) ?? '', /CPU/);
      }),
    );
  }

  /** Which instructions a runtime has moves the last places of a score: of these, four are compared. */
  const rounded = (text: string): string =>
    text.replace(/("(?:avg_logprob|no_speech_prob|probability)": )(-?[\d.e-]+)/g, (_, name: string, score: string) => {
      return `${name}${Number(score).toFixed(4)}`;
    });

  check('what it exports is what the command writes', () =>
    inPage(plain, async (page) => {
      await transcribeJfk(page);
      await page.getByRole('button', { name: 'Export' }).click();
      for (const format of ['json', 'srt', 'vtt']) {
        await page.click(`input[value=${format}]`);
        const [file] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('button', { name: 'Download' }).click(),
        ]);
        assert.is(file.suggestedFilename(), `jfk.${format}`);
        const [exported, written] = [await file.path(), join(outputs, `jfk.${format}`)];
        assert.is(rounded(readFileSync(exported, 'utf8')), rounded(readFileSync(written, 'utf8')));
      }
    }),
  );

  check('a microphone: words while they are said, and the recording to play', async () => {
    const flags = ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'];
    const listening = await launchChromium(executable, [
      ...flags,
      `--use-file-for-fake-audio-capture=${jfk.path}%noloop`,
    ]);
    try {
      const page = await (await listening.newContext()).newPage();
      await page.goto(`${plain.url}?model=model/`);
      await page.getByRole('button', { name: 'Record' }).click();
      // What was said before the model was there too.
      await until(page, 'document.body.innerText.includes("fellow Americans")', 60_000);
      await until(page, 'document.body.innerText.includes("your country")', 60_000);
      await page.getByRole('button', { name: 'Finish' }).click();
      await page.getByText('Done.').waitFor({ timeout: 60_000 });
      const text = (await page.locator('.segments').textContent()) ?? '';
      assert.match(text, /ask not what your country can do for you/i);
      await until(page, 'document.querySelector(".player-time")?.textContent.length > 0');
    } finally {
      await listening.close();
    }
  });

  test.run();
}
