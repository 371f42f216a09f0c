/** A GPU that is lost in the middle of a recording: the text is that of a run that nothing disturbed. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError } from '../../src/base/errors.ts';
import type { Warning } from '../../src/base/progress.ts';
import { createNodePlatform, load } from '../../src/index.node.ts';
import type { Transcript } from '../../src/transcribe/transcript.ts';
import type { Whisper } from '../../src/whisper.ts';
import { jfk } from '../support/clips.ts';
import { shapeClasses, writeRandomModel } from '../support/randomModel.ts';
import { throws } from '../support/throws.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { watch } from '../support/watchedGpu.ts';
import { testGpu } from '../support/webgpu.ts';

const test = suite('lasting/lostGpu');
const real = await testGpu();
/** A software GPU takes seconds for what tiny does in one window. */
const dims = { ...shapeClasses.tiny!, nVocab: 1000 + 107 + 1501 };
let folder = '';
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sotto-lost-'));
  await writeRandomModel(folder, dims, 5);
  await writeRandomModel(join(folder, 'moved'), dims, 5);
});
test.after(() => rm(folder, { recursive: true }));

interface Planted {
  readonly whisper: Whisper;
  readonly warnings: readonly Warning[];
  /** What each device still does before it is lost: submits, reads among them. Those after the last one are not. */
  readonly submits: number[];
  /** Submits of the device that works. */
  readonly done: () => number;
}

/** @param device `auto` finds an adapter that says it is hardware */
async function plant(device: 'auto' | 'webgpu', model = folder): Promise<Planted> {
  const submits: number[] = [];
  const warnings: Warning[] = [];
  const counts = new Map<GPUDevice, number>();
  const { gpu, devices } = watch(real!, (name, own) => {
    if (name !== 'createCommandEncoder') return;
    const count = (counts.get(own) ?? 0) + 1;
    counts.set(own, count);
    if (count > (submits[devices.indexOf(own)] ?? Number.POSITIVE_INFINITY)) own.destroy();
  });
  const adapters: Pick<GPU, 'requestAdapter'> = {
    async requestAdapter(wishes) {
      const adapter = await gpu.requestAdapter(wishes);
      return (
        adapter &&
        new Proxy(adapter, { get: (own, name) => (name === 'info' ? hardware(own.info) : Reflect.get(own, name)) })
      );
    },
  };
  const platform = {
    ...createNodePlatform(),
    // Of a GPU, sotto asks for adapters alone.
    gpu: async () => (device === 'auto' ? (adapters as GPU) : gpu),
  };
  const onWarning = (warning: Warning): void => void warnings.push(warning);
  const whisper = await load(model, { device, platform, onWarning });
  return { whisper, warnings, submits, done: () => counts.get(devices.at(-1)!) ?? 0 };
}

function hardware(info: GPUAdapterInfo): object {
  const { vendor, architecture, device, description } = info;
  return { vendor, architecture, device, description, isFallbackAdapter: false };
}

/** What random weights say does not end by itself. */
const OPTIONS = { language: 'en', temperature: [0], sampleLen: 30, noSpeechThreshold: null } as const;

const transcribe = (whisper: Whisper): Promise<Transcript> =>
  whisper.transcribe(jfk.path, { ...OPTIONS, wordTimestamps: true });

if (!real) console.log('skipped a GPU that is lost: no WebGPU adapter here');
else {
  test('lost while it encodes, decodes and aligns, and between two recordings', async () => {
    const { whisper, warnings, submits, done } = await plant('webgpu');
    try {
      const before = done();
      const whole = await transcribe(whisper);
      const each = done() - before;
      assert.ok(whole.segments.some(({ words }) => words && words.length > 0));
      for (const [i, share] of [0, 0.2, 0.8].entries()) {
        submits[i] = done() + Math.floor(share * each);
        assert.equal(await transcribe(whisper), whole, `lost after ${share} of its work`);
        assert.is(warnings.length, i + 1);
      }
      assert.ok(warnings.every(({ code, message }) => code === 'gpuLost' && /gone.*goes on/.test(message)));
    } finally {
      await whisper.close();
    }
  });

  test('many recordings at once, with beams', async () => {
    const { whisper, warnings, submits, done } = await plant('webgpu');
    const call = (): Promise<string[]> =>
      Promise.all(
        ['en', 'de'].map(
          async (language) => (await whisper.transcribe(jfk.path, { ...OPTIONS, language, beamSize: 2 })).text,
        ),
      );
    try {
      const before = done();
      const whole = await call();
      submits[0] = done() + Math.floor((done() - before) / 2);
      assert.equal(await call(), whole);
      assert.is(warnings.length, 1);
    } finally {
      await whisper.close();
    }
  });

  test('lost again by the same work: the CPU goes on', async () => {
    const { whisper, warnings, submits, done } = await plant('auto', await tinyModel());
    try {
      // Hardware packs weights while they are loaded.
      const loaded = done();
      assert.ok(loaded > 10, `${loaded} submits`);
      submits.push(loaded + 2, loaded);
      assert.match((await transcribe(whisper)).text, /for your country/);
      assert.is(whisper.device.kind, 'cpu');
      assert.equal(
        warnings.map(({ code }) => code),
        ['gpuLost', 'gpuLost'],
      );
      assert.match(warnings[1]!.message, /gone.*goes on from where it was: WebAssembly/);
    } finally {
      await whisper.close();
    }
  });

  test('lost again while it is loaded: the CPU goes on at once', async () => {
    const { whisper, warnings, submits, done } = await plant('auto', await tinyModel());
    try {
      submits.push(done() + 2, 5);
      assert.match((await transcribe(whisper)).text, /for your country/);
      assert.is(whisper.device.kind, 'cpu');
      assert.equal(
        warnings.map(({ code }) => code),
        ['gpuLost'],
      );
    } finally {
      await whisper.close();
    }
  });

  test('lost again by the same work, where the GPU was insisted on: the CPU goes on too', async () => {
    const { whisper, submits, done } = await plant('webgpu');
    try {
      submits.push(done() + 2, 0);
      const { segments } = await transcribe(whisper);
      assert.is(whisper.device.kind, 'cpu');
      assert.ok(segments.length > 0);
    } finally {
      await whisper.close();
    }
  });

  test('where nothing can be opened again, the error says what to do', async () => {
    const { whisper, submits, done } = await plant('webgpu', join(folder, 'moved'));
    try {
      await rm(join(folder, 'moved'), { recursive: true });
      submits.push(done() + 2);
      const error = await throws(DeviceError, 'lost', () => transcribe(whisper), 'load the model again');
      assert.match(error.message, /gone/);
    } finally {
      await whisper.close();
    }
  });
}

test.run();
