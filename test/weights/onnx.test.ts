import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomStream } from '../../src/base/random.ts';
import { memorySource, type OpenSource } from '../../src/checkpoint/source.ts';
import type { TensorSet } from '../../src/checkpoint/tensorSet.ts';
import { openFolder } from '../../weights/fileSource.ts';
import { openOnnxFiles } from '../../weights/onnx.ts';
import { onnxBytes, type TestGraph, type TestTensor } from '../support/onnxWriter.ts';
import { basePackage, sharedDir, sharedOrSkip, tinyPackage } from '../support/paths.ts';
import { codeOf } from '../support/throws.ts';

const test = suite('onnx');

const f32 = (shape: number[], ...values: number[]): TestTensor => ({ shape, type: 1, raw: Float32Array.from(values) });
const u8 = (shape: number[], ...values: number[]): TestTensor => ({ shape, type: 2, raw: Uint8Array.from(values) });
const i8 = (shape: number[], ...values: number[]): TestTensor => ({ shape, type: 3, raw: Int8Array.from(values) });

function folder(files: Readonly<Record<string, TestGraph | Uint8Array>>): OpenSource {
  return async (name) => {
    const file = files[name];
    return file && memorySource(name, file instanceof Uint8Array ? file : onnxBytes(file));
  };
}

async function opened(encoder: TestGraph, decoder: TestGraph = { nodes: [] }): Promise<TensorSet> {
  const set = await openOnnxFiles(folder({ 'encoder_model.onnx': encoder, 'decoder_model_merged.onnx': decoder }));
  assert.ok(set);
  return set;
}

async function holds(set: TensorSet, name: string, shape: number[], values: number[]): Promise<void> {
  assert.equal(set.shape(name), shape, name);
  assert.equal([...(await set.read(name)).values], values.map(Math.fround), name);
}

test('f32: names from nodes, [in, out] to [out, in], the rest as it stands', async () => {
  const set = await opened({
    tensors: {
      'conv1.weight': f32([2, 1, 2], 1, 2, 3, 4),
      'layers.0.fc1.bias': f32([2], 5, 6),
      'onnx::MatMul_7': f32([3, 2], 1, 2, 3, 4, 5, 6),
      'onnx::Gemm_8': f32([2, 3], 1, 2, 3, 4, 5, 6),
      'onnx::MatMul_9': { shape: [2, 1], type: 1, floats: [8, 9] },
      half: { shape: [2], type: 10, raw: Uint16Array.of(0x3c00, 0xc000) },
      'onnx::Add_3': f32([1], 1),
    },
    nodes: [
      { op: 'MatMul', name: '/layers.0/fc1/MatMul', in: ['x', 'onnx::MatMul_7'], out: ['y'] },
      { op: 'Gemm', name: '/layers.0/fc2/Gemm', in: ['y', 'onnx::Gemm_8', 'b'], out: ['z'], ints: { transB: 1 } },
      { op: 'MatMul', name: '/layers.0/self_attn/MatMul', in: ['z', 'y'], out: ['s'] },
      { op: 'MatMul', name: '/layers.0/self_attn/k_proj/MatMul', in: ['x', 'onnx::MatMul_9'], out: ['k'] },
    ],
  });
  assert.equal([...set.names].sort(), [
    'model.encoder.conv1.weight',
    'model.encoder.layers.0.fc1.bias',
    'model.encoder.layers.0.fc1.weight',
    'model.encoder.layers.0.fc2.weight',
    'model.encoder.layers.0.self_attn.k_proj.weight',
  ]);
  await holds(set, 'model.encoder.conv1.weight', [2, 1, 2], [1, 2, 3, 4]);
  await holds(set, 'model.encoder.layers.0.fc1.weight', [2, 3], [1, 3, 5, 2, 4, 6]);
  await holds(set, 'model.encoder.layers.0.fc2.weight', [2, 3], [1, 2, 3, 4, 5, 6]);
  await holds(set, 'model.encoder.layers.0.self_attn.k_proj.weight', [1, 2], [8, 9]);
  assert.is(await codeOf(() => set.read('other')), 'missingTensor');
});

