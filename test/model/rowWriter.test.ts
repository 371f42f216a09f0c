/** Panels that the device packs are, to the bit, those that the host packs; and what that takes of the device. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WeightsError } from '../../src/base/errors.ts';
import { narrowF16 } from '../../src/base/float16.ts';
import { randomStream } from '../../src/base/random.ts';
import { openModelFiles } from '../../src/checkpoint/modelFiles.ts';
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import { createWebGpuDevice } from '../../src/devices/webgpu/device.ts';
import type { Device } from '../../src/engine/device.ts';
import type { StorageArray } from '../../src/engine/dtype.ts';
import { INTERLEAVED, int8Layout } from '../../src/engine/int8.ts';
import type { Tensor } from '../../src/engine/program.ts';
import { PACKED_TYPES } from '../../src/kernels/matmul/packPanels.ts';
import { panelCount } from '../../src/kernels/matmul/panels.ts';
import { loadMatrix, type MatrixTarget } from '../../src/model/loadMatrix.ts';
import { Staging } from '../../src/model/panelWriter.ts';
import { publishedSizes } from '../../src/model/publishedSizes.ts';
import type { Int8Rows, TensorData, TensorReader } from '../../src/model/tensorData.ts';
import { tensorSpecs } from '../../src/model/tensorSpec.ts';
import { loadWeights, type ModelWeights, planWeights } from '../../src/model/weights.ts';
import { openFolder } from '../../weights/fileSource.ts';
import { openNullGpu } from '../support/nullGpu.ts';
import { randomWeights } from '../support/plainWhisper.ts';
import { throws } from '../support/throws.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { watch } from '../support/watchedGpu.ts';
import { openOrSkip } from '../support/webgpu.ts';
import { dims, readerOf, withLargestTensor } from './smallModel.ts';

const test = suite('row writer');
const gpu = await openOrSkip('panels that a GPU packs');
const devices: readonly Device[] = [createReferenceDevice(), ...(gpu ? [gpu] : [])];
test.after(() => gpu?.close());

interface Matrix {
  readonly n: number;
  readonly k: number;
  /** Rows of the first of two parts; one part when absent. */
  readonly split?: number;
  /** Panels of each tensor but the last. */
  readonly panels?: readonly number[];
  readonly pieceLength: number;
}

/** The same device, packing panels itself or not. */
function packing(device: Device, packsPanels: boolean): Device {
  return Object.assign(Object.create(device) as Device, { packsPanels });
}

/** What the tensors hold after a matrix was loaded. What came as f16 is f16, and so on. */
async function loaded(
  device: Device,
  data: TensorData,
  dtype: (typeof PACKED_TYPES)[number],
  { n, k, split = n, panels = [], pieceLength }: Matrix,
  rows?: Int8Rows,
): Promise<readonly StorageArray[]> {
  const { panelWidth } = device;
  const all = panelCount(n, panelWidth);
  const counts = [...panels, all - panels.reduce((sum, count) => sum + count, 0)];
  const tensors = counts.map((count) => device.allocate('w', dtype, [count, k, panelWidth], 'weights'));
  const names = split < n ? ['first', 'second'] : ['first'];
  const rangeOf = (name: string): readonly [number, number] => (name === 'first' ? [0, split] : [split, n]);
  const partOf = async function* (name: string): AsyncGenerator<TensorData, void, undefined> {
    const [begin, end] = rangeOf(name).map((row) => row * k) as [number, number]; // two
    for (let at = begin; at < end; at += pieceLength) {
      const values = data.values.slice(at, Math.min(end, at + pieceLength));
      yield { ...data, values } as TensorData; // its type is data's
      values.fill(77);
    }
  };
  const reader: TensorReader = {
    dtype: () => data.dtype,
    pieces: partOf,
    ...(rows && {
      int8: {
        pieces: partOf,
        rows: async (name) => {
          const scales = rows.scales.slice(...rangeOf(name));
          return { scales, zeros: name === 'first' ? undefined : rows.zeros?.slice(...rangeOf(name)) };
        },
      },
    }),
  };
  const target: MatrixTarget = { tensors, dtype, parts: names.map((name) => ({ name, dtype: data.dtype })), taps: 1 };
  const before = device.bytesHeld;
  const staging = new Staging();
  const read: string[] = [];
  await loadMatrix(device, staging, reader, target, { signal: undefined, onTensor: (name) => read.push(name) });
  staging.uploads?.free();
  assert.equal(read, names);
  assert.is(device.bytesHeld, before, 'nothing is left but the weights');
  const stored = await Promise.all(tensors.map((tensor) => device.read(tensor)));
  if (dtype === 'int8') clearLanes(stored.at(-1)!, tensors.at(-1)!, n);
  for (const tensor of tensors) device.free(tensor);
  return stored;
}

