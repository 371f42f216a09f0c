/** The editor in headless Chromium: one page for one test, served with a policy that forbids what is in line. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Segment } from 'sotto/core';
import { bundle } from '../runtimes/bundle.ts';
import { serve } from '../support/httpServer.ts';
import { repoRoot } from '../support/paths.ts';
import { type Chromium, launchChromium, PATIENCE_MS, type Page, until } from './chromium.ts';
import { assertNoLongTask } from './mainThread.ts';

export interface View {
  readonly width: number;
  readonly colorScheme: 'light' | 'dark';
}

const POLICY = "default-src 'self'; media-src blob:; img-src 'self' data:; object-src 'none'; base-uri 'none'";
const HTML = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Editor</title><link rel="icon" href="data:,"><link rel="stylesheet" href="/theme.css"><link rel="stylesheet" href="/editor.css">
</head><body><main><h1>talk.wav</h1><div id="root"></div></main><script type="module" src="/editorPage.js"></script></body></html>`;

/** A browser, the bundle and its server, for all tests of a file. */
export class EditorBrowser {
  readonly #browser: Chromium;
  readonly #url: string;
  readonly #closeServer: () => Promise<void>;

  private constructor(browser: Chromium, url: string, closeServer: () => Promise<void>) {
    this.#browser = browser;
    this.#url = url;
    this.#closeServer = closeServer;
  }

  /** @param folder empty; gets the bundle */
  static async open(executablePath: string, folder: string): Promise<EditorBrowser> {
    const files = new Map<string, readonly [type: string, bytes: Uint8Array]>();
    for (const { name, bytes } of await bundle('dist/test/web/editorPage.js', folder))
      files.set(name, ['text/javascript', bytes]);
    for (const style of ['web/shared/theme.css', 'web/page/editor/editor.css'])
      files.set(style.slice(style.lastIndexOf('/') + 1), ['text/css', readFileSync(join(repoRoot, style))]);
    files.set('', ['text/html', Buffer.from(HTML)]);
    const server = await serve((request, response) => {
      const [type, bytes] = files.get((request.url ?? '/').slice(1)) ?? [];
      const headers = { 'content-type': type ?? 'text/plain', 'content-security-policy': POLICY };
      response.writeHead(bytes ? 200 : 404, headers).end(bytes);
    });
    const browser = await launchChromium(executablePath, ['--disable-audio-output']);
    return new EditorBrowser(browser, server.url, () => server.close());
  }

  /** Opens a document, has it tested, and fails for whatever the page or its policy complains of. */
  async page(
    segments: readonly Segment[],
    seconds: number,
    work: (page: Page) => Promise<void>,
    { width, colorScheme }: View = { width: 1280, colorScheme: 'light' },
  ): Promise<void> {
    const context = await this.#browser.newContext({
      viewport: { width, height: 800 },
      colorScheme,
      reducedMotion: 'reduce',
      permissions: ['clipboard-read', 'clipboard-write'],
      acceptDownloads: true,
    });
    try {
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('console', (message) => {
        // wavesurfer.js's own, which a constructed sheet replaces (waveform.ts).
        const isStyle = message.text().startsWith('Applying inline style violates');
        if (message.type() === 'error' && !isStyle) complaints.push(message.text());
      });
      await page.goto(this.#url);
      await until(page, 'typeof openEditor === "function"');
      await page.evaluate(`openEditor(${JSON.stringify({ segments, seconds })})`);
      if (segments.length > 0) await page.waitForSelector('.word');
      await work(page);
      if (complaints.length > 0) throw new Error(`the page complains: ${complaints.join('; ')}`);
    } finally {
      await context.close();
    }
  }

  assertNoLongTask(page: Page, work: () => Promise<void>): Promise<void> {
    return assertNoLongTask(this.#browser, page, work);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.#closeServer();
  }
}
