/** Tables on disk: one an adapter, read when a GPU is opened; what is wrong with one costs a sentence. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CORE_GPU } from '../../src/engine/wgsl/features.ts';
import type { Prefers } from '../../src/engine/wgsl/tuning.ts';
import type { Platform } from '../../src/runtime/platform.ts';
import { choiceKey, fingerprint } from '../../src/tuning/choiceKey.ts';
import { identityOf, readTableFile, tablePath, writeTableFile } from '../../src/tuning/nodeTableFile.ts';
import { withTuning } from '../../src/tuning/nodeTuning.ts';
import { MOST_BYTES, type TuningTable, tableText } from '../../src/tuning/table.ts';
import { inFolder } from '../support/folder.ts';
import { choices, copyCommand, copyModule, VARIANTS } from '../support/tunedCopy.ts';

const test = suite('tuning/nodeTuning');
const module = copyModule();
const command = copyCommand(module, 100);
const platform = { name: 'node' } as Platform; // nothing else is asked for

interface Info {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
}
const infoOf = (description: string): Info => ({ vendor: 'acme', architecture: 'a', device: '', description });

function tableFor(info: Info, variants = fingerprint(command, VARIANTS, CORE_GPU)): TuningTable {
  const use = { variants, wrong: [], ranges: [{ variant: 'any', rule: 'few', points: [] }] };
  return {
    adapter: identityOf(info, 'dawn'),
    madeBy: '0',
    date: '',
    uses: new Map([[choiceKey(command), use]]),
  };
}

/** With a cache of its own; `open` is what a device that is opened asks, `told` what was said meanwhile. */
async function inCache(
  work: (parts: {
    open(info: Info, tuned?: boolean): Promise<Prefers | undefined>;
    told: string[];
    folder: string;
  }) => Promise<void>,
): Promise<void> {
  await inFolder(async (root) => {
    const { SOTTO_CACHE } = process.env;
    const folder = join(root, 'cache');
    process.env.SOTTO_CACHE = folder;
    try {
      const told: string[] = [];
      const onWarning = ({ code, message }: { readonly code: string; readonly message: string }): void => {
        assert.is(code, 'notTuned');
        assert.not.match(message, '\n');
        told.push(message);
      };
      const platforms = [true, false].map((tuned) => withTuning(platform, { tuned, onWarning }));
      // A GPU's info has more, of which nothing is looked at.
      const open = async (info: Info, tuned = true) =>
        platforms[tuned ? 0 : 1]!.tuning?.(info as GPUAdapterInfo, CORE_GPU);
      await work({ open, told, folder });
    } finally {
      if (SOTTO_CACHE === undefined) delete process.env.SOTTO_CACHE;
      else process.env.SOTTO_CACHE = SOTTO_CACHE;
    }
  });
}

test('what was written for an adapter is found by it, and by no other', () =>
  inCache(async ({ open, told, folder }) => {
    const [one, other] = [infoOf('GPU one'), infoOf('GPU two')];
    assert.is(await open(one), undefined);
    const path = tablePath(identityOf(one, 'dawn'));
    writeTableFile(path, tableFor(one));
    assert.equal(readdirSync(join(folder, 'tuning')), [path.slice(dirname(path).length + 1)]);
    assert.match(path, /\/gpu-one-[0-9a-f]{12}\.json$/);
    assert.is(choices(module, command, await open(one)), 'any to 100');
    assert.is(await open(other), undefined);
    assert.is(await open({ ...one, architecture: 'b' }), undefined);
    // Another compiler of shaders makes other code.
    assert.is.not(tablePath(identityOf(one, 'wgpu')), path);
    assert.equal(told, []);
  }));

test('tuned: false does without', () =>
  inCache(async ({ open, told }) => {
    const info = infoOf('GPU');
    writeTableFile(tablePath(identityOf(info, 'dawn')), tableFor(info));
    assert.ok(await open(info));
    assert.is(await open(info, false), undefined);
    assert.equal(told, []);
  }));