/** Integers of lanes of the last panel that have no row may be any: their scales are 0. */
function clearLanes(stored: StorageArray, { shape }: Tensor, n: number): void {
  const { panels, width, groups } = int8Layout(shape, Number.POSITIVE_INFINITY);
  for (let lane = (n - 1) % width; ++lane < width; )
    for (let group = 0; group < groups; group++) {
      const at = (((panels - 1) * groups + group) * width + lane) * INTERLEAVED;
      stored.fill(0, at, at + INTERLEAVED);
    }
}

function randomValues(length: number): Float32Array<ArrayBuffer> {
  const random = randomStream(7);
  return Float32Array.from({ length }, () => random() - 0.5);
}

function same(actual: StorageArray, expected: StorageArray, what: string): void {
  const [a, b] = [actual, expected].map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  assert.is(a!.length, b!.length, what);
  const at = a!.findIndex((byte, i) => byte !== b![i]);
  assert.is(at, -1, `${what}: byte ${at}`);
}

/** Rows, and whole panels, that are no multiple of what is staged; pieces that end anywhere. */
const matrices: readonly Matrix[] = [
  { n: 1, k: 1, pieceLength: 1 },
  { n: 65, k: 7, pieceLength: 10 },
  { n: 130, k: 33, pieceLength: 33, split: 31 },
  { n: 200, k: 24, pieceLength: 1009, panels: [1, 2] },
  { n: 140, k: 5000, pieceLength: 100_003, split: 100, panels: [2] },
  { n: 1111, k: 1152, pieceLength: 2 ** 17 },
];

for (const device of devices)
  for (const dtype of PACKED_TYPES)
    for (const from of ['f32', 'f16', 'int8'] as const) {
      if (from === 'int8' && dtype !== 'int8') continue;
      test(`${from} as ${dtype}, ${device.kind}`, async () => {
        for (const matrix of matrices) {
          const { n, k } = matrix;
          // With each write the reference device makes values of all integers.
          if (device.kind === 'reference' && dtype === 'int8' && n * k > 10_000) continue;
          const floats = randomValues(n * k);
          const halves = new Uint16Array(floats.length);
          narrowF16(floats, halves);
          const data: TensorData =
            from === 'f32'
              ? { dtype: from, values: floats }
              : from === 'f16'
                ? { dtype: from, values: halves }
                : { dtype: from, values: Int8Array.from(floats, (value) => Math.round(254 * value)) };
          const zeros = Float32Array.from({ length: n }, (_, row) => (row % 5) - 2);
          const rows = from === 'int8' ? { scales: randomValues(n), zeros } : undefined;
          const expected = await loaded(packing(device, false), data, dtype, matrix, rows);
          const actual = await loaded(packing(device, true), data, dtype, matrix, rows);
          for (const [i, stored] of actual.entries()) same(stored, expected[i]!, `${n} rows of ${k}, tensor ${i}`);
        }
      });
    }

