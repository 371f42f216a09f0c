import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Packr } from 'msgpackr/pack';
import { unpack } from 'msgpackr/unpack';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { WeightsError } from '../../src/base/errors.ts';
import type { Warning } from '../../src/base/progress.ts';
import { checkTensors, type ModelFiles, openModelFiles, readJsonFiles } from '../../src/checkpoint/modelFiles.ts';
import { memorySource, type OpenSource } from '../../src/checkpoint/source.ts';
import type { TensorSet } from '../../src/checkpoint/tensorSet.ts';
import { unpackJsonCache } from '../../src/checkpoint/unpackJsonCache.ts';
import { openUrlFolder } from '../../src/checkpoint/urlSource.ts';
import type { ModelDimensions } from '../../src/model/dims.ts';
import { tensorSpecs } from '../../src/model/tensorSpec.ts';
import { openFolder } from '../../weights/fileSource.ts';
import { packJsonCache } from '../../weights/packJsonCache.ts';
import { sendFile, serve } from '../support/httpServer.ts';
import { tinyPackage } from '../support/paths.ts';
import { randomWeights } from '../support/plainWhisper.ts';
import { shapeClasses, writeRandomModel } from '../support/randomModel.ts';
import { codeOf, reasonOf } from '../support/throws.ts';

const test = suite('modelFiles');

/** Small in every way: the vocabulary keeps 1000 text tokens. */
const small: ModelDimensions = { ...shapeClasses.tiny!, nVocab: 1000 + 107 + 1501, nAudioCtx: 20 };

let root = '';
test.before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-model-'));
  await writeRandomModel(join(root, 'small'), small, 1);
});
test.after(() => rm(root, { recursive: true }));

async function withModel(open: OpenSource, use: (model: ModelFiles) => Promise<void> | void): Promise<void> {
  const model = await openModelFiles(open);
  try {
    await use(model);
  } finally {
    await model.close();
  }
}

/** The small model with some files replaced; undefined takes one away. */
function changed(files: Readonly<Record<string, string | Uint8Array | undefined>>): OpenSource {
  const rest = openFolder(join(root, 'small'));
  return async (name) => {
    if (!Object.hasOwn(files, name)) return rest(name);
    const file = files[name];
    return file === undefined
      ? undefined
      : memorySource(name, typeof file === 'string' ? new TextEncoder().encode(file) : file);
  };
}

/** As far as tests reach into it; config files have none of this. */
interface EditableJson {
  readonly added_tokens: Record<string, unknown>[];
  readonly model: { readonly vocab: Record<string, unknown>; readonly merges: unknown[] };
}

async function edited(file: string, edit: (json: EditableJson) => unknown): Promise<OpenSource> {
  const json: EditableJson = JSON.parse(await readFile(join(root, 'small', file), 'utf8'));
  edit(json);
  return changed({ [file]: JSON.stringify(json) });
}

for (const [name, dims] of Object.entries(shapeClasses)) {
  test(`a model of the shape of ${name}`, async () => {
    await writeRandomModel(join(root, name), dims, 2, { dtype: 'F16', shards: name === 'large-v3' ? 3 : 1 });
    await withModel(openFolder(join(root, name)), async (model) => {
      assert.equal(model.dims, dims);
      assert.is(model.isMultilingual, !name.endsWith('.en'));
      const { specials, timestampBegin, tokenOffsets } = model.tokenizer;
      assert.is(tokenOffsets.length - 1, name.endsWith('.en') ? 50256 : 50257);
      assert.is(specials['<|endoftext|>'], name.endsWith('.en') ? 50256 : 50257);
      assert.is(timestampBegin, dims.nVocab - 1501);
      assert.is(Object.hasOwn(specials, '<|yue|>'), dims.nVocab === 51866);
      assert.equal(model.shape('model.encoder.conv1.weight'), [8, dims.nMels, 3]);
      assert.is((await model.tensor('model.decoder.embed_tokens.weight')).values.length, dims.nVocab * 8);
      assert.equal(model.generation.alignmentHeads, [[dims.nTextLayer - 1, 0]]);
    });
  });
}

