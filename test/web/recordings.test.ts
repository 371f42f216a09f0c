/** Recordings that sotto does not decode itself, in the page: by the browser's decoders, or a sentence that says why not. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chromiumOrSkip } from '../runtimes/runtimes.ts';
import { jfk } from '../support/clips.ts';
import { ffmpegOrSkip } from '../support/ffmpeg.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { type Chromium, launchChromium, type Page, until } from './chromium.ts';
import { serveSite, type TestSite } from './site.ts';

const executable = chromiumOrSkip('containers in the page');
const hasFfmpeg = ffmpegOrSkip('containers in the page');
if (executable && hasFfmpeg) {
  const test = suite('web/recordings');
  const folder = mkdtempSync(join(tmpdir(), 'sotto-recordings-'));
  let browser: Chromium;
  let site: TestSite;
  let page: Page;

  /** JFK as ffmpeg writes it by the file's name. */
  const made = (name: string, ...options: readonly string[]): string => {
    const path = join(folder, name);
    const { status, stderr } = spawnSync('ffmpeg', ['-v', 'error', '-i', jfk.path, ...options, path]);
    assert.is(status, 0, String(stderr));
    return path;
  };
  const picture = ['-f', 'lavfi', '-i', 'color=size=64x64:rate=5:duration=11'];

  test.before(async () => {
    const clips = new Map([['jfk.m4a', made('fetched.m4a')]]);
    site = await serveSite({ model: await tinyModel(), clips });
    browser = await launchChromium(executable);
    page = await (await browser.newContext()).newPage();
    await page.goto(`${site.url}?model=model/`);
  });
  test.after(async () => {
    await browser?.close();
    await site?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const text = (): Promise<string | null> => page.locator('.segments').textContent();
  const open = (path: string): Promise<void> => page.locator('input[type=file]').setInputFiles(path);
  const done = async (name: string): Promise<void> => {
    const isOver = `/Done|Try again/.test(document.querySelector('.work').textContent)`;
    await until(page, `document.querySelector('.work-name')?.textContent === '${name}' && ${isOver}`, 60_000);
    assert.match((await page.locator('.work').textContent()) ?? '', /Done/);
  };

  for (const [name, ...options] of [
    ['voice.m4a', '-ac', '2', '-ar', '44100'],
    ['talk.webm'],
    ['film.mp4', ...picture, '-shortest'],
  ] as const) {
    test(`${name}: its text, its outline, and it plays`, async () => {
      await open(made(name, ...options));
      await done(name);
      assert.match((await text()) ?? '', /ask not what your country can do for you/i);
      await until(page, 'document.querySelector(".player-time").textContent.endsWith("0:11")');
      await until(page, 'document.querySelector(".player-wave > div") !== null');
    });
  }

  test('sound that begins late: its words are where the player has them', async () => {
    /** Seconds at which a word begins that silence before the first does not move. */
    const country = async (): Promise<number> => {
      await page.evaluate(
        `[...document.querySelectorAll('.word')].find(({ textContent }) => textContent === 'country').click()`,
      );
      await until(page, 'document.querySelector("[data-spoken]")?.textContent === "country"');
      return Number(await page.evaluate('document.querySelector(".player-position").value'));
    };
    const before = await country();
    await open(made('late.mp4', ...picture, '-af', 'asetpts=PTS+2.5/TB', '-t', '14'));
    await done('late.mp4');
    const later = (await country()) - before;
    assert.ok(Math.abs(later - 2.5) < 0.3, `${later} s later`);
  });

  test('an address is fetched, and played too', async () => {
    await page.fill('#address', `${site.url}clips/jfk.m4a`);
    await page.getByRole('button', { name: 'Fetch' }).click();
    await done('jfk.m4a');
    await until(page, 'document.querySelector(".player-time").textContent.endsWith("0:11")');
  });

  test('what cannot be read is told, with a way on', async () => {
    const none = join(folder, 'none.m4a');
    writeFileSync(none, 'no recording');
    const half = join(folder, 'half.mp4');
    writeFileSync(half, Buffer.from('\0\0\0\x18ftypisom\0\0\0\0isommp42'));
    for (const [path, sentence, hint] of [
      [made('rare.mp4', '-c:a', 'ac3'), 'rare.mp4 holds its sound as AC-3, which this browser cannot decode', 'MP3'],
      [made('silent.mp4', ...picture, '-map', '1:v'), 'silent.mp4 holds no sound', ''],
      [none, 'none.m4a is not WAV', 'Convert it to MP3'],
      [half, 'half.mp4 holds no sound', 'cut short'],
    ] as const) {
      await open(path);
      await until(page, `document.querySelector('.failure')?.textContent.includes(${JSON.stringify(sentence)})`);
      const failure = (await page.locator('.failure').textContent()) ?? '';
      assert.ok(failure.includes(hint), failure);
      assert.not.match(failure, /ffmpeg/);
    }
    await page.fill('#address', `${site.url}clips/missing.wav`);
    await page.getByRole('button', { name: 'Fetch' }).click();
    await until(page, 'document.querySelector(".failure")?.textContent.includes("the server answers 404")');
  });

  test.run();
}
