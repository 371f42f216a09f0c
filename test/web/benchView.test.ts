/** The view `?bench` in headless Chromium: refuses what it cannot measure, then measures, shows, stops. No test of times. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildSite } from '../../packaging/siteFiles.ts';
import { launch } from '../runtimes/browser.ts';
import { chromiumOrSkip } from '../runtimes/runtimes.ts';
import { inFolder } from '../support/folder.ts';
import { sendFile, serve } from '../support/httpServer.ts';
import { tinyModel } from '../support/tinyModel.ts';

const test = suite('bench view');
const executable = chromiumOrSkip('the bench view');

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  css: 'text/css',
  html: 'text/html',
  svg: 'image/svg+xml',
};

if (executable)
  test('a wrong wish is told; a right one gives a table, a chart and the words', () =>
    inFolder(async (temporary) => {
      const folder = join(temporary, 'site');
      await buildSite(folder);
      const model = await tinyModel();
      const server = await serve((request, response) => {
        const path = new URL(request.url ?? '/', 'http://localhost').pathname;
        const file = path.startsWith('/model/')
          ? join(model, path.slice(7))
          : join(folder, path === '/' ? 'index.html' : path);
        if (!existsSync(file)) response.writeHead(404).end();
        else
          sendFile(request, response, readFileSync(file), {
            'content-type': TYPES[file.split('.').at(-1)!] ?? 'application/octet-stream',
          });
      });
      const browser = await launch(executable);
      try {
        const page = await browser.newPage();
        const errors: string[] = [];
        page.on('pageerror', (error) => errors.push(error.message));
        await page.goto(`${server.url}?bench`);
        await page.waitForFunction('document.querySelector("form")');
        const fill = (name: string, text: string): Promise<unknown> =>
          page.evaluate(
            `{ const field = document.querySelector('[name=${name}]'); field.value = '${text}'; field.dispatchEvent(new Event('input', { bubbles: true })); }`,
          );
        const submit = (): Promise<unknown> => page.evaluate('document.querySelector("[type=submit]").click()');
        await fill('runs', '0');
        await submit();
        await page.waitForFunction('document.querySelector("[role=alert]")?.textContent.includes("from 1 to 100")');
        await fill('runs', '1');
        await fill('models', './model/');
        await page.evaluate('document.querySelector("[name=f32]").click()');
        await submit();
        await page.waitForFunction(
          'document.querySelector("tbody tr") && document.querySelector("img")?.naturalWidth > 100',
        );
        const text = String(await page.evaluate('document.querySelector("section").innerText'));
        assert.match(text, /jfk\.wav, 11\.0 s/);
        assert.match(text, /\.\/model\/, cpu, int8, 1 thread/);
        assert.match(text, /\d x/);
        assert.match(text, /0\.0 %/);
        assert.match(text, 'The words of each model are the same in all its rows.');
        assert.equal(errors, []);
      } finally {
        await browser.close();
        await server.close();
      }
    }));

test.run();