test('a new table is in the place of the old one, whole', () =>
  inCache(async ({ open, folder }) => {
    const info = infoOf('GPU');
    const path = tablePath(identityOf(info, 'dawn'));
    writeTableFile(path, tableFor(info, 'old'));
    writeTableFile(path, tableFor(info));
    assert.is(readFileSync(path, 'utf8'), tableText(tableFor(info)));
    assert.is(readdirSync(join(folder, 'tuning')).length, 1);
    assert.is(choices(module, command, await open(info)), 'any to 100');
  }));

test('a table of another version is told when it would have counted, and once', () =>
  inCache(async ({ open, told }) => {
    const info = infoOf('GPU');
    const path = tablePath(identityOf(info, 'dawn'));
    writeTableFile(path, tableFor(info, 'of other variants'));
    for (let i = 0; i < 2; i++) {
      const prefers = await open(info);
      assert.is(told.length, i);
      assert.is(choices(module, command, prefers), 'few to 8, many to 100');
      assert.is(told.length, 1);
    }
    assert.match(
      told[0]!,
      `${path} is of another version of sotto, at least in part: rules of thumb choose the kernels. To measure again: sotto kernel --tune`,
    );
  }));

test('a file that is no table is told, and nothing is chosen by it', () =>
  inCache(async ({ open, told }) => {
    const info = infoOf('GPU');
    const path = tablePath(identityOf(info, 'dawn'));
    mkdirSync(dirname(path), { recursive: true });
    const rows: readonly (readonly [string, string])[] = [
      ['', 'is damaged: it is not JSON'],
      [tableText(tableFor(info)).slice(0, 300), 'is damaged: it is not JSON'],
      [' '.repeat(MOST_BYTES + 1), 'is larger than a table can be'],
      [tableText({ ...tableFor(info), adapter: identityOf(infoOf('another'), 'dawn') }), 'is that of another GPU'],
      [tableText(tableFor(info)).replace('"version": 1', '"version": 2'), 'was made by another version of sotto'],
    ];
    for (const [text, why] of rows) {
      told.length = 0;
      writeFileSync(path, text);
      const fresh: string[] = [];
      const find = withTuning(platform, { onWarning: ({ message }) => fresh.push(message) }).tuning;
      assert.is(await find?.(info as unknown as GPUAdapterInfo, CORE_GPU), undefined, why);
      assert.is(fresh.length, 1, why);
      assert.match(fresh[0]!, `${path} ${why}: rules of thumb`);
    }
    // Once for one platform, however often its device is opened.
    await open(info);
    await open(info);
    assert.is(told.length, 1);
  }));

test('a folder, a pipe, a loop of links and a file in the way are no tables', () =>
  inCache(async ({ open, told, folder }) => {
    const paths = ['a', 'b', 'c'].map((name) => tablePath(identityOf(infoOf(name), 'dawn')));
    mkdirSync(paths[0]!, { recursive: true });
    symlinkSync(paths[1]!, paths[1]!);
    await open(infoOf('a'));
    await open(infoOf('b'));
    assert.match(told[0]!, 'is no file');
    assert.match(told[1]!, 'cannot be read: its links lead in a circle');
    const pipe = tablePath(identityOf(infoOf('pipe'), 'dawn'));
    if (spawnSync('mkfifo', [pipe]).status === 0) {
      await open(infoOf('pipe'));
      assert.match(told.pop()!, `${pipe} is no file`);
    }
    process.env.SOTTO_CACHE = join(folder, 'file');
    writeFileSync(join(folder, 'file'), '');
    assert.is(await open(infoOf('c')), undefined);
    assert.is(told.length, 2);
  }));

test('an adapter may say anything of itself', () =>
  inCache(async ({ folder }) => {
    for (const description of ['', '../../../etc/passwd', 'x'.repeat(5000), 'NVIDIA\0\n"H200"', '世界']) {
      const adapter = identityOf({ ...infoOf(description), vendor: '' }, 'dawn');
      const path = tablePath(adapter);
      assert.is(dirname(path), join(folder, 'tuning'));
      assert.match(path, /\/[a-z0-9-]{16,80}\.json$/);
      writeTableFile(path, { ...tableFor(infoOf('')), adapter });
      assert.ok(readTableFile(path, adapter));
    }
    assert.equal(identityOf({}, 'dawn').vendor, '');
  }));

test.run();
