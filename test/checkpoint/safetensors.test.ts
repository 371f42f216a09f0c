import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { concat } from '../../src/base/bytes.ts';
import { WeightsError } from '../../src/base/errors.ts';
import { narrowBf16 } from '../../src/base/float16.ts';
import { randomStream } from '../../src/base/random.ts';
import { openSafetensors, type TensorToWrite, writeSafetensors } from '../../src/checkpoint/safetensors.ts';
import { memorySource, type WeightSource } from '../../src/checkpoint/source.ts';
import { floatsOf } from '../../src/model/tensorData.ts';
import { codeOf, throws } from '../support/throws.ts';

const test = suite('safetensors');

function file(header: string | Uint8Array, data: number | Uint8Array = 0, announced?: bigint): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const body = typeof data === 'number' ? new Uint8Array(data) : data;
  const bytes = concat(Uint8Array, [new Uint8Array(8), json, body]);
  new DataView(bytes.buffer).setBigUint64(0, announced ?? BigInt(json.length), true);
  return bytes;
}

const entry = (dtype: string, shape: string, from: number | string, to: number | string): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${from},${to}]}`;

async function written(list: readonly TensorToWrite[], metadata = {}): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of writeSafetensors(list, metadata)) parts.push(part.slice());
  return concat(Uint8Array, parts);
}

const tensor = (name: string, dtype: 'F32' | 'F16', shape: number[], values: number[]): TensorToWrite => ({
  name,
  dtype,
  shape,
  data: async () => ({ dtype: 'f32', values: Float32Array.from(values) }),
});

test('what is written is read', async () => {
  const bytes = await written(
    [
      tensor('a', 'F32', [2, 3], [1, -2, 3.5, 0, 1e-30, 7]),
      tensor('half', 'F16', [3], [0.5, -65504, 2 ** -24]),
      tensor('scalar', 'F32', [], [42]),
      tensor('none', 'F32', [0, 4], []),
    ],
    { source: 'a test' },
  );
  const set = await openSafetensors(memorySource('model', bytes));
  assert.equal(set.names, ['a', 'half', 'scalar', 'none']);
  assert.equal({ ...set.metadata }, { source: 'a test' });
  assert.equal(set.shape('a'), [2, 3]);
  assert.is(set.dtype('half'), 'F16');
  assert.equal([...(await set.read('a')).values], [1, -2, 3.5, 0, Math.fround(1e-30), 7]);
  const half = await set.read('half');
  assert.is(half.dtype, 'f16', 'as it is stored');
  assert.equal([...floatsOf(half)], [0.5, -65504, 2 ** -24]);
  assert.equal([...(await set.read('scalar')).values], [42]);
  assert.equal((await set.read('none')).values.length, 0);
  assert.is(await codeOf(() => set.read('b')), 'missingTensor');
});

test('bf16, odd offsets, any order, padding after the header', async () => {
  const header = `{"b":${entry('BF16', '[2]', 1, 5)},"f":${entry('F32', '[1]', 5, 9)},"u":${entry('U8', '[1]', 0, 1)}}  `;
  const data = Uint8Array.of(9, 0x80, 0x3f, 0x00, 0xc0, 0, 0, 0x80, 0x3f);
  const set = await openSafetensors(memorySource('model', file(header, data)));
  assert.equal([...(await set.read('b')).values], [1, -2]);
  assert.equal([...(await set.read('f')).values], [1]);
  assert.is(await codeOf(() => set.read('u')), 'badDtype');
});

test('a long tensor of bf16 is widened in pieces', async () => {
  const n = 3_000_001; // more than one piece of 4 MiB, and no whole number of them
  const values = Float32Array.from({ length: n }, (_, i) => (i % 256) / 8);
  const halves = new Uint16Array(n);
  narrowBf16(values, halves);
  const set = await openSafetensors(
    memorySource('model', file(`{"h":${entry('BF16', `[${n}]`, 0, 2 * n)}}`, new Uint8Array(halves.buffer))),
  );
  const { dtype, values: read } = await set.read('h');
  assert.is(dtype, 'f32');
  assert.is(read.length, n);
  assert.ok(read.every((value, i) => value === values[i]));
});

test('halves that are given as halves are written bit for bit', async () => {
  const bits = Uint16Array.of(0x3c00, 0x0001, 0x8000, 0x7bff);
  const bytes = await written([
    { name: 'h', dtype: 'F16', shape: [4], data: async () => ({ dtype: 'f16', values: bits }) },
  ]);
  assert.equal([...(await (await openSafetensors(memorySource('model', bytes))).read('h')).values], [...bits]);
});

/** What `git clone` leaves where Git LFS is not installed. */
const LFS_POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 151061672\n`;

