/** CONTRIBUTING.md's kernel, word for word: it compiles in a copy of the sources, is right on the CPU, and wrong when broken. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { repoRoot } from '../support/paths.ts';

const test = suite('CONTRIBUTING.md');
const copy = mkdtempSync(join(tmpdir(), 'sotto-contributing-'));
test.after(() => rmSync(copy, { recursive: true }));

const text = readFileSync(join(repoRoot, 'CONTRIBUTING.md'), 'utf8');
const [kernel, importLine, registryLine] = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((block) => block[1]!);

function node(...args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { cwd: copy, encoding: 'utf8' });
  return `${stdout}${stderr}${status}`;
}

/** Puts a line below `search` in a file of the copy, unless it is there: somebody may be following the text right now. */
function insertBelow(file: string, search: string, line: string): void {
  const before = readFileSync(join(copy, file), 'utf8');
  if (before.includes(line)) return;
  assert.is(before.split(search).length, 2, `one "${search}" in ${file}`);
  writeFileSync(
    join(copy, file),
    before.replace(search, () => `${search}${line}`),
  );
}

function buildAndCheck(source: string): string {
  writeFileSync(join(copy, 'src/kernels/norm/rmsNorm.ts'), source);
  assert.is(node('node_modules/typescript/bin/tsc', '-b', 'tsconfig.core.json'), '0', 'it compiles');
  node('dist/src/devices/wasm/embedWorker.js');
  return node('dist/src/cli/main.js', 'kernel', 'rmsNorm', '--check_only', 'True', '--device', 'cpu');
}

test('the kernel of the text compiles, is right, and its check sees the bugs that the text plants', () => {
  for (const part of ['src', 'types', 'dist', 'package.json', 'tsconfig.json', 'tsconfig.core.json'])
    cpSync(join(repoRoot, part), join(copy, part), { recursive: true });
  symlinkSync(join(repoRoot, 'node_modules'), join(copy, 'node_modules'));
  insertBelow('src/kernels/registry.ts', "import * as layerNorm from './norm/layerNorm.ts';\n", importLine!);
  insertBelow('src/kernels/registry.ts', '  { kernel: layerNorm.layerNorm, ...layerNorm },\n', registryLine!);
  assert.match(
    buildAndCheck(kernel!),
    /\n {2}rmsNorm\/rows: \d+ cases, worst error 0\.\d\d of the tolerance\n\nall right\n0$/,
  );

  const broken = kernel!.replace('f.splat(1 / n)', 'f.splat(1)');
  assert.is.not(broken, kernel);
  assert.match(buildAndCheck(broken), 'WRONG rmsNorm/rows');
});

test.run();