test('merged decoder: outer tensors, both branches, a branch of its own tensors, the tied output left out', async () => {
  const layer = (n: number): string => `/model/decoder/layers.${n}/fc1/MatMul`;
  const set = await opened(
    { nodes: [] },
    {
      tensors: {
        'model.decoder.embed_tokens.weight_merged_0': f32([3, 1], 1, 2, 3),
        'onnx::MatMul_1_merged_0': f32([1, 2], 4, 5),
      },
      nodes: [
        {
          op: 'If',
          branches: [
            {
              nodes: [
                { op: 'MatMul', name: layer(0), in: ['x', 'onnx::MatMul_1_merged_0'], out: ['y'] },
                { op: 'Transpose', in: ['model.decoder.embed_tokens.weight_merged_0'], out: ['t'] },
                { op: 'MatMul', name: '/proj_out/MatMul', in: ['y', 't'], out: ['logits'] },
              ],
            },
            {
              tensors: { inner: f32([1, 2], 6, 7) },
              nodes: [
                { op: 'MatMul', name: layer(0), in: ['x', 'onnx::MatMul_1_merged_0'], out: ['y'] },
                { op: 'MatMul', name: layer(1), in: ['y', 'inner'], out: ['z'] },
                { op: 'Constant', out: ['c'], value: f32([1, 1], 8) },
                { op: 'MatMul', name: layer(2), in: ['z', 'c'], out: ['w'] },
              ],
            },
          ],
        },
      ],
    },
  );
  assert.is(set.names.length, 4);
  await holds(set, 'model.decoder.embed_tokens.weight', [3, 1], [1, 2, 3]);
  await holds(set, 'model.decoder.layers.0.fc1.weight', [2, 1], [4, 5]);
  await holds(set, 'model.decoder.layers.1.fc1.weight', [2, 1], [6, 7]);
  await holds(set, 'model.decoder.layers.2.fc1.weight', [1, 1], [8]);
});

/** The nodes that onnxruntime makes of one linear layer. */
const linear = (layer: string, w: string): TestGraph['nodes'] => [
  { op: 'DynamicQuantizeLinear', in: ['x'], out: ['xq', 'xs', 'xz'] },
  { op: 'MatMulInteger', name: `/${layer}/MatMul_quant`, in: ['xq', `${w}_q`, 'xz', `${w}_z`], out: [`${layer}_i`] },
  { op: 'Cast', in: [`${layer}_i`], out: [`${layer}_f`] },
  { op: 'Mul', in: ['xs', `${w}_s`], out: [`${layer}_s`] },
  { op: 'Mul', in: [`${layer}_f`, `${layer}_s`], out: [`${layer}_y`] },
];

