/**
 * sotto in a page of headless Chromium: on WebGPU (SwiftShader, on the processor), on the CPU with threads that share
 * memory, and on the CPU without them. The bundle that the page loads is held against what a web page may have in it.
 *
 *   node dist/test/runtimes/chromium.test.js [part of the names of the tests to run]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Clip, jfk, sharedClips } from '../support/clips.ts';
import { ffmpegOrSkip, ffmpegSamples } from '../support/ffmpeg.ts';
import type { TestServer } from '../support/httpServer.ts';
import { repoRoot } from '../support/paths.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { type Browser, failPage, launch, readInPage, runPage } from './browser.ts';
import { type BundleFile, bundle } from './bundle.ts';
import { assertTokens } from './endToEnd.ts';
import type { PageOrder, PageResult } from './page.ts';
import { servePage } from './pageServer.ts';
import { chromiumOrSkip } from './runtimes.ts';

/** What a page that calls `load` loads for one device and WAV, compressed. */
const LIMIT_BYTES = 100_000;
/** What a GPU in hardware wants beyond that, loaded beside the weights: fused steps, and reductions by subgroups. */
const FUSED_LIMIT_BYTES = 20_000;
const PACKING_LIMIT_BYTES = 5_000;

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
  const encoded = ffmpegOrSkip("the browser's decoder") ? ['jfk.m4a', 'stereo.m4a', 'jfk.webm', 'stereo.mp4'] : [];
  const languages = new Map([['zh_azure_1', 'zh']]);
  const nameOf = (clip: Clip): string => clip.path.slice(clip.path.lastIndexOf('/') + 1);
  let browser: Browser;
  let server: TestServer;

  test.before(async () => {
    await bundle('dist/test/runtimes/page.js', folder);
    const clips = new Map([...onCpu, ...onGpu].map((clip) => [nameOf(clip), clip.path]));
    for (const name of ['none.webm', 'empty.webm']) {
      writeFileSync(join(folder, name), name === 'none.webm' ? 'no recording' : '');
      clips.set(name, join(folder, name));
    }
    for (const name of encoded) {
      const options = name.startsWith('stereo') ? ['-ac', '2', '-ar', '44100'] : [];
      spawnSync('ffmpeg', ['-v', 'error', '-i', jfk.path, ...options, join(folder, name)]);
      clips.set(name, join(folder, name));
    }
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
      const entry = join(core, 'entry.js');
      writeFileSync(entry, `export { load } from ${JSON.stringify(join(repoRoot, 'dist/src/index.web.js'))};`);
      const loaded = await bundle(entry, join(core, 'page'));
      const sizeOf = (device: Parameters<typeof loadedFor>[1]): number =>
        loadedFor(loaded, device).reduce((sum, { bytes }) => sum + gzipSync(bytes).length, 0);
      for (const device of ['wasm', 'webgpu'] as const) {
        const size = sizeOf(device);
        console.log(`a page loads ${(size / 1000).toFixed(1)} kB (gzip) for ${device}`);
        assert.ok(size <= LIMIT_BYTES, `${size} bytes for ${device}`);
      }
      const fused = sizeOf('webgpu with fused steps') - sizeOf('webgpu');
      console.log(`and ${(fused / 1000).toFixed(1)} kB for the fused steps and subgroups of a GPU in hardware`);
      assert.ok(fused > 0 && fused <= FUSED_LIMIT_BYTES, `${fused} bytes for fused steps`);
      const packing = sizeOf('webgpu that packs panels') - sizeOf('webgpu');
      console.log(`and ${(packing / 1000).toFixed(1)} kB for the panels that it packs`);
      assert.ok(packing > 0 && packing <= PACKING_LIMIT_BYTES, `${packing} bytes for packing panels`);
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

  check(
    "what sotto does not decode, the browser's decoder does: m4a, webm, from a phone's and a recorder's rates",
    async () => {
      if (encoded.length === 0) return;
      const found = await readInPage(browser, `${server.url}plain`, [
        ...encoded.map((name) => `/clips/${name}`),
        '/clips/jfk.m4a?blob',
        '/clips/none.webm',
        '/clips/empty.webm?blob',
        '/missing',
      ]);
      for (const [i, name] of [...encoded, 'jfk.m4a'].entries()) {
        const samples = found[i];
        assert.ok(samples && !('code' in samples), `${name}: ${JSON.stringify(samples)}`);
        const theirs = ffmpegSamples(join(folder, name));
        const { shift, dB } = closest(samples, theirs);
        console.log(
          `${name}: ${samples.length} samples (ffmpeg ${theirs.length}), ${shift} later, ${dB.toFixed(1)} dB`,
        );
        assert.ok(Math.abs(samples.length - theirs.length) < 2000 && Math.abs(shift) < 1500 && dB > 20, name);
      }
      const [none, empty, missing] = found.slice(-3);
      assert.ok(none && 'code' in none && none.code === 'undecodable');
      assert.not.match(none.hint ?? '', /ffmpeg/);
      assert.ok(empty && 'code' in empty && empty.code === 'empty');
      assert.ok(missing && 'code' in missing && missing.code === 'fetch');
    },
  );

  if (onGpu.length > 0) check('webgpu', async () => void (await obey('plain', 'webgpu', onGpu)));
  test.run();

  /** How much later the same sound is in `ours`, and how near it is there. */
  function closest(ours: readonly number[], theirs: Int16Array): { shift: number; dB: number } {
    const nearness = (shift: number, begin: number, end: number): number => {
      let [signal, difference] = [0, 1e-9];
      for (let i = begin; i < end; i++) {
        signal += theirs[i]! ** 2;
        difference += ((ours[i + shift] ?? 0) - theirs[i]!) ** 2;
      }
      return 10 * Math.log10(signal / difference);
    };
    let best = { shift: 0, dB: Number.NEGATIVE_INFINITY };
    for (let shift = -2000; shift <= 2000; shift++) {
      const dB = nearness(shift, 40_000, 48_000);
      if (dB > best.dB) best = { shift, dB };
    }
    return { shift: best.shift, dB: nearness(best.shift, 4000, theirs.length - 4000) };
  }

  /** The entry, what it needs, and the chunks of one device: its own, and those of the kernels' variants for it, without int8's. */
  function loadedFor(
    files: readonly BundleFile[],
    device: 'wasm' | 'webgpu' | 'webgpu with fused steps' | 'webgpu that packs panels',
  ): readonly BundleFile[] {
    const byName = new Map(files.map((file) => [file.name, file]));
    const wanted = new Set<BundleFile>();
    const add = (file: BundleFile | undefined): void => {
      if (!file || wanted.has(file)) return;
      wanted.add(file);
      for (const name of file.imports) add(byName.get(name));
    };
    add(byName.get('entry.js'));
    const ofDevice =
      device === 'wasm'
        ? /(?:devices\/wasm\/device|kernels\/wasm)\.js$/
        : /(?:devices\/webgpu\/device|kernels\/webgpu|lasting\/keepEngine)\.js$/;
    const ofFused = /(?:kernels\/step\/webgpu|decoder\/stepwise|wgsl\/subgroups)\.js$/;
    for (const file of files) if (file.inputs.some((input) => ofDevice.test(input))) add(file);
    if (device === 'webgpu with fused steps')
      for (const file of files) if (file.inputs.some((input) => ofFused.test(input))) add(file);
    if (device === 'webgpu that packs panels')
      for (const file of files) if (file.inputs.some((input) => input.endsWith('model/loadMatrix.js'))) add(file);
    return [...wanted];
  }
}
