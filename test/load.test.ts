/** A model loaded with its weights in f32 and in f16, from files of either type. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError, OptionsError, SottoError, WeightsError } from '../src/base/errors.ts';
import type { Progress } from '../src/base/progress.ts';
import { openModelFiles } from '../src/checkpoint/modelFiles.ts';
import { openSafetensors } from '../src/checkpoint/safetensors.ts';
import { modelLine } from '../src/cli/modelLine.ts';
import { createCpuDevice } from '../src/devices/wasm/device.ts';
import { convert, createNodePlatform, type LoadOptions, load } from '../src/index.node.ts';
import { loadWhisper } from '../src/load.ts';
import { createInference } from '../src/model/inference.ts';
import { bytesNeeded } from '../src/model/storage.ts';
import { floatsOf } from '../src/model/tensorData.ts';
import { weightBytes } from '../src/model/tensorSpec.ts';
import { Tokenizer } from '../src/text/tokenizer.ts';
import { Whisper } from '../src/whisper.ts';
import { fileSource, openFolder } from '../weights/fileSource.ts';
import { shapeClasses, writeRandomModel } from './support/randomModel.ts';
import { throws } from './support/throws.ts';

const test = suite('load');
const dims = { ...shapeClasses.tiny!, nVocab: 1000 + 107 + 1501 };
const mel = Float32Array.from({ length: dims.nMels * 2 * dims.nAudioCtx }, (_, i) => Math.sin(i));

let root = '';
test.before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-load-'));
  await writeRandomModel(join(root, 'f32'), dims, 5);
  await writeRandomModel(join(root, 'f16'), dims, 5, { dtype: 'F16' });
  await writeRandomModel(join(root, 'mixed'), dims, 5, { dtype: 'F16', vectorDtype: 'F32' });
});
test.after(() => rm(root, { recursive: true }));

/** Bytes of the weights, and the logits of one window. */
async function run(folder: string, options: LoadOptions = {}): Promise<{ bytes: number; logits: Float32Array }> {
  const whisper = await load(join(root, folder), { device: 'cpu', threads: 1, ...options });
  try {
    const audio = await whisper.inference.encode(mel);
    return { bytes: whisper.weightBytes, logits: await whisper.inference.teacherForced(audio, [5, 17, 900]) };
  } finally {
    await whisper.close();
  }
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}

test('weights stay as the file has them, unless a type is asked for', async () => {
  const [whole, half] = [await run('f32'), await run('f16')];
  // Panels are filled up with zeros, so a little more than the tensors' own bytes is held.
  const [wholeBytes, halfBytes] = [weightBytes(dims, 'f32'), weightBytes(dims, 'f16')];
  assert.ok(whole.bytes >= wholeBytes && whole.bytes < 1.5 * wholeBytes, `${whole.bytes} for ${wholeBytes}`);
  assert.ok(half.bytes >= halfBytes && half.bytes < 1.5 * halfBytes, `${half.bytes} for ${halfBytes}`);
  assert.is((await run('f32', { dtype: 'f16' })).bytes, half.bytes);
  assert.is((await run('f16', { dtype: 'f32' })).bytes, whole.bytes);
});

test('f16 computes on the rounded weights, whoever rounded them', async () => {
  const exact = (await run('f32')).logits;
  const stored = (await run('f16')).logits;
  const widened = (await run('f16', { dtype: 'f32' })).logits;
  const narrowed = (await run('f32', { dtype: 'f16' })).logits;
  const size = Math.max(...exact.map(Math.abs));
  assert.ok(largestDifference(stored, widened) < 1e-5 * size, 'the same weights in another type');
  // Biases and layer norms are never narrowed by loading, so they are as exact in this file.
  assert.equal(narrowed, (await run('mixed')).logits, 'the same halves from either file');
  const rounding = largestDifference(stored, exact);
  assert.ok(rounding > 0 && rounding < 0.02 * size, `rounding the weights changes logits by ${rounding} of ${size}`);
});

