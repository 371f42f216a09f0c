/** Rows in pieces of any length become panels, whatever they are stored in and wherever a tensor ends. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WeightsError } from '../../src/base/errors.ts';
import { randomStream } from '../../src/base/random.ts';
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import type { Device } from '../../src/engine/device.ts';
import { type HostArray, storageType, WEIGHT_TYPES, type WeightType } from '../../src/engine/dtype.ts';
import type { Tensor } from '../../src/engine/program.ts';
import { panelCount, panelIndex } from '../../src/kernels/matmul/panels.ts';
import { Int8PanelWriter } from '../../src/model/int8PanelWriter.ts';
import { PanelWriter, Staging } from '../../src/model/panelWriter.ts';
import type { Int8Rows, TensorData } from '../../src/model/tensorData.ts';
import { throws } from '../support/throws.ts';

const test = suite('panel writer');
const width = 16;

/** Written in pieces of `pieceLength`, into tensors of so many panels each. */
async function write(
  data: TensorData,
  k: number,
  {
    dtype = 'f32',
    pieceLength = data.values.length,
    panels,
    rows,
  }: Partial<Record<'pieceLength', number>> & {
    dtype?: WeightType;
    panels: readonly number[];
    rows?: readonly Int8Rows[];
  },
): Promise<readonly HostArray[]> {
  const device = createReferenceDevice();
  const tensors = panels.map((count, i): Tensor => {
    const tensor = device.allocate(`part ${i}`, dtype, [count, k, width], 'weights');
    // What is not written stays NaN.
    const type = storageType(dtype);
    device.write(tensor, type.narrow(new Float32Array(count * k * width).fill(Number.NaN), tensor.shape));
    return tensor;
  });
  const areBits = data.dtype === 'f16' && dtype === 'f16';
  const writer =
    dtype === 'int8'
      ? new Int8PanelWriter(device, usedStaging(), tensors, rows)
      : new PanelWriter(device, usedStaging(), { tensors, dtype, areBits });
  for (let at = 0; at < data.values.length; at += pieceLength)
    writer.add({ ...data, values: data.values.slice(at, at + pieceLength) } as TensorData); // its type is data's
  writer.finish();
  return Promise.all(tensors.map(async (tensor) => storageType(dtype).widen(await device.read(tensor), tensor.shape)));
}

/** As other matrices leave it. */
function usedStaging(): Staging {
  const staging = new Staging();
  staging.floats(2 ** 20).fill(Number.NaN);
  staging.halves(2 ** 20).fill(0x7e00);
  staging.integers(2 ** 20).fill(77);
  return staging;
}

function randomValues(length: number): Float32Array {
  const random = randomStream(7);
  return Float32Array.from({ length }, () => random() - 0.5);
}

/** Element by element, by the definition of the layout. */
function expected(values: Float32Array, n: number, k: number): Float32Array {
  const packed = new Float32Array(panelCount(n, width) * k * width);
  for (let row = 0; row < n; row++)
    for (let i = 0; i < k; i++) packed[panelIndex(row, i, k, width)] = values[row * k + i]!;
  return packed;
}

for (const [n, k] of [
  [1, 1],
  [15, 7],
  [16, 8],
  [33, 5],
  [48, 6000], // a panel of 96,000 elements: a few at once
  [17, 20_000], // one panel has more than is gathered otherwise
] as const) {
  test(`${n} rows of ${k}, in pieces`, async () => {
    const values = randomValues(n * k);
    for (const pieceLength of [n * k, 1009, Math.max(1, k - 1), k * 3 + 1]) {
      const [got] = await write({ dtype: 'f32', values }, k, { pieceLength, panels: [panelCount(n, width)] });
      assert.ok(equal(got, expected(values, n, k)), `pieces of ${pieceLength}`);
    }
  });
}

test('every weight type is as if the whole matrix were narrowed at once', async () => {
  const [n, k] = [40, 6000];
  const values = randomValues(n * k);
  const panels = panelCount(n, width);
  for (const dtype of WEIGHT_TYPES) {
    const type = storageType(dtype);
    const shape = [panels, k, width];
    const whole = type.widen(type.narrow(expected(values, n, k), shape), shape);
    const [got] = await write({ dtype: 'f32', values }, k, { dtype, pieceLength: 777, panels: [panels] });
    assert.ok(equal(got, whole), dtype);
  }
});