const f = entry('F32', '[2]', 0, 8);
const hostile: readonly (readonly [what: string, bytes: Uint8Array, code: string])[] = [
  ['empty file', new Uint8Array(), 'truncated'],
  ['seven bytes', new Uint8Array(7), 'truncated'],
  ['a pointer of Git LFS', new TextEncoder().encode(LFS_POINTER), 'lfsPointer'],
  ['header of no byte', file(''), 'badHeader'],
  ['header longer than the file', file('{}', 0, 3n), 'truncated'],
  ['header of 100 000 001', file('{}', 0, 100_000_001n), 'tooLarge'],
  ['header of 2^63', file('{}', 0, 1n << 63n), 'tooLarge'],
  ['bad UTF-8', file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), 'badUtf8'],
  ['byte order mark', file('\ufeff{}'), 'badHeader'],
  ['space before', file(' {}'), 'badHeader'],
  ['no JSON', file('{"a":'), 'badJson'],
  ['text behind', file('{} x'), 'badJson'],
  ['an array', file('[]'), 'badHeader'],
  ['deep nesting', file(`{"a":${'['.repeat(1e6)}`), 'badJson'],
  ['deep nesting, closed', file(`{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`), 'badHeader'],
  ['long string', file(`{"${'a\\\\'.repeat(1e6)}":1}`), 'badHeader'],
  ['key twice', file(`{"a":${f},"a":${f}}`, 8), 'duplicateKey'],
  ['key twice, escaped', file(`{"a":${f},"\\u0061":${f}}`, 8), 'duplicateKey'],
  ['field twice', file(`{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8), 'duplicateKey'],
  ['__proto__ twice', file(`{"__proto__":${f},"__proto__":${f}}`, 8), 'duplicateKey'],
  ['metadata no object', file('{"__metadata__":[]}'), 'badHeader'],
  ['metadata no strings', file('{"__metadata__":{"a":1}}'), 'badHeader'],
  ['entry no object', file('{"a":7}'), 'badHeader'],
  ['entry null', file('{"a":null}'), 'badHeader'],
  ['unknown field', file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}', 8), 'badHeader'],
  ['no dtype', file('{"a":{"shape":[2],"data_offsets":[0,8]}}', 8), 'badDtype'],
  ['strange dtype', file(`{"a":${entry('F31', '[2]', 0, 8)}}`, 8), 'badDtype'],
  ['dtype of the prototype', file(`{"a":${entry('toString', '[2]', 0, 8)}}`, 8), 'badDtype'],
  ['no shape', file('{"a":{"dtype":"F32","data_offsets":[0,8]}}', 8), 'badShape'],
  ['negative shape', file(`{"a":${entry('F32', '[-2]', 0, 8)}}`, 8), 'badShape'],
  ['broken shape', file(`{"a":${entry('F32', '[1.5]', 0, 8)}}`, 8), 'badShape'],
  ['shape above 2^53', file(`{"a":${entry('F32', '[9007199254740993]', 0, 8)}}`, 8), 'badShape'],
  ['shape that overflows', file(`{"a":${entry('F32', '[4294967296,4294967296]', 0, 0)}}`), 'sizeMismatch'],
  ['shape that wraps to 8 bytes', file(`{"a":${entry('F32', '[4294967296,4294967296,2]', 0, 8)}}`, 8), 'sizeMismatch'],
  ['no offsets', file('{"a":{"dtype":"F32","shape":[2]}}', 8), 'badOffsets'],
  ['three offsets', file('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}', 8), 'badOffsets'],
  ['negative offset', file(`{"a":${entry('F32', '[2]', -8, 0)}}`, 8), 'badOffsets'],
  ['end before begin', file(`{"a":${entry('F32', '[2]', 8, 0)}}`, 8), 'badOffsets'],
  ['beyond the file', file(`{"a":${f}}`, 7), 'truncated'],
  ['far beyond the file', file(`{"a":${entry('F32', '[2]', 9007199254740000, 9007199254740008)}}`, 8), 'truncated'],
  ['too few bytes', file(`{"a":${entry('F32', '[2]', 0, 7)}}`, 7), 'sizeMismatch'],
  ['gap before', file(`{"a":${entry('F32', '[2]', 1, 9)}}`, 9), 'gap'],
  ['gap between', file(`{"a":${f},"b":${entry('F32', '[2]', 9, 17)}}`, 17), 'gap'],
  ['overlap', file(`{"a":${f},"b":${entry('F32', '[2]', 7, 15)}}`, 15), 'overlap'],
  ['the same bytes', file(`{"a":${f},"b":${f}}`, 8), 'overlap'],
  ['bytes behind', file(`{"a":${f}}`, 9), 'trailing'],
  ['data without tensors', file('{}', 1), 'trailing'],
];
for (const [what, bytes, code] of hostile) {
  test(`refused: ${what}`, async () => {
    assert.is(await codeOf(() => openSafetensors(memorySource('model', bytes))), code);
  });
}

test('a hostile length allocates no memory', async () => {
  // Says that it is a terabyte; each read of more than a few bytes would show.
  const reads: number[] = [];
  const source: WeightSource = {
    name: 'terabyte',
    size: 2 ** 40,
    async read(begin, end) {
      reads.push(end - begin);
      return new Uint8Array(end - begin).fill(0xff);
    },
  };
  assert.is(await codeOf(() => openSafetensors(source)), 'tooLarge');
  assert.equal(reads, [8]);
});

test('messages say what and where', async () => {
  const source = memorySource('base/model.safetensors', file(`{"a":${f}}`, 7));
  const message = 'The tensor a in the header of base/model.safetensors needs bytes 62..70, the file ends at 69.';
  await throws(WeightsError, 'truncated', () => openSafetensors(source), message);
});

async function readAll(bytes: Uint8Array): Promise<string> {
  const set = await openSafetensors(memorySource('model', bytes));
  const all: string[] = [];
  for (const name of set.names) all.push(`${name} ${set.shape(name)} ${(await set.read(name)).values}`);
  return all.join('\n');
}

test('property: every truncation is a WeightsError', async () => {
  const bytes = await written([tensor('a', 'F32', [2, 3], [1, 2, 3, 4, 5, 6]), tensor('b', 'F16', [3], [1, 2, 3])]);
  for (let length = 0; length < bytes.length; length++) {
    const code = await codeOf(() => readAll(bytes.subarray(0, length)));
    assert.is.not(code, 'none', `cut at ${length}`);
  }
});

test('property: flipped bytes give a WeightsError or tensors, nothing else (seed 1)', async () => {
  const bytes = await written([tensor('a', 'F32', [2, 3], [1, 2, 3, 4, 5, 6]), tensor('b', 'F16', [3], [1, 2, 3])]);
  const dataBegin = bytes.length - 30;
  const draw = randomStream(1);
  let refused = 0;
  for (let round = 0; round < 3000; round++) {
    const broken = bytes.slice();
    for (let n = 1 + Math.floor(draw() * 3); n > 0; n--) {
      broken[Math.floor(draw() * dataBegin)]! ^= 1 << Math.floor(draw() * 8);
    }
    // codeOf lets anything but a SottoError through, which fails this test.
    if ((await codeOf(() => readAll(broken))) !== 'none') refused++;
  }
  assert.ok(refused > 1500, `${refused} of 3000 refused`);
});

test('writing a tensor that is too short, or too large for f16, is refused', async () => {
  assert.is(await codeOf(() => written([tensor('a', 'F32', [2], [1])])), 'sizeMismatch');
  assert.is(await codeOf(() => written([tensor('a', 'F16', [1], [70000])])), 'outOfRange');
});

test.run();
