/** Headless Chromium by playwright-core: one page, one order. */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { PageFailure, PageOrder, PageResult, PageSamples } from './page.ts';
import { runtimeFolder } from './runtimes.ts';

/** As much of playwright-core as is used: it is installed in a folder of its own, or not at all. */
interface Playwright {
  readonly chromium: {
    launch(options: { executablePath: string; args: readonly string[]; timeout: number }): Promise<Browser>;
  };
}

export interface Browser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

export interface Page {
  on(event: 'console', handler: (message: { text(): string }) => void): void;
  on(event: 'pageerror', handler: (error: Error) => void): void;
  goto(url: string): Promise<unknown>;
  waitForFunction(expression: string): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
  context(): { newCDPSession(page: Page): Promise<{ send(method: string, options?: object): Promise<unknown> }> };
  close(): Promise<void>;
}

/** The one flag that lets Chromium use WebGPU by SwiftShader, and what the root user of a container needs. */
const ARGS = ['--no-sandbox', '--enable-unsafe-webgpu'];

export function launch(executablePath: string): Promise<Browser> {
  const { chromium } = createRequire(join(runtimeFolder, 'package.json'))('playwright-core') as Playwright;
  return chromium.launch({ executablePath, args: ARGS, timeout: 120_000 });
}

/** Opens a page, has it carry out an order, and prints what it says meanwhile. */
export function runPage(browser: Browser, url: string, order: PageOrder): Promise<PageResult> {
  return evaluate<PageResult>(browser, url, `obey(${JSON.stringify(order)})`);
}

/** The same for an order that has to fail. */
export function failPage(browser: Browser, url: string, order: PageOrder): Promise<PageFailure | undefined> {
  return evaluate<PageFailure | undefined>(browser, url, `fail(${JSON.stringify(order)})`);
}

/** What the page hears of recordings. */
export function readInPage(browser: Browser, url: string, recordings: readonly string[]): Promise<PageSamples> {
  return evaluate<PageSamples>(browser, url, `read(${JSON.stringify(recordings)})`);
}

/**
 * @param expression of the page's functions; its value, or what its promise resolves to, is JSON
 * @param megabits   that come in a second at most, 20 ms late; 0: as it goes
 */
export async function evaluate<Result>(
  browser: Browser,
  url: string,
  expression: string,
  { megabits = 0 }: { readonly megabits?: number } = {},
): Promise<Result> {
  const page = await browser.newPage();
  try {
    if (megabits > 0) {
      const session = await page.context().newCDPSession(page);
      const line = { offline: false, latency: 20, downloadThroughput: 125_000 * megabits, uploadThroughput: -1 };
      await session.send('Network.emulateNetworkConditions', line);
    }
    const errors: string[] = [];
    page.on('console', (message) => console.log(`page: ${message.text()}`));
    page.on('pageerror', (error) => errors.push(String(error)));
    await page.goto(url);
    await page.waitForFunction('document.readyState === "complete"');
    // Our own page's answer, as JSON.
    const result = (await page.evaluate(expression)) as Result;
    if (errors.length > 0) throw new Error(`uncaught in the page: ${errors.join('; ')}`);
    return result;
  } finally {
    await page.close();
  }
}