test('int8 of a file is int8 in memory, as it is', async () => {
  await convert(join(root, 'f32'), join(root, 'int8'), { dtype: 'int8' });
  const stored = await run('int8');
  assert.equal(stored, await run('f32', { dtype: 'int8' }), 'the same integers from either file');
  assert.equal(await run('int8', { until: 'encoder' }), stored);
  // Times its scales, in f32: all but the sums is the same.
  const widened = await run('int8', { dtype: 'f32' });
  const size = Math.max(...widened.logits.map(Math.abs));
  assert.ok(stored.bytes < widened.bytes && largestDifference(stored.logits, widened.logits) < 0.02 * size);
});

test('keys and values in f16', async () => {
  const [exact, rounded] = [(await run('f32')).logits, (await run('f32', { cacheDtype: 'f16' })).logits];
  const difference = largestDifference(exact, rounded);
  assert.ok(difference > 0 && difference < 0.01 * Math.max(...exact.map(Math.abs)), String(difference));
});

test('what the memory cannot hold is refused before a weight is read, or stored smaller, and says so', async () => {
  const needed = bytesNeeded(dims, weightBytes(dims, 'f32'), 'f32');
  const smaller = bytesNeeded(dims, weightBytes(dims, 'f16'), 'f16');
  const inMemoryOf = async (bytes: number, options: LoadOptions): Promise<Whisper> => {
    const platform = { ...createNodePlatform(), memoryBytes: () => bytes };
    const open = openFolder(join(root, 'f32'));
    return loadWhisper(platform, open, () => Promise.reject(new Error('no sound')), {
      device: 'cpu',
      threads: 1,
      ...options,
    });
  };
  const progress: string[] = [];
  const onProgress = ({ stage }: Progress): void => void progress.push(stage);
  const error = await throws(DeviceError, 'outOfMemory', () =>
    inMemoryOf(needed - 1, { dtype: 'f32', cacheDtype: 'f32', onProgress }),
  );
  assert.match(error.hint ?? '', /^dtype f32 with cacheDtype f16 needs/);
  assert.equal(progress, []);
  const auto = await inMemoryOf(smaller, {});
  assert.equal({ ...auto.storage, reason: undefined }, { dtype: 'f16', cacheDtype: 'f16', reason: undefined });
  assert.match(
    modelLine('mine', auto),
    /MB of weights in f16, caches in f16 \(as its file has it and with caches in f32/,
  );
  await auto.close();
  const whole = await inMemoryOf(needed, {});
  assert.is(whole.storage.reason, undefined);
  assert.match(modelLine('mine', whole), /MB of weights, as its file has them$/);
  await whole.close();
});

test('what is computed with takes no more than the estimate', async () => {
  for (const dtype of ['f32', 'f16', 'int8'] as const) {
    const device = await createCpuDevice(createNodePlatform(), { threads: 2 });
    const files = await openModelFiles(openFolder(join(root, 'f32')));
    const { inference, tokenizer } = {
      inference: await createInference(device, dims, files, { dtype, cacheDtype: 'f16' }),
      tokenizer: new Tokenizer(files.tokenizer),
    };
    await files.close();
    const openSound = () => Promise.reject(new Error('no file'));
    const whisper = new Whisper({ device, inference, tokenizer, openSound });
    await whisper.transcribe(new Float32Array(16000), { language: 'en', temperature: 0, beamSize: 5 });
    const estimate = bytesNeeded(dims, weightBytes(dims, dtype), 'f16');
    assert.ok(device.bytesHeld <= estimate, `${device.bytesHeld} is beyond ${estimate}`);
    await whisper.close();
  }
});

test('a weight that f16 cannot hold is refused, not made infinite', async () => {
  const folder = join(root, 'large');
  await writeRandomModel(folder, dims, 5, { change: { 'model.decoder.layers.1.fc1.weight': 70_000 } });
  const set = await openSafetensors((await fileSource(join(folder, 'model.safetensors')))!);
  assert.is(floatsOf(await set.read('model.decoder.layers.1.fc1.weight'))[0], 70_000);
  await set.close();
  await run('large');
  await throws(WeightsError, 'outOfRange', () => run('large', { dtype: 'f16' }), 'holds 70000, too large for f16');
});

test('what is no model, by its type or its address, is told in a short sentence', async () => {
  for (const wrong of [undefined, null, 7, {}, new Uint8Array(9)]) {
    await throws(OptionsError, 'type', () => load(wrong as unknown as string), 'not the name of a model'); // JavaScript may
  }
  for (const [address, code] of [
    ['ftp://host.test/m', 'unknownModel'],
    ['https://me:secret@host.test/m', 'network'],
    ['file:///nowhere/at/all', 'unknownModel'],
    ['x'.repeat(1e5), 'unknownModel'],
  ] as const) {
    const error = await throws(WeightsError, code, () => load(address));
    assert.ok(`${error.message} ${error.hint}`.length < 1500, address.slice(0, 40));
    assert.not.match(`${error.message} ${error.hint}`, 'secret');
  }
  const place = { href: `file://${join(root, 'f32')}` }; // a URL of another realm
  await (await load(place as URL, { device: 'cpu', threads: 1 })).close();
});

test('a model of other windows than 30 s is refused, not loaded to fail at its first recording', async () => {
  for (const nAudioCtx of [750, 1499]) {
    const folder = `window-${nAudioCtx}`;
    await writeRandomModel(join(root, folder), { ...dims, nAudioCtx }, 5);
    await throws(WeightsError, 'unsupported', () => run(folder), `windows of ${nAudioCtx} positions`);
  }
});

test('a decoder that is loaded while the encoder runs is the same', async () => {
  for (const threads of [1, 2]) {
    const early = await run('f32', { until: 'encoder', threads });
    assert.equal(early, await run('f32', { threads }));
  }
  assert.equal(await run('f32', { until: 'encoder', dtype: 'f16' }), await run('f32', { dtype: 'f16' }));
});

test('what is wrong with a weight of the decoder is thrown by whoever needs it, of the encoder by load', async () => {
  const late = { until: 'encoder', dtype: 'f16', device: 'cpu', threads: 1 } as const;
  const whisper = await load(join(root, 'large'), late);
  for (let turn = 0; turn < 2; turn++)
    await throws(WeightsError, 'outOfRange', () => whisper.inference.encode(mel), 'holds 70000, too large for f16');
  await throws(WeightsError, 'outOfRange', () => whisper.inference.reserveAudio(2), 'holds 70000');
  await whisper.close();
  const folder = join(root, 'largeEncoder');
  await writeRandomModel(folder, dims, 5, { change: { 'model.encoder.layers.1.fc1.weight': 70_000 } });
  await throws(WeightsError, 'outOfRange', () => load(folder, late), 'holds 70000');
});

test('closed while the decoder is loaded; aborted, and used again', async () => {
  const early = { until: 'encoder', device: 'cpu', threads: 1 } as const;
  const closed = await load(join(root, 'f32'), early);
  const lost = closed.transcribe(new Float32Array(16000), { language: 'en', temperature: 0, sampleLen: 1 });
  const failed = throws(SottoError, 'closed', () => lost);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await closed.close();
  await failed;
  await (await load(join(root, 'f32'), early)).close();
  const whisper = await load(join(root, 'f32'), early);
  const aborting = new AbortController();
  const stopped = whisper.inference.encode(mel, aborting.signal);
  aborting.abort(new Error('stop'));
  let reason: unknown;
  await stopped.catch((error: unknown) => {
    reason = error;
  });
  assert.is(reason, aborting.signal.reason);
  const audio = await whisper.inference.encode(mel);
  assert.equal(await whisper.inference.teacherForced(audio, [5, 17, 900]), (await run('f32')).logits);
  await whisper.close();
});

test('options of load are checked before a file is opened', async () => {
  // What JavaScript may pass.
  const wrong = { dtype: 'f8' } as unknown as LoadOptions;
  await throws(OptionsError, 'range', () => load(join(root, 'nowhere'), wrong));
  const until = { until: 'later' } as unknown as LoadOptions;
  await throws(OptionsError, 'range', () => load(join(root, 'nowhere'), until), 'until is "later"');
});

test.run();