test('every tensor is what was written, in one file, in shards, and without the prefix model.', async () => {
  const weights = randomWeights(small, 1);
  await writeRandomModel(join(root, 'sharded'), small, 1, { shards: 3 });
  const file = await readFile(join(root, 'small', 'model.safetensors'));
  const bare = Buffer.from(file.toString('latin1').replaceAll('"model.', '      "'), 'latin1');
  for (const open of [
    openFolder(join(root, 'small')),
    openFolder(join(root, 'sharded')),
    changed({ 'model.safetensors': bare }),
  ]) {
    await withModel(open, async (model) => {
      assert.equal([...model.tensorNames].sort(), [...weights.keys()].sort());
      for (const [name, values] of weights) assert.equal((await model.tensor(name)).values, values, name);
    });
  }
});

test('over HTTP, by range', async () => {
  const server = await serve(async (request, response) => {
    const file = await readFile(join(root, 'small', request.url ?? '')).catch(() => undefined);
    if (file) sendFile(request, response, file);
    else response.writeHead(404).end();
  });
  try {
    await withModel(openUrlFolder(server.url), async (model) => {
      assert.is((await model.tensor('model.decoder.layer_norm.bias')).values.length, 8);
    });
  } finally {
    await server.close();
  }
});

test('the tokenizer of tiny: bytes, specials under their own names, timestamps not among them', async () => {
  const { tokenizer, config } = await readJsonFiles(openFolder(tinyPackage));
  const bytes = (id: number): string =>
    Buffer.from(tokenizer.tokenBytes.subarray(tokenizer.tokenOffsets[id], tokenizer.tokenOffsets[id + 1])).toString(
      'latin1',
    );
  assert.equal([0, 220, 50256, 198, 188].map(bytes), ['!', ' ', '', '\n', '\x00']);
  assert.equal(
    [...Array(256).keys()].map(bytes).sort(),
    [...Array(256).keys()].map((b) => String.fromCharCode(b)).sort(),
  );
  assert.is(tokenizer.specials['<|nospeech|>'], 50362);
  assert.is(tokenizer.specials['<|en|>'], 50259);
  assert.is(Object.keys(tokenizer.specials).length, 107);
  assert.is(tokenizer.timestampBegin, 50364);
  assert.equal(config.generation.alignmentHeads, [
    [2, 2],
    [3, 0],
    [3, 2],
    [3, 3],
    [3, 4],
    [3, 5],
  ]);
  assert.equal(config.generation.beginSuppressTokens, [220, 50257]);
});

test('the cache gives the same; stale, damaged or of another version it is ignored with a warning', async () => {
  const derived = await readJsonFiles(openFolder(join(root, 'small')));
  const cache = packJsonCache(derived);
  assert.equal(await unpackJsonCache('cache', cache), derived);
  const warnings: string[] = [];
  const options = { onWarning: ({ code }: Warning) => warnings.push(code) };
  const codes = async (files: Record<string, Uint8Array | string>): Promise<string> => {
    warnings.length = 0;
    const model = await openModelFiles(changed(files), options);
    assert.equal(model.tokenizer, derived.tokenizer);
    await model.close();
    return warnings.join();
  };
  assert.is(await codes({ 'sotto.msgpack': cache }), '');
  assert.is(await codes({ 'sotto.msgpack': cache.subarray(0, 5000) }), 'badSideFile');
  assert.is(await codes({ 'sotto.msgpack': 'hello' }), 'badSideFile');
  assert.is(await codes({ 'sotto.msgpack': new Uint8Array(3e6).fill(0x90) }), 'tooLarge');
  const newer = cache.slice();
  newer[newer.indexOf('sotto'.charCodeAt(0)) + 5] = 2; // the version stands right behind the first key
  assert.is(await codes({ 'sotto.msgpack': newer }), 'badSideFile');
  const generation = await readFile(join(root, 'small/generation_config.json'), 'utf8');
  assert.is(await codes({ 'sotto.msgpack': cache, 'generation_config.json': `${generation} ` }), 'staleSideFile');
});

