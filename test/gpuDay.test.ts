/** The day's program on a software adapter: parts run in processes of their own, and what they find is kept. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readTable } from '../src/tuning/table.ts';
import { program } from './support/command.ts';
import { inFolder } from './support/folder.ts';
import { repoRoot } from './support/paths.ts';
import { openOrSkip } from './support/webgpu.ts';

const test = suite('gpu day');
const device = await openOrSkip('a GPU day');
await device?.close();

const day = (folder: string, ...args: string[]) =>
  program(join(repoRoot, 'dist/bench/gpu-day/run.js'), ['--out', folder, ...args], {
    env: { XDG_RUNTIME_DIR: '/tmp' },
  });
const read = (folder: string, part: string): Record<string, unknown>[] =>
  JSON.parse(readFileSync(join(folder, `${part}.json`), 'utf8')) as Record<string, unknown>[];

if (device) {
  test('small: what is there, and a part', () =>
    inFolder(async (root) => {
      const folder = join(root, 'day');
      const { status, stdout, stderr } = await day(folder, '--small', '--only', 'probe,conformance,tune');
      assert.is(status, 0, `${stdout}${stderr}`);
      const [adapter, features] = read(folder, 'probe');
      assert.type(adapter?.description, 'string');
      assert.ok(Array.isArray(features?.features));
      const [kernel, done] = read(folder, 'conformance');
      assert.is(kernel?.kernel, 'layerNorm');
      assert.is(kernel?.wrong, 0);
      assert.is(done?.done, 'conformance');
      assert.match(stdout, /== \d+ s: conformance \{"status":0/);
      const [table] = readdirSync(join(folder, 'tuning'));
      assert.is(readTable(readFileSync(join(folder, 'tuning', table!), 'utf8')).uses.size, 1);
      assert.ok(existsSync(`${folder}.tar.gz`));
    }));

  test('a part that fails or has no time is told, and the others run', () =>
    inFolder(async (root) => {
      const folder = join(root, 'day');
      const { status, stdout } = await day(folder, '--only', 'probe,conformance', '--seconds', '5');
      // No software adapter without --small; and less time than a part wants.
      assert.match(stdout, /probe.*left out: no time/);
      assert.is(status, 0);
      const failing = await day(folder, '--only', 'probe,conformance');
      if (device.isSoftware) {
        assert.is(failing.status, 1);
        assert.match(failing.stdout, /probe: failed probe, why .*software/);
        assert.match(failing.stdout, /conformance: failed conformance, why .*software/);
      }
    }));
}
test.run();