test('q8: per tensor and per channel, signed and unsigned, rounded once', async () => {
  const scale = Math.fround(0.1);
  const set = await opened({
    tensors: {
      a_q: u8([2, 3], 0, 1, 255, 128, 127, 3),
      a_s: { shape: [], type: 1, floats: [0.1] },
      a_z: { shape: [], type: 2, ints: [128] },
      b_q: i8([2, 3], -128, 1, 127, 2, 3, 4),
      b_s: f32([3], 1, 2, 0.5),
      b_z: i8([3], 0, -1, 7),
      embed: i8([3, 2], 1, 2, 3, 4, 5, 6),
      embed_s: f32([], 0.5),
      'embed_tokens.weight_quantized': i8([3, 2], 1, 2, 3, 4, 5, 6),
      'conv1.weight_quantized': u8([1, 1, 2], 7, 9),
      conv1_z: u8([], 8),
      conv1_s: f32([], 3),
    },
    nodes: [
      ...linear('layers.0.fc1', 'a'),
      ...linear('layers.0.fc2', 'b'),
      { op: 'Gather', in: ['embed_tokens.weight_quantized', 'ids'], out: ['rows'] },
      { op: 'DequantizeLinear', in: ['rows', 'embed_s'], out: ['e'] },
      {
        op: 'ConvInteger',
        name: '/conv1/Conv_quant',
        in: ['xq', 'conv1.weight_quantized', 'xz', 'conv1_z'],
        out: ['ci'],
      },
      { op: 'Cast', in: ['ci'], out: ['cf'] },
      { op: 'Mul', in: ['xs', 'conv1_s'], out: ['cs'] },
      { op: 'Mul', in: ['cs', 'cf'], out: ['c'] },
      { op: 'DequantizeLinear', in: ['b_q', 'b_s', 'b_z'], out: ['b'], ints: { axis: 1 } },
      { op: 'MatMul', name: '/layers.1/fc1/MatMul', in: ['x', 'b'], out: ['y'] },
    ],
  });
  await holds(
    set,
    'model.encoder.layers.0.fc1.weight',
    [3, 2],
    [-128, 0, -127, -1, 127, -125].map((q) => q * scale),
  );
  const b = [-128, 2, 4, 8, 60, -1.5];
  await holds(set, 'model.encoder.layers.0.fc2.weight', [3, 2], b);
  await holds(set, 'model.encoder.layers.1.fc1.weight', [3, 2], b);
  await holds(set, 'model.encoder.embed_tokens.weight', [3, 2], [0.5, 1, 1.5, 2, 2.5, 3]);
  await holds(set, 'model.encoder.conv1.weight', [1, 1, 2], [-3, 3]);
});

test('external data beside the file; a path out of the folder is refused', async () => {
  const graph = (external: Record<string, string>): TestGraph => ({
    tensors: { 'layer_norm.weight': { shape: [2], type: 1, external } },
    nodes: [],
  });
  const open = (external: Record<string, string>): Promise<TensorSet | undefined> =>
    openOnnxFiles(
      folder({
        'encoder_model.onnx': graph(external),
        'decoder_model_merged.onnx': { nodes: [] },
        'encoder_model.onnx_data': new Uint8Array(Float32Array.of(1, 2, 3).buffer),
      }),
    );
  const set = await open({ location: 'encoder_model.onnx_data', offset: '4', length: '8' });
  await holds(set!, 'model.encoder.layer_norm.weight', [2], [2, 3]);
  assert.is(await codeOf(() => open({ location: '../secret' })), 'badOnnx');
  assert.is(await codeOf(() => open({ location: 'none' })), 'missingFile');
  assert.is(await codeOf(() => open({ location: 'encoder_model.onnx_data', offset: '8', length: '8' })), 'outOfRange');
  assert.is(await codeOf(() => open({ location: 'encoder_model.onnx_data', offset: 'x', length: '8' })), 'outOfRange');
});

test('neither file is no error; a wrong size or type is', async () => {
  assert.is(await openOnnxFiles(folder({})), undefined);
  const short = await opened({ tensors: { 'a.weight': f32([3], 1, 2) }, nodes: [] });
  assert.is(await codeOf(() => short.read('model.encoder.a.weight')), 'sizeMismatch');
  const huge = await opened({ tensors: { 'a.weight': f32([2 ** 40, 2 ** 40], 1, 2) }, nodes: [] });
  assert.is(await codeOf(() => huge.read('model.encoder.a.weight')), 'sizeMismatch');
});

async function readAll(encoder: Uint8Array): Promise<void> {
  const files = { 'encoder_model.onnx': encoder, 'decoder_model_merged.onnx': onnxBytes({ nodes: [] }) };
  const set = await openOnnxFiles(folder(files));
  for (const name of set?.names ?? []) await set?.read(name);
}

test('a pointer of Git LFS is called one', async () => {
  const pointer = new TextEncoder().encode('version https://git-lfs.github.com/spec/v1\n');
  assert.is(await codeOf(() => readAll(pointer)), 'lfsPointer');
  assert.is(await codeOf(() => readAll(new Uint8Array())), 'badOnnx');
});