test('a cache cut or flipped anywhere is read or refused, never worse', async () => {
  const cache = packJsonCache(await readJsonFiles(openFolder(join(root, 'small'))));
  for (let at = 0; at < cache.length; at += 97) {
    await codeOf(() => unpackJsonCache('cache', cache.subarray(0, at)));
    const flipped = cache.slice();
    flipped[at]! ^= 1 << (at % 8);
    await codeOf(() => unpackJsonCache('cache', flipped));
  }
});

test('a side file of wrong types is damaged, whatever MessagePack can name', async () => {
  const { config, tokenizer, checksums } = await readJsonFiles(openFolder(join(root, 'small')));
  const good = unpack(packJsonCache({ config, tokenizer, checksums }));
  const wrong: Readonly<Record<string, unknown>> = {
    none: null,
    number: 7,
    big: 2n ** 60n,
    text: 'x',
    list: [1],
    map: new Map([['a', 1]]),
    date: new Date(0),
    error: new TypeError('x'),
    bytes: new Uint8Array(9),
    object: { toString: 5, valueOf: 5, toJSON: 5 },
    nested: { a: { toString: 5 } },
  };
  const all = new Packr({ useRecords: false, moreTypes: true });
  for (const [kind, value] of Object.entries(wrong)) {
    for (const [what, edited] of Object.entries({
      all: value,
      ...Object.fromEntries(['stamps', 'config', 'tokenizer'].map((key) => [key, { ...good, [key]: value }])),
      ...Object.fromEntries(
        Object.keys(good.tokenizer).map((key) => [key, { ...good, tokenizer: { ...good.tokenizer, [key]: value } }]),
      ),
      ...Object.fromEntries(
        Object.keys(config).map((key) => [`config.${key}`, { ...good, config: { ...good.config, [key]: value } }]),
      ),
      ...Object.fromEntries(
        Object.keys(config.dims).map((key) => [
          `dims.${key}`,
          { ...good, config: { ...good.config, dims: { ...good.config.dims, [key]: value } } },
        ]),
      ),
    })) {
      const code = await codeOf(() => unpackJsonCache('cache', all.pack(edited)));
      if (!what.endsWith('isMultilingual')) assert.ok(code, `${kind} as ${what} was taken`);
    }
  }
});

test('int8 without its scales, with wrong ones or wrong zero points, or where it has no place', async () => {
  const matrix = 'model.decoder.layers.0.fc1.weight';
  const set = (
    dtypes: Record<string, string>,
    scale?: readonly number[],
    zeroPoint?: readonly number[],
  ): TensorSet => ({
    names: [],
    metadata: {},
    shape: (name) =>
      name.endsWith('_scale') ? scale : name.endsWith('_zero_point') ? zeroPoint : tensorSpecs(small).get(name)?.shape,
    dtype: (name) => dtypes[name] ?? 'F32',
    read: async () => ({ dtype: 'f32', values: new Float32Array() }),
    async *pieces() {},
    close: async () => {},
  });
  const rows = tensorSpecs(small).get(matrix)!.shape[0]!;
  const codeFor = (given: TensorSet): Promise<string> => codeOf(async () => checkTensors(given, small));
  const int8 = { [matrix]: 'I8' };
  assert.is(await codeFor(set(int8, [rows])), 'none');
  assert.is(await codeFor(set(int8, [rows, 1])), 'none');
  assert.is(await codeFor(set(int8)), 'missingTensor');
  for (const shape of [[], [1], [rows - 1], [rows, 2], [rows, 1, 1], [1, rows]])
    assert.is(await codeFor(set(int8, shape)), 'badShape', shape.join());
  assert.is(await codeFor(set({ ...int8, [`${matrix}_scale`]: 'I8' }, [rows])), 'badShape');
  const withZeros = { ...int8, [`${matrix}_zero_point`]: 'I8' };
  for (const shape of [[rows], [rows, 1]]) assert.is(await codeFor(set(withZeros, [rows], shape)), 'none');
  for (const shape of [[], [1], [rows, 2]]) assert.is(await codeFor(set(withZeros, [rows], shape)), 'badShape');
  assert.is(await codeFor(set(int8, [rows], [rows])), 'badShape', 'zero points are I8');
  assert.is(await codeFor(set({ 'model.decoder.layer_norm.weight': 'I8' }, [small.nTextState])), 'badDtype');
});

