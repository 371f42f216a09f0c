/** As much of playwright-core as tests of the site use: it is installed in a folder of its own, or not at all. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { runtimeFolder } from '../runtimes/runtimes.ts';

export interface Locator {
  click(): Promise<void>;
  setInputFiles(path: string): Promise<void>;
  textContent(): Promise<string | null>;
  waitFor(options?: { timeout?: number }): Promise<void>;
}

export interface Page {
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
  readonly mouse: { wheel(x: number, y: number): Promise<void> };
  on(event: 'console', handler: (message: { text(): string; type(): string }) => void): void;
  on(event: 'filechooser', handler: (chooser: { setFiles(path: string): Promise<void> }) => void): void;
  on(event: 'pageerror', handler: (error: Error) => void): void;
  setDefaultTimeout(ms: number): void;
  emulateMedia(options: { colorScheme: 'light' | 'dark' }): Promise<void>;
  goto(url: string): Promise<unknown>;
  locator(selector: string): Locator;
  getByRole(role: string, options?: { name?: string | RegExp }): Locator;
  getByText(text: string | RegExp): Locator;
  click(selector: string): Promise<void>;
  dblclick(selector: string): Promise<void>;
  focus(selector: string): Promise<void>;
  fill(selector: string, text: string): Promise<void>;
  check(selector: string): Promise<void>;
  textContent(selector: string): Promise<string | null>;
  route(pattern: string, handler: (route: { continue(): Promise<void> }) => unknown): Promise<unknown>;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  waitForEvent(event: 'download'): Promise<{ path(): Promise<string>; suggestedFilename(): string }>;
  waitForSelector(selector: string, options?: { state: 'visible' | 'hidden' | 'detached' }): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
  screenshot(options: { path: string; fullPage?: boolean }): Promise<unknown>;
}

export interface CdpSession {
  send(method: string, parameters?: object): Promise<unknown>;
  /** @param handler is given what the protocol says of the event */
  on(event: string, handler: (parameters: never) => void): void;
}

export interface Context {
  addInitScript(script: string): Promise<void>;
  /** The protocol of the developer tools. */
  newCDPSession(page: Page): Promise<CdpSession>;
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

export interface ContextOptions {
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
  reducedMotion?: 'reduce';
  permissions?: readonly string[];
  acceptDownloads?: boolean;
  /** Without it, pages find no service workers, which would load them a second time while a test looks at them. */
  serviceWorkers?: 'allow';
}

export interface Chromium {
  newContext(options?: ContextOptions): Promise<Context>;
  newBrowserCDPSession(): Promise<{ send(method: string): Promise<unknown> }>;
  startTracing(page: Page, options: { categories: readonly string[] }): Promise<void>;
  stopTracing(): Promise<Buffer>;
  close(): Promise<void>;
}

/** For what a test waits for: only one that fails takes so long, however busy the machine is. */
export const PATIENCE_MS = 60_000;

interface Playwright {
  readonly chromium: {
    launch(options: { executablePath: string; args: readonly string[]; timeout: number }): Promise<Chromium>;
  };
}

const packages = createRequire(join(runtimeFolder, 'package.json'));

/**
 * @param flags     besides what the root user of a container needs
 * @param hasWebGpu by SwiftShader; without it there is no adapter
 */
export async function launchChromium(
  executablePath: string,
  flags: readonly string[] = [],
  hasWebGpu = true,
): Promise<Chromium> {
  const { chromium } = packages('playwright-core') as Playwright;
  const args = ['--no-sandbox', ...(hasWebGpu ? ['--enable-unsafe-webgpu'] : []), ...flags];
  const browser = await chromium.launch({ executablePath, args, timeout: 120_000 });
  return {
    async newContext(options = {}) {
      const context = await browser.newContext(options);
      if (!options.serviceWorkers) await context.addInitScript('delete Navigator.prototype.serviceWorker');
      return context;
    },
    newBrowserCDPSession: () => browser.newBrowserCDPSession(),
    startTracing: (page, options) => browser.startTracing(page, options),
    stopTracing: () => browser.stopTracing(),
    close: () => browser.close(),
  };
}

/** What axe finds wrong with a page for people who do not see or use a mouse, a line each. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  // Evaluated, not added: the page's own policy allows no script but its own.
  await page.evaluate(readFileSync(packages.resolve('axe-core/axe.min.js'), 'utf8'));
  const nodes = 'nodes.map(({ html, failureSummary }) => [id, html, failureSummary].join(" "))';
  const found = await page.evaluate(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => ${nodes}))`,
  );
  return found as readonly string[]; // joined above
}

/**
 * Asks until an expression is true. Playwright's own `waitForFunction` asks again by `eval` in the page, which the site's policy
 * forbids.
 */
export async function until(page: Page, expression: string, patienceMs: number = PATIENCE_MS): Promise<void> {
  const end = performance.now() + patienceMs;
  // A page that is being loaded is asked again.
  const ask = (what: string): Promise<unknown> =>
    page.evaluate(what).catch((error: Error) => {
      if (!error.message.includes('context was destroyed')) throw error;
    });
  while (!(await ask(expression))) {
    if (performance.now() > end) throw new Error(`it did not become true: ${expression}`);
    await ask('new Promise(requestAnimationFrame)');
  }
}