test('integers stay as they are, whatever their length, with the scales and zeros of their rows', async () => {
  for (const [n, k, panels] of [
    [33, 5, [3]],
    [40, 6000, [1, 2]],
    [17, 384, [2]],
  ] as const) {
    const integers = Int8Array.from(randomValues(n * k), (value) => Math.round(254 * value));
    const scales = randomValues(n);
    // The first part has none: they are 0.
    const zeros = Float32Array.from(randomValues(n), (value, row) => (row < 16 ? 0 : Math.round(254 * value)));
    const values = Float32Array.from(integers, (value, i) => {
      const row = Math.floor(i / k);
      return (value - zeros[row]!) * scales[row]!;
    });
    const rows: readonly Int8Rows[] = [
      { scales: scales.slice(0, 16), zeros: undefined },
      { scales: scales.slice(16), zeros: zeros.slice(16) },
    ];
    for (const pieceLength of [n * k, 1009, k, 4 * k + 2]) {
      const options = { dtype: 'int8', pieceLength, panels, rows } as const;
      const parts = await write({ dtype: 'int8', values: integers }, k, options);
      const got = Float32Array.from(parts.flatMap((part) => [...part]));
      assert.ok(equal(got, expected(values, n, k)), `${n} rows of ${k}, pieces of ${pieceLength}`);
    }
  }
});

test('what fills up an odd number of integers is zero', async () => {
  const written: number[] = [];
  const device: Device = { ...createReferenceDevice(), write: (_tensor, data) => void written.push(...data) };
  const tensor = device.allocate('w', 'int8', [1, 5, width], 'weights');
  const writer = new Int8PanelWriter(
    device,
    usedStaging(),
    [tensor],
    [{ scales: new Float32Array(width).fill(1), zeros: undefined }],
  );
  writer.add({ dtype: 'int8', values: new Int8Array(5 * width).fill(3) });
  writer.finish();
  const stored = written.slice(0, 6 * width);
  assert.equal([stored.filter((each) => each === 3).length, stored.filter((each) => each === 0).length], [80, 16]);
});

test('halves stay as they are, and become other types', async () => {
  const [n, k] = [20, 9];
  const floats = randomValues(n * k);
  const half = storageType('f16');
  const values = half.narrow(floats, []) as Uint16Array<ArrayBuffer>; // halves are such
  const rounded = half.widen(values, []) as Float32Array; // of a real type
  for (const dtype of ['f16', 'f32'] as const) {
    const [got] = await write({ dtype: 'f16', values }, k, { dtype, pieceLength: 50, panels: [2] });
    assert.ok(equal(got, expected(rounded, n, k)), dtype);
  }
});

test('one matrix in several tensors', async () => {
  const [n, k] = [16 * 7 + 3, 5000];
  const values = randomValues(n * k);
  const whole = expected(values, n, k);
  for (const dtype of ['f32', 'int8', 'int8b32'] as const) {
    const parts = await write({ dtype: 'f32', values }, k, { dtype, pieceLength: 1009, panels: [1, 5, 2] });
    let at = 0;
    for (const part of parts) {
      const type = storageType(dtype);
      const shape = [part.length / k / width, k, width];
      const own = whole.slice(at, at + part.length);
      assert.ok(equal(part, type.widen(type.narrow(own, shape), shape)), `${dtype}, element ${at} on`);
      at += part.length;
    }
    assert.is(at, whole.length);
  }
});

test('what f16 cannot hold is refused; so is another number of rows', async () => {
  const values = randomValues(16 * 4);
  values[20] = 70_000;
  await throws(WeightsError, 'outOfRange', write({ dtype: 'f32', values }, 4, { dtype: 'f16', panels: [1] }), '70000');
  for (const [dtype, panels] of [
    ['f32', [2]],
    ['f32', [1, 1]],
    ['int8', [2]],
  ] as const) {
    let message = '';
    await write({ dtype: 'f32', values }, 4, { dtype, panels }).catch((error: Error) => {
      message = error.message;
    });
    assert.match(message, /2 panels of 4 came as 64 elements/);
  }
});

function equal(a: HostArray | undefined, b: HostArray): boolean {
  return a?.length === b.length && a.every((value, i) => Object.is(value + 0, b[i]! + 0));
}

test.run();