test('sizes are only claims: no more tensors are asked for than the file has', () => {
  let asked = 0;
  const set: TensorSet = {
    names: ['model.encoder.conv1.weight'],
    metadata: {},
    shape: (name) => {
      asked++;
      return name === 'model.encoder.conv1.weight' ? [8, 80, 3] : undefined;
    },
    dtype: () => 'F32',
    read: async () => ({ dtype: 'f32', values: new Float32Array() }),
    async *pieces() {},
    close: async () => {},
  };
  try {
    checkTensors(set, { ...small, nAudioLayer: 2 ** 20, nTextLayer: 2 ** 20 });
    assert.unreachable('it has one tensor');
  } catch (error) {
    assert.is((error as WeightsError).code, 'missingTensor');
  }
  assert.ok(asked < 10, `${asked} tensors were looked for`);
});

const broken: readonly (readonly [what: string, open: () => OpenSource | Promise<OpenSource>, code: string])[] = [
  ['no config', () => changed({ 'config.json': undefined }), 'missingFile'],
  ['no tokenizer', () => changed({ 'tokenizer.json': undefined }), 'missingFile'],
  ['no weights', () => changed({ 'model.safetensors': undefined }), 'missingFile'],
  ['config no JSON', () => changed({ 'config.json': '{' }), 'badJson'],
  [
    'a pointer of Git LFS',
    () => changed({ 'tokenizer.json': 'version https://git-lfs.github.com/spec/v1\n' }),
    'lfsPointer',
  ],
  ['another model', () => changed({ 'config.json': '{"model_type":"bert"}' }), 'notWhisper'],
  ['no sizes', () => changed({ 'config.json': '{"model_type":"whisper"}' }), 'badConfig'],
  ['absurd size', () => edited('config.json', (c) => Object.assign(c, { encoder_layers: 2 ** 40 })), 'badConfig'],
  [
    'heads do not divide',
    () => edited('config.json', (c) => Object.assign(c, { encoder_attention_heads: 3 })),
    'badConfig',
  ],
  [
    'another activation',
    () => edited('config.json', (c) => Object.assign(c, { activation_function: 'relu' })),
    'unsupported',
  ],
  ['another inner width', () => edited('config.json', (c) => Object.assign(c, { decoder_ffn_dim: 16 })), 'unsupported'],
  [
    'more layers than weights',
    () => edited('config.json', (c) => Object.assign(c, { decoder_layers: 3 })),
    'missingTensor',
  ],
  ['another width', () => edited('config.json', (c) => Object.assign(c, { num_mel_bins: 128 })), 'badShape'],
  [
    'heads beyond the model',
    () => edited('generation_config.json', (c) => Object.assign(c, { alignment_heads: [[9, 0]] })),
    'badConfig',
  ],
  [
    'more heads than the model has, each named again',
    () => edited('generation_config.json', (c) => Object.assign(c, { alignment_heads: Array(99).fill([0, 0]) })),
    'badConfig',
  ],
  [
    'a suppressed id beyond the vocabulary',
    () => edited('generation_config.json', (c) => Object.assign(c, { suppress_tokens: [small.nVocab] })),
    'badConfig',
  ],
  [
    'a suppressed id below zero',
    () => edited('generation_config.json', (c) => Object.assign(c, { begin_suppress_tokens: [-1] })),
    'badConfig',
  ],
  ['a long context', () => edited('config.json', (c) => Object.assign(c, { max_target_positions: 1e9 })), 'badConfig'],
  ['a long window', () => edited('config.json', (c) => Object.assign(c, { max_source_positions: 2e5 })), 'badConfig'],
  [
    'more mel bins than a spectrum',
    () => edited('config.json', (c) => Object.assign(c, { num_mel_bins: 5e5 })),
    'badConfig',
  ],
  [
    'sizes of other kinds',
    () => edited('config.json', (c) => Object.assign(c, { encoder_layers: { toString: 1 } })),
    'badConfig',
  ],
  ['config of 2 MB', () => changed({ 'config.json': ' '.repeat(2e6) }), 'tooLarge'],
  ['tokenizer of 10 MB', () => changed({ 'tokenizer.json': ' '.repeat(1e7) }), 'tooLarge'],
  ['two million empty lists', () => changed({ 'tokenizer.json': `{"a":[${'[],'.repeat(2e6)}[]]}` }), 'tooLarge'],
  [
    'a tensor of a type that is no weight',
    async () => changed({ 'model.safetensors': await retyped('model.encoder.layer_norm.weight', 'I32') }),
    'badDtype',
  ],
  ['tokenizer without model', () => changed({ 'tokenizer.json': '{}' }), 'badTokenizer'],
  ['a special missing', () => edited('tokenizer.json', (t) => t.added_tokens.pop()), 'badTokenizer'],
  [
    'a special beyond the vocabulary',
    () => edited('tokenizer.json', (t) => Object.assign(t.added_tokens[0]!, { id: 9999 })),
    'badTokenizer',
  ],
  [
    'a hole in the ids',
    () => edited('tokenizer.json', (t) => Object.assign(t.model.vocab, { '!': 9999 })),
    'badTokenizer',
  ],
  ['an id twice', () => edited('tokenizer.json', (t) => Object.assign(t.model.vocab, { '!': 1 })), 'badTokenizer'],
  ['a foreign character', () => edited('tokenizer.json', (t) => rename(t.model.vocab, '!', '\u4e00')), 'badTokenizer'],
  ['merges out of order', () => edited('tokenizer.json', (t) => t.model.merges.reverse()), 'badTokenizer'],
];
/** The weights with another dtype of the same size in one tensor's entry. */
async function retyped(name: string, dtype: string): Promise<Uint8Array> {
  const text = (await readFile(join(root, 'small/model.safetensors'))).toString('latin1');
  const at = text.indexOf('"F32"', text.indexOf(`"${name}"`));
  return Buffer.from(`${text.slice(0, at)}"${dtype}"${text.slice(at + 5)}`, 'latin1');
}

