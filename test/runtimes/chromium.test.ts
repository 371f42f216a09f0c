/**
 * sotto in a page of headless Chromium: on WebGPU (SwiftShader, on the processor), on the CPU with threads that share
 * memory, and on the CPU without them. The bundle that the page loads is held against what a web page may have in it.
 *
 *   node dist/test/runtimes/chromium.test.js [part of the names of the tests to run]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Clip, jfk, sharedClips } from '../support/clips.ts';
import type { TestServer } from '../support/httpServer.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { type Browser, failPage, launch, runPage } from './browser.ts';
import { type BundleFile, bundle } from './bundle.ts';
import { assertTokens } from './endToEnd.ts';
import type { PageOrder, PageResult } from './page.ts';
import { servePage } from './pageServer.ts';
import { chromiumOrSkip } from './runtimes.ts';

/** What a page loads for one device and WAV, compressed. */
const LIMIT_BYTES = 100_000;

const executable = chromiumOrSkip('headless Chromium');
if (executable) {
  const test = suite('chromium');
  const only = process.argv[2] ?? '';
  const check = (name: string, body: () => Promise<void>): void => {
    if (name.includes(only)) test(name, body);
  };
  const folder = mkdtempSync(join(tmpdir(), 'sotto-page-'));
  const onCpu = [jfk, ...sharedClips('on the CPU in Chromium', ['en_fasterwhisper_1.mp3'])];
  // One with its language detected and one with it given: each encoder pass takes SwiftShader long.
  const onGpu = sharedClips('on WebGPU in Chromium', ['en_azure_1.wav', 'zh_azure_1.wav']);
  const languages = new Map([['zh_azure_1', 'zh']]);
  const nameOf = (clip: Clip): string => clip.path.slice(clip.path.lastIndexOf('/') + 1);
  let browser: Browser;
  let server: TestServer;

  test.before(async () => {
    await bundle('dist/test/runtimes/page.js', folder);
    const clips = new Map([...onCpu, ...onGpu].map((clip) => [nameOf(clip), clip.path]));
    server = await servePage({ bundle: folder, model: await tinyModel(), clips });
    browser = await launch(executable);
  });
  test.after(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function obey(
    page: 'plain' | 'isolated',
    device: 'cpu' | 'webgpu',
    clips: readonly Clip[],
  ): Promise<PageResult> {
    const orders = clips.map((clip) => ({ url: `/clips/${nameOf(clip)}`, language: languages.get(clip.name) }));
    const result = await runPage(browser, `${server.url}${page}`, { model: '/model/', device, clips: orders });
    for (const [i, clip] of clips.entries()) assertTokens(clip, result.files[i]!);
    assert.is(result.isIsolated, page === 'isolated');
    assert.is(result.hasSharedMemory, page === 'isolated');
    return result;
  }

  check('the bundle has nothing of Node in it, and is small', async () => {
    const core = mkdtempSync(join(tmpdir(), 'sotto-bundle-'));
    try {
      const files = await bundle('dist/src/index.web.js', core);
      for (const { name, bytes, inputs } of files) {
        assert.not.match(Buffer.from(bytes).toString(), /["']node:/, name);
        for (const input of inputs) assert.not.match(input, /^node:|src\/runtime\/(node|deno|ffmpeg)|src\/cli\//);
      }
      for (const device of ['wasm', 'webgpu']) {
        const size = loadedFor(files, device).reduce((sum, { bytes }) => sum + gzipSync(bytes).length, 0);
        console.log(`a page loads ${(size / 1000).toFixed(1)} kB (gzip) for ${device}`);
        assert.ok(size <= LIMIT_BYTES, `${size} bytes for ${device}`);
      }
    } finally {
      rmSync(core, { recursive: true, force: true });
    }
  });

  check('cpu with threads, on an isolated page', async () => {
    const { files } = await obey('isolated', 'cpu', onCpu);
    assert.not.match(files[0]!.device, /\b1 thread\b/);
  });

  check('cpu without shared memory: one worker', async () => {
    const { files } = await obey('plain', 'cpu', onCpu);
    assert.match(files[0]!.device, /\b1 thread\b/);
  });

  check('a content security policy: what it must allow, and an error that names what it does not', async () => {
    const order: PageOrder = { model: '/model/', device: 'cpu', clips: [{ url: '/clips/jfk.wav' }] };
    const { files } = await runPage(browser, `${server.url}policy`, order);
    assertTokens(jfk, files[0]!);
    for (const [page, code, hint] of [
      ['noWorkers', 'workerFailed', 'worker-src blob:'],
      ['noWasm', 'wasmBlocked', "script-src 'wasm-unsafe-eval'"],
    ] as const) {
      const failure = await failPage(browser, `${server.url}${page}`, order);
      assert.is(failure?.code, code, page);
      assert.ok(failure?.hint?.includes(hint), `${page}: ${failure?.hint}`);
    }
  });

  if (onGpu.length > 0) check('webgpu', async () => void (await obey('plain', 'webgpu', onGpu)));
  test.run();

  /** The entry, what it needs, and the chunk of one device. */
  function loadedFor(files: readonly BundleFile[], device: string): readonly BundleFile[] {
    const byName = new Map(files.map((file) => [file.name, file]));
    const wanted = new Set<BundleFile>();
    const add = (file: BundleFile | undefined): void => {
      if (!file || wanted.has(file)) return;
      wanted.add(file);
      for (const name of file.imports) add(byName.get(name));
    };
    add(byName.get('index.web.js'));
    add(files.find(({ inputs }) => inputs.includes(`dist/src/devices/${device}/device.js`)));
    return [...wanted];
  }
}
