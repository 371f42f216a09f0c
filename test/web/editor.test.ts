/** The page's editor in headless Chromium: by mouse, by keys, while it plays; its files; what axe finds. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extensionOf, FORMATS, type Segment, type Transcript, write } from 'sotto/core';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { chromiumOrSkip } from '../runtimes/runtimes.ts';
import { axeFindings, type Page, until } from './chromium.ts';
import { EditorBrowser } from './editorBrowser.ts';
import { modelSegment } from './segments.ts';

const chromium = chromiumOrSkip('the editor');
const test = suite('editor');
const shots = process.env.SOTTO_SCREENSHOTS;

const segments: readonly Segment[] = [
  modelSegment(0, 0, ' And so my fellow Americans,', 'Ada'),
  modelSegment(1, 5, ' ask not what your country can do for you,', 'Ada'),
  modelSegment(2, 14, ' ask what you can do for your country.', 'Bob'),
];
const transcript: Transcript = {
  text: segments.map(({ text }) => text).join(''),
  language: 'en',
  task: 'transcribe',
  duration: segments.at(-1)!.end,
  segments,
};
const withoutWords = segments.map(({ words: _, ...segment }) => segment);
const plain = (list: readonly Segment[]): readonly Segment[] => list.map(({ speaker: _, ...segment }) => segment);

if (chromium) {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-editor-'));
  let browser: EditorBrowser;
  test.before(async () => {
    browser = await EditorBrowser.open(chromium, folder);
  });
  test.after(async () => {
    await browser.close();
    rmSync(folder, { recursive: true });
  });

  const word = (segment: number, at: number): string => `[data-segment="${segment}"] [data-word="${at}"]`;
  const time = (page: Page): Promise<unknown> =>
    page.evaluate('document.querySelector(".player-position").valueAsNumber');
  const texts = (page: Page): Promise<unknown> => page.evaluate('editorDocument.segments.value.map((s) => s.text)');
  const shown = (page: Page, at: number): Promise<unknown> =>
    page.evaluate(`editorDocument.segments.value[${at}].words.map((w) => w.text + "@" + w.start).join("")`);
  const focused = (page: Page): Promise<unknown> => page.evaluate('document.activeElement.textContent');

  test('a click on a word goes there, and it is marked', () =>
    browser.page(segments, 30, async (page) => {
      await page.click(word(1, 2));
      assert.is(await time(page), 7);
      await page.waitForSelector(`${word(1, 2)}[data-spoken]`);
      assert.is(await page.evaluate('document.querySelectorAll("[data-spoken]").length'), 1);
      await page.click('[data-segment="2"] .segment-time');
      assert.is(await time(page), 14);
    }));

  test('keys: through words, from a word, and of the player', () =>
    browser.page(segments, 30, async (page) => {
      await page.focus('.word[tabindex="0"]');
      assert.is(await focused(page), 'And');
      for (const [key, text] of [
        ['ArrowRight', 'so'],
        ['End', 'Americans,'],
        ['ArrowRight', 'ask'],
        ['ArrowLeft', 'Americans,'],
        ['Home', 'And'],
        ['ArrowLeft', 'And'],
        ['ArrowDown', 'ask'],
        ['ArrowDown', 'ask'],
        ['ArrowRight', 'what'],
      ] as const) {
        await page.keyboard.press(key);
        assert.is(await focused(page), text, key);
      }
      assert.is(await page.evaluate('document.querySelectorAll(".word[tabindex=\\"0\\"]").length'), 1);
      await page.keyboard.press('Enter');
      assert.is(await time(page), 15);
      await page.keyboard.press('j');
      assert.is(await time(page), 10);
      await page.keyboard.press('>');
      assert.is(await page.evaluate('document.querySelector(".player-speed select").value'), '1.25');
      await page.focus('.player-position');
      await page.keyboard.press('ArrowRight');
      assert.is(await time(page), 15);
      await page.keyboard.press('?');
      await page.waitForSelector('dialog[open]');
      await page.keyboard.press('Escape');
      await page.waitForSelector('dialog', { state: 'detached' });
    }));

  test('the marked word follows the sound, and the page scrolls until the reader does', () =>
    browser.page(
      Array.from({ length: 60 }, (_, i) => modelSegment(i, 3 * i, ' one two three')),
      180,
      async (page) => {
        await page.click(word(50, 0));
        await page.evaluate('scrollTo(0, 0)');
        await page.keyboard.press('k');
        await page.waitForSelector(`${word(50, 1)}[data-spoken]`);
        assert.ok((await page.evaluate('scrollY')) !== 0, 'it scrolled to what is spoken');
        await page.mouse.wheel(0, -4000);
        await page.waitForSelector('.follow');
        await page.waitForSelector(`${word(51, 0)}[data-spoken]`);
        assert.is(await page.evaluate('scrollY'), 0, 'it stays where the reader is');
        await page.click('.follow');
        await until(page, 'scrollY > 0');
        await page.keyboard.press('k');
        await page.waitForSelector('.player-play[aria-label="Play"]');
      },
    ));

  test('edited in place: words that stay keep their times; undone and done again', () =>
    browser.page(segments, 30, async (page) => {
      await page.dblclick(word(0, 3));
      await page.fill('.segment-input', 'And so, my dear fellow Americans,');
      await page.keyboard.press('Enter');
      await page.waitForSelector('.segment-form', { state: 'detached' });
      const edited = ' And@0 so,@1 my@2 dear@2.5 fellow@3 Americans,@4';
      assert.is(await shown(page, 0), edited);
      assert.is(await page.textContent('[data-segment="0"] .segment-text'), ' And so, my dear fellow Americans,');
      await page.keyboard.press('Control+z');
      assert.is(await shown(page, 0), ' And@0 so@1 my@2 fellow@3 Americans,@4');
      await page.keyboard.press('Control+Shift+Z');
      assert.is(await shown(page, 0), edited);
      await page.focus(word(1, 0));
      await page.keyboard.press('e');
      await page.fill('.segment-input', 'nothing of this');
      await page.keyboard.press('Escape');
      assert.is(((await texts(page)) as string[])[1], segments[1]!.text);
    }));

  test('split at the cursor, joined again, deleted, a speaker renamed', () =>
    browser.page(segments, 30, async (page) => {
      await page.focus(word(1, 0));
      await page.keyboard.press('F2');
      await page.waitForSelector('.segment-input');
      await page.evaluate('document.querySelector(".segment-input").setSelectionRange(7, 7)');
      await page.keyboard.press('Control+Enter');
      await page.waitForSelector('[data-segment="3"]');
      assert.equal(((await texts(page)) as string[]).slice(1, 3), [' ask not', ' what your country can do for you,']);
      await page.dblclick(word(1, 0));
      await page.click('text=Join with next');
      await page.waitForSelector('[data-segment="3"]', { state: 'detached' });
      assert.equal(
        await texts(page),
        segments.map(({ text }) => text),
      );
      await page.dblclick(word(0, 0));
      await page.fill('.segment-who input[type=text]', 'Kennedy');
      await page.check('.segment-who input[type=checkbox]');
      await page.click('text=Save');
      assert.equal(await page.evaluate('editorDocument.segments.value.map((s) => s.speaker)'), [
        'Kennedy',
        'Kennedy',
        'Bob',
      ]);
      await page.dblclick(word(2, 0));
      await page.click('text=Delete');
      assert.is(((await texts(page)) as string[]).length, 2);
    }));

  test('find and replace, by keys', () =>
    browser.page(segments, 30, async (page) => {
      await page.keyboard.press('/');
      await page.waitForSelector('.find');
      await page.keyboard.type('ASK');
      await until(page, 'document.querySelector(".find-count").textContent === "1 of 2"');
      await until(page, 'CSS.highlights.get("found-current")?.size === 1 && CSS.highlights.get("found").size === 1');
      await page.keyboard.press('Enter');
      assert.is(await page.textContent('.find-count'), '2 of 2');
      await page.keyboard.press('Enter');
      assert.is(await page.textContent('.find-count'), '1 of 2');
      await page.check('text=Match case');
      await until(page, 'document.querySelector(".find-count").textContent === "No match"');
      await page.fill('input[aria-label=Find]', 'you');
      await page.check('text=Whole words');
      await until(page, 'document.querySelector(".find-count").textContent === "1 of 2"');
      await page.fill('[aria-label="Replace with"]', 'us');
      await page.keyboard.press('Enter');
      await until(page, 'document.querySelector(".find-count").textContent === "1 of 1"');
      await page.click('.find >> text=All');
      assert.equal(await texts(page), [
        segments[0]!.text,
        ' ask not what your country can do for us,',
        ' ask what us can do for your country.',
      ]);
      assert.is(await shown(page, 2), ' ask@14 what@15 us@16 can@17 do@18 for@19 your@20 country.@21');
      await page.focus('input[aria-label=Find]');
      await page.keyboard.press('Escape');
      await page.waitForSelector('.find', { state: 'detached' });
    }));

  test('exports: the bytes of every format, with lines laid out, and copies', () =>
    browser.page(segments, 30, async (page) => {
      const download = async (): Promise<readonly [string, string]> => {
        const [file] = await Promise.all([page.waitForEvent('download'), page.click('text=Download')]);
        return [file.suggestedFilename(), readFileSync(await file.path(), 'utf8')];
      };
      await page.click('.toolbar >> text=Export');
      for (const format of FORMATS) {
        await page.check(`input[value="${format}"]`);
        assert.equal(await download(), [`talk.${extensionOf(format)}`, write(transcript, format)]);
      }
      await page.check('input[value="vtt"]');
      await page.fill('.layout input >> nth=0', '16');
      await page.fill('.layout input >> nth=1', '2');
      await page.check('.layout input[type=checkbox]');
      const layout = { maxLineWidth: 16, maxLineCount: 2, highlightWords: true };
      assert.equal(await download(), ['talk.vtt', write(transcript, 'vtt', layout)]);
      await page.click('dialog >> text=Copy');
      await until(page, 'document.querySelector(".dialog-actions").textContent.includes("Copied.")');
      assert.is(await page.evaluate('navigator.clipboard.readText()'), write(transcript, 'vtt', layout));
      await page.keyboard.press('Escape');
      await page.click('text=Copy text');
      await until(
        page,
        `navigator.clipboard.readText().then((text) => text === ${JSON.stringify(write(transcript, 'txt'))})`,
      );
    }));

  test('segments without words: go there, marked, edited; lines cannot be laid out', () =>
    browser.page(withoutWords, 30, async (page) => {
      await page.click(word(1, -1));
      assert.is(await time(page), 5);
      await page.waitForSelector(`${word(1, -1)}[data-spoken]`);
      await page.dblclick(word(1, -1));
      await page.fill('.segment-input', 'Other text');
      await page.keyboard.press('Enter');
      assert.is(((await texts(page)) as string[])[1], ' Other text');
      await page.click('.toolbar >> text=Export');
      await page.waitForSelector('text=transcribe with words');
    }));

  test('without a recording it is a text that can be edited', () =>
    browser.page(plain(segments), 0, async (page) => {
      assert.is(await page.evaluate('document.querySelector(".player")'), null);
      await page.click(word(0, 1));
      await page.keyboard.press('F2');
      await page.fill('.segment-input', 'And thus my fellow Americans,');
      await page.keyboard.press('Enter');
      assert.is(await shown(page, 0), ' And@0 thus@1 my@2 fellow@3 Americans,@4');
    }));

  test('10,000 words: only what is marked is touched while they follow the sound', () =>
    browser.page(
      Array.from({ length: 1000 }, (_, i) =>
        modelSegment(i, 10 * i, ' one two three four five six seven eight nine ten'),
      ),
      120,
      async (page) => {
        await page.click(word(9, 8));
        await page.waitForSelector(`${word(9, 8)}[data-spoken]`);
        await until(page, 'document.querySelectorAll(".segment").length === 1000');
        await page.evaluate(`window.changes = [];
          new MutationObserver((list) => changes.push(...list.map(({ attributeName, target }) => attributeName + " " + target.textContent)))
            .observe(document.querySelector('.segments'), { attributes: true, childList: true, characterData: true, subtree: true })`);
        await page.keyboard.press('k');
        await page.waitForSelector(`${word(10, 0)}[data-spoken]`);
        await page.keyboard.press('k');
        const changes = (await page.evaluate('changes')) as string[];
        assert.equal(
          changes.filter((change) => !/^data-spoken (nine|ten|one|two|three)$/.test(change)),
          [],
        );
        assert.ok(changes.length >= 3);
        await page.dblclick(word(9, 0));
        await page.fill('.segment-input', 'changed');
        await page.keyboard.press('Enter');
        assert.is(await page.textContent('[data-segment="9"] .segment-text'), ' changed');
      },
    ));

  test('two thousand segments: no task is long, when they are opened and when more come', () =>
    browser.page([], 0, async (page) => {
      const many = Array.from({ length: 2000 }, (_, i) =>
        modelSegment(i, 4 * i, ' one two three four five six seven eight nine ten'),
      );
      await page.evaluate(`window.order = ${JSON.stringify({ segments: many, seconds: 1 })}`);
      const rows = (count: number): Promise<void> =>
        until(page, `document.querySelectorAll('.segment').length === ${count}`);
      const add = `{ const { segments } = editorDocument;
        segments.value = [...segments.value, { ...segments.value.at(-1), id: segments.value.length }]; }`;
      await browser.assertNoLongTask(page, async () => {
        await page.evaluate('setTimeout(() => openEditor(order)), 0');
        await rows(2000);
        for (let count = 2000; count < 2003; count++) {
          await page.evaluate(`setTimeout(() => ${add}), 0`);
          await rows(count + 1);
        }
      });
    }));

  for (const width of [1280, 320]) {
    for (const colorScheme of ['light', 'dark'] as const) {
      test(`axe finds nothing at ${width} px, ${colorScheme}, and nothing is cut off`, () =>
        browser.page(
          segments,
          30,
          async (page) => {
            const look = async (name: string): Promise<void> => {
              if (shots) await page.screenshot({ path: join(shots, `editor-${name}-${width}-${colorScheme}.png`) });
              assert.equal(await axeFindings(page), [], name);
              const [scroll, client] = (await page.evaluate(
                '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
              )) as [number, number];
              assert.ok(scroll <= client, `${name}: ${scroll} px in ${client}`);
            };
            await page.click(word(1, 3));
            await look('words');
            await page.dblclick(word(1, 3));
            await look('edit');
            await page.keyboard.press('Escape');
            await page.keyboard.press('/');
            await page.fill('input[aria-label=Find]', 'country');
            await look('find');
            await page.keyboard.press('Escape');
            await page.click('.toolbar button.primary');
            await look('export');
            await page.keyboard.press('Escape');
            await page.click('[aria-label=Keys]');
            await look('keys');
          },
          { width, colorScheme },
        ));
    }
  }
}

test.run();