function rename(vocab: Record<string, unknown>, from: string, to: string): void {
  vocab[to] = vocab[from];
  delete vocab[from];
}
for (const [what, open, code] of broken) {
  test(`refused: ${what}`, async () => {
    assert.is(await codeOf(async () => openModelFiles(await open())), code);
  });
}

test('two hundred thousand special tokens are more than a call takes arguments', async () => {
  const open = await edited('tokenizer.json', (t) => {
    for (let i = 0; i < 2e5; i++) t.added_tokens.push({ content: `<|s${i}|>`, id: 1000 });
  });
  await withModel(open, ({ tokenizer }) => assert.ok(Object.keys(tokenizer.specials).length > 2e5));
});

test('an index is checked against its files', async () => {
  await mkdir(join(root, 'index'), { recursive: true });
  const one = await readFile(join(root, 'small/model.safetensors'));
  const index = (map: unknown): OpenSource =>
    changed({
      'model.safetensors': undefined,
      'a.safetensors': one,
      'b.safetensors': undefined,
      'model.safetensors.index.json': JSON.stringify({ weight_map: map }),
    });
  const name = 'model.encoder.conv1.bias';
  for (const [map, code] of [
    [undefined, 'badIndex'],
    [{ [name]: '../secret.safetensors' }, 'badIndex'],
    [{ [name]: 7 }, 'badIndex'],
    [{ [name]: 'b.safetensors' }, 'missingFile'],
    [{ other: 'a.safetensors' }, 'missingTensor'],
    [{ [name]: 'a.safetensors' }, 'missingTensor'],
  ] as const) {
    assert.is(await codeOf(() => openModelFiles(index(map))), code, JSON.stringify(map));
  }
});

test('an abort comes out as its reason', async () => {
  const signal = AbortSignal.abort(new RangeError('enough'));
  assert.is(await reasonOf(() => openModelFiles(openFolder(join(root, 'small')), { signal })), signal.reason);
});

test.run();
