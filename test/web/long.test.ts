/**
 * An hour of sound in the page: under a fixed heap, in bounded memory, and the page answers all the while.
 *
 * V8 throws nothing when array buffers, in which sound is, pass its limit: it collects without end, and the work comes nearly
 * to a standstill (an hour's log-mel kept under 64 MB: 5,500 collections, three times as long). So what is still held after a
 * collection is measured too.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chromiumOrSkip } from '../runtimes/runtimes.ts';
import { jfk } from '../support/clips.ts';
import { ffmpegOrSkip } from '../support/ffmpeg.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { type Chromium, launchChromium, type Page } from './chromium.ts';
import { type Heaps, watchHeaps } from './heap.ts';
import { assertNoLongTask } from './mainThread.ts';
import { serveSite, type TestSite } from './site.ts';

const RATE = 16_000;
const MINUTES = 60;
/**
 * Megabytes of each JavaScript heap, buffers included: less than the samples and the log-mel of an hour, twice what the engine
 * holds. V8 begins to collect when its young generation, which has 16 MB, would no longer fit.
 */
const HEAP_MB = 64;
/** Bytes that the engine may hold: 8 minutes of log-mel (16 MB), what a reader of files keeps (8 MB), its own objects. */
const HELD_BYTES = 40e6;
/** For an hour, however busy the machine is. */
const PATIENCE_MS = 240_000;
/** Bytes that the page may take more for an hour than for ten seconds. Its samples are 230 MB, its log-mel 115 MB. */
const MORE_BYTES = 80e6;

const executable = chromiumOrSkip('an hour in the page');
if (executable) {
  const test = suite('web/long');
  const folder = mkdtempSync(join(tmpdir(), 'sotto-long-'));
  let browser: Chromium;
  let site: TestSite;
  let page: Page;
  let heaps: Heaps;

  test.before(async () => {
    site = await serveSite({ model: await tinyModel(), clips: new Map() });
    browser = await launchChromium(executable, [`--js-flags=--max-old-space-size=${HEAP_MB}`]);
    const context = await browser.newContext();
    page = await context.newPage();
    heaps = await watchHeaps(context, page);
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
    const over = `document.querySelector('.work-name')?.textContent === '${name}' && ${isOver}`;
    for (const end = performance.now() + PATIENCE_MS; !(await page.evaluate(over)); ) {
      const held = await heaps.ofWorkers();
      assert.ok(held < HELD_BYTES, `the engine holds ${held / 1e6} MB`);
      assert.ok(performance.now() < end, (await page.textContent('.work')) ?? '');
      await setTimeout(500);
    }
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