/** The tensors of matrices and embedding. */
function matricesOf({ conv1, conv2, encoderLayers, decoderLayers, embedding }: ModelWeights): readonly Tensor[] {
  const layers = [...encoderLayers, ...decoderLayers].flatMap(({ attention: { qkv, out }, mlp: { up, down } }) => {
    return [qkv.w, out.w, up.w, down.w];
  });
  const cross = decoderLayers.flatMap(({ crossQuery, crossKeyValue, crossOut }) => {
    return [crossQuery.w, crossKeyValue.w, crossOut.w];
  });
  return [conv1.w, conv2.w, ...layers, ...cross, ...embedding.map(({ table }) => table)];
}

for (const device of devices)
  for (const dtype of PACKED_TYPES)
    test(`a whole model, in shards and with convolutions: ${dtype}, ${device.kind}`, async () => {
      const reader = readerOf(randomWeights(dims, 7));
      const load = async (packsPanels: boolean): Promise<ModelWeights> => {
        // The embedding in shards of a panel.
        const own = packing(withLargestTensor(device, 32 * 1024), packsPanels);
        const before = device.bytesHeld;
        const { weights, encoder, decoder } = planWeights(own, dims, reader, dtype);
        const held = device.bytesHeld;
        await loadWeights(encoder);
        await loadWeights(decoder);
        assert.is(device.bytesHeld, held, `nothing is left but ${held - before} bytes`);
        return weights;
      };
      const [host, own] = [await load(false), await load(true)].map(matricesOf);
      assert.ok(host!.length > 20);
      for (const [i, tensor] of own!.entries()) {
        const [actual, expected] = [await device.read(tensor), await device.read(host![i]!)];
        if (tensor.dtype === 'int8')
          for (const stored of [actual, expected]) clearLanes(stored, tensor, rowsOf(tensor));
        same(actual, expected, tensor.name);
      }
    });

/** Of the matrix in a tensor of the small model: whatever shares its panel has rows, or is the last. */
function rowsOf({ name, shape: [panels = 0, , width = 1] }: Tensor): number {
  const known: Readonly<Record<string, number>> = { 'q_proj+k_proj+v_proj': 72, 'k_proj+v_proj': 48, fc1: 96 };
  const begin = /^embedding (\d+)$/.exec(name)?.[1];
  if (begin !== undefined) return Math.min(panels * width, dims.nVocab - Number(begin));
  return known[name.split('.').at(-2) ?? ''] ?? dims.nTextState;
}

for (const device of gpu ? [gpu] : [])
  for (const dtype of [undefined, ...PACKED_TYPES])
    test(`tiny ${dtype ? `in ${dtype}` : 'as it is stored'}, ${device.kind}`, async () => {
      const files = await openModelFiles(openFolder(await tinyModel()));
      const load = async (packsPanels: boolean): Promise<readonly Tensor[]> => {
        const { weights, encoder, decoder } = planWeights(packing(device, packsPanels), files.dims, files, dtype);
        await loadWeights([...encoder, ...decoder]);
        return matricesOf(weights);
      };
      const [host, own] = [await load(false), await load(true)];
      for (const [i, tensor] of own.entries()) {
        const [actual, expected] = [await device.read(tensor), await device.read(host[i]!)];
        const isLast = tensor.name.startsWith('embedding');
        if (isLast && tensor.dtype === 'int8')
          for (const stored of [actual, expected]) clearLanes(stored, tensor, files.dims.nVocab);
        same(actual, expected, `${tensor.name}, ${tensor.dtype}`);
        for (const each of [tensor, host[i]!]) device.free(each);
      }
      await files.close();
    });