test('a graph of more parts than any export has is refused before they fill the memory', async () => {
  const field = (number: number, bytes: Buffer): Buffer => {
    const length = [0, 7, 14, 21].map((shift) => ((bytes.length >> shift) & 0x7f) | (shift < 21 ? 0x80 : 0));
    return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
  };
  const many = (count: number, ...bytes: number[]): Buffer => Buffer.alloc(count * bytes.length, Buffer.from(bytes));
  const float = [(4 << 3) | 5, 0, 0, 0x80, 0x3f];
  for (const [what, graph] of [
    ['nodes without anything', many(3e5, (1 << 3) | 2, 0)],
    ['inputs without a name', field(1, many(3e5, (1 << 3) | 2, 0))],
    ['tensors without anything', many(3e5, (5 << 3) | 2, 0)],
    ['floats one by one', field(5, Buffer.concat([Buffer.from([2 << 3, 1]), many(5e3, ...float)]))],
  ] as const) {
    const model = field(7, graph);
    const files = { 'encoder_model.onnx': model, 'decoder_model_merged.onnx': model };
    assert.is(await codeOf(() => openOnnxFiles(folder(files))), 'badOnnx', what);
  }
  const shape = Buffer.from([1 << 3, 3, 2 << 3, 1]);
  const few = field(7, field(5, Buffer.concat([shape, field(8, Buffer.from('a.weight')), many(3, ...float)])));
  const set = await openOnnxFiles(folder({ 'encoder_model.onnx': few, 'decoder_model_merged.onnx': few }));
  assert.ok(set);
  await holds(set, 'model.encoder.a.weight', [3], [1, 1, 1]);
});

test('property: truncated or flipped, a file gives a WeightsError or tensors, nothing else (seed 2)', async () => {
  const bytes = onnxBytes({
    tensors: { 'conv1.weight': f32([2, 1, 2], 1, 2, 3, 4), a_q: u8([2, 1], 1, 2), a_z: u8([], 1), a_s: f32([], 2) },
    nodes: [...linear('layers.0.fc1', 'a'), { op: 'If', branches: [{ nodes: [...linear('layers.1.fc1', 'a')] }] }],
  });
  await readAll(bytes);
  let refused = 0;
  // codeOf lets anything but a SottoError through, which fails this test.
  for (let n = 0; n < bytes.length; n++) if ((await codeOf(() => readAll(bytes.subarray(0, n)))) !== 'none') refused++;
  assert.is(refused, bytes.length);
  const draw = randomStream(2);
  for (let round = 0; round < 2000; round++) {
    const broken = bytes.slice();
    for (let n = 1 + Math.floor(draw() * 3); n > 0; n--) {
      broken[Math.floor(draw() * bytes.length)]! ^= 1 << Math.floor(draw() * 8);
    }
    await codeOf(() => readAll(broken));
  }
});

interface Reference {
  readonly tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly sha256: string }>>;
}

for (const [size, files] of [
  ['tiny', tinyPackage],
  ['base', basePackage],
] as const) {
  test(`every tensor of sts-whisper-${size} has the reference's bytes`, async () => {
    const shared = sharedDir ?? sharedOrSkip(`the tensors of ${size}`);
    if (!shared) return;
    const reference: Reference = JSON.parse(readFileSync(join(shared, `reference/${size}-tensors.json`), 'utf8'));
    const set = await openOnnxFiles(openFolder(join(files, 'onnx')));
    assert.ok(set);
    assert.equal([...set.names].sort(), Object.keys(reference.tensors).sort());
    for (const [name, { shape, sha256 }] of Object.entries(reference.tensors)) {
      assert.equal(set.shape(name), shape, name);
      const hash = createHash('sha256').update(new Uint8Array((await set.read(name)).values.buffer));
      assert.is(hash.digest('hex'), sha256, name);
    }
    await set.close();
  });
}

test.run();
