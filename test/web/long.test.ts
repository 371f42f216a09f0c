/** An hour of sound in the page: in bounded memory, and the page answers all the while. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chromiumOrSkip } from '../runtimes/runtimes.ts';
import { jfk } from '../support/clips.ts';
import { ffmpegOrSkip } from '../support/ffmpeg.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { type Chromium, launchChromium, type Page, until } from './chromium.ts';
import { assertNoLongTask } from './mainThread.ts';
import { serveSite, type TestSite } from './site.ts';

const RATE = 16_000;
const MINUTES = 60;
/** Bytes that the page may take more for an hour than for ten seconds. Its samples are 230 MB, its log-mel 115 MB. */
const MORE_BYTES = 80e6;

const executable = chromiumOrSkip('an hour in the page');
if (executable) {
  const test = suite('web/long');
  const folder = mkdtempSync(join(tmpdir(), 'sotto-long-'));
  let browser: Chromium;
  let site: TestSite;
  let page: Page;

  test.before(async () => {
    site = await serveSite({ model: await tinyModel(), clips: new Map() });
    browser = await launchChromium(executable);
    page = await (await browser.newContext()).newPage();
    await page.goto(`${site.url}?model=model/`);
  });
  test.after(async () => {
    await browser?.close();
    await site?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** The most that a process of the browser that shows a page had in memory, in bytes. */
  async function mostBytes(): Promise<number> {
    const cdp = await browser.newBrowserCDPSession();
    // Of Chrome's own protocol.
    const { processInfo } = (await cdp.send('SystemInfo.getProcessInfo')) as {
      processInfo: { type: string; id: number }[];
    };
    const shown = processInfo.filter(({ type }) => type === 'renderer');
    const status = shown.map(({ id }) => readFileSync(`/proc/${id}/status`, 'utf8'));
    return Math.max(...status.map((text) => 1024 * Number(/VmHWM:\s*(\d+)/.exec(text)?.[1])));
  }

  async function transcribe(path: string, name: string): Promise<string> {
    await page.locator('input[type=file]').setInputFiles(path);
    const isOver = '/Done|Try again/.test(document.querySelector(".work").textContent)';
    await until(page, `document.querySelector('.work-name')?.textContent === '${name}' && ${isOver}`, 240_000);
    return (await page.locator('.sheet').textContent()) ?? '';
  }

  const whole = /Done.*0:00\s*And so.*for your country.*59:\d\d\s*And so.*for your country/is;

  test('WAV: no task of the main thread is long, and memory does not grow with the sound', async () => {
    await assertNoLongTask(browser, page, async () => {
      assert.match(await transcribe(jfk.path, 'jfk.wav'), /for your country/);
    });
    const before = await mostBytes();
    await page.getByText('Leave silence out').click();
    const path = join(folder, 'hour.wav');
    writeFileSync(path, hour());
    await assertNoLongTask(browser, page, async () => {
      assert.match(await transcribe(path, 'hour.wav'), whole);
    });
    const more = (await mostBytes()) - before;
    assert.ok(more < MORE_BYTES, `${more / 1e6} MB more`);
  });

  if (ffmpegOrSkip('an hour of m4a in the page')) {
    test('m4a: memory does not grow with the sound', async () => {
      const before = await mostBytes();
      const encode = (name: string, ...input: readonly string[]): void => {
        const { stderr, status } = spawnSync('ffmpeg', ['-v', 'error', ...input, '-c:a', 'aac', join(folder, name)]);
        assert.is(status, 0, String(stderr));
      };
      encode('speech.m4a', '-i', jfk.path);
      encode('minute.m4a', '-f', 'lavfi', '-i', `anullsrc=r=${RATE}:cl=mono`, '-t', '60');
      const parts = ['speech', ...Array.from({ length: MINUTES - 1 }, () => 'minute'), 'speech'];
      const list = join(folder, 'list.txt');
      writeFileSync(list, parts.map((part) => `file ${part}.m4a\n`).join(''));
      const path = join(folder, 'hour.m4a');
      spawnSync('ffmpeg', ['-v', 'error', '-f', 'concat', '-i', list, '-c', 'copy', path]);
      assert.match(await transcribe(path, 'hour.m4a'), whole);
      const more = (await mostBytes()) - before;
      assert.ok(more < MORE_BYTES, `${more / 1e6} MB more`);
    });
  }

  /** JFK in its first and in its last minute, silence between them. */
  function hour(): Uint8Array {
    const file = readFileSync(jfk.path);
    const samples = file.subarray(file.indexOf('data') + 8);
    const nBytes = 2 * RATE * 60 * MINUTES;
    const bytes = Buffer.alloc(44 + nBytes);
    bytes.write('RIFF', 0);
    bytes.writeUInt32LE(36 + nBytes, 4);
    bytes.write('WAVEfmt ', 8);
    for (const [i, value] of [16, 0x10001, RATE, 2 * RATE, 0x100002].entries()) bytes.writeUInt32LE(value, 16 + 4 * i);
    bytes.write('data', 36);
    bytes.writeUInt32LE(nBytes, 40);
    samples.copy(bytes, 44);
    samples.copy(bytes, 44 + nBytes - 2 * RATE * 60);
    return bytes;
  }

  test.run();
}