for (const device of devices)
  test(`who gives up, or what cannot be, leaves nothing: ${device.kind}`, async () => {
    const own = packing(device, true);
    const small = readerOf(randomWeights(dims, 7));
    const { encoder } = planWeights(own, dims, small, 'f16');
    const held = device.bytesHeld;
    const stop = new AbortController();
    const reason = new Error('enough');
    const onProgress = ({ done }: { done: number }): void => {
      if (done === 9) stop.abort(reason);
    };
    const reader: TensorReader = {
      ...small,
      async *pieces(name, signal) {
        for await (const piece of small.pieces(name)) {
          signal?.throwIfAborted();
          yield piece;
        }
      },
    };
    const { encoder: stopped } = planWeights(own, dims, reader, 'f16');
    const heldBefore = device.bytesHeld;
    let said: unknown;
    await loadWeights(stopped, { signal: stop.signal, onProgress }).catch((error: unknown) => {
      said = error;
    });
    assert.is(said, reason);
    assert.is(device.bytesHeld, heldBefore);
    await loadWeights(encoder);
    assert.is(device.bytesHeld, heldBefore, `of ${held}`);
    const values = randomValues(64 * 4);
    values[20] = 70_000;
    const matrix: Matrix = { n: 64, k: 4, pieceLength: 64 };
    await throws(WeightsError, 'outOfRange', loaded(own, { dtype: 'f32', values }, 'f16', matrix), '70000');
    let message = '';
    await loaded(own, { dtype: 'f32', values }, 'f32', { ...matrix, n: 64 + device.panelWidth }).catch((error) => {
      message = error.message;
    });
    assert.match(message, /panels of 4 came as/);
  });

for (const size of ['tiny', 'large-v3'] as const)
  for (const dtype of PACKED_TYPES)
    test(`${size} in ${dtype}: pipelines, memory and waits`, async () => {
      const sizes = publishedSizes[size];
      const paper = await openNullGpu();
      const watched = watch(paper.gpu);
      const device = await createWebGpuDevice(watched.gpu);
      assert.ok(device.packsPanels, 'hardware does');
      const specs = tensorSpecs(sizes);
      const piece: TensorData = dtype === 'f16' ? { dtype, values: new Uint16Array(2 ** 18) } : floats();
      const integers: TensorData = { dtype: 'int8', values: new Int8Array(2 ** 19) };
      const cut = async function* (name: string, whole: TensorData): AsyncGenerator<TensorData, void, undefined> {
        const count = specs.get(name)!.shape.reduce((product, n) => product * n, 1);
        most = Math.max(most, staged());
        for (let at = 0; at < count; at += whole.values.length) {
          const values = whole.values.subarray(0, Math.min(whole.values.length, count - at));
          yield { ...whole, values } as TensorData; // its type is that of the whole
        }
      };
      const isMatrix = (name: string): boolean => !/bias|norm|positions|conv/.test(name);
      const reader: TensorReader = {
        dtype: (name) => (dtype === 'int8' && !isMatrix(name) ? 'f32' : dtype),
        pieces: (name) => cut(name, piece),
        int8: {
          pieces: (name) => cut(name, integers),
          rows: async (name) => ({ scales: new Float32Array(specs.get(name)!.shape[0]!), zeros: undefined }),
        },
      };
      let most = 0;
      const staged = (): number => {
        let bytes = 0;
        for (const [label, held] of paper.held()) if (label.includes('rows of')) bytes += held;
        return bytes;
      };
      const { weights, encoder, decoder } = planWeights(device, sizes, reader);
      await loadWeights([...encoder, ...decoder]);
      assert.is(device.bytesHeld, weights.bytes);
      assert.equal(await paper.errors(), []);
      const pipelines = watched.created.filter((name) => name.startsWith('createComputePipeline')).length;
      const { maps, submits, dispatches } = paper.counts;
      const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
      console.log(
        `${size}, ${dtype}: ${megabytes(weights.bytes)} through ${megabytes(most)}, ` +
          `${pipelines} pipelines, ${dispatches.length} dispatches in ${submits} submits, ${maps} waits`,
      );
      // One for each length of rows.
      assert.is(pipelines, 4);
      assert.ok(most > 0 && most <= 16 * 2 ** 20, `${most} bytes staged`);
      assert.ok(maps >= Math.floor(weights.bytes / 2 ** 26), `${maps} waits`);
      await device.close();
    });

function floats(): TensorData {
  return { dtype: 'f32', values: new Float32Array(2 ** 17) };
}

test.run();
