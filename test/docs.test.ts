/** The documents name files and folders that are there. That CONTRIBUTING.md's kernel works: kernels/contributing.test.ts. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { repoRoot } from './support/paths.ts';

const test = suite('documents');

/** Every path in the repository, also without its first folders: `src/base/bytes.ts`, `base/bytes.ts`, `bytes.ts`. */
const known = new Set<string>();
for (const top of ['src', 'weights', 'packaging', 'test', 'bench', 'docs', 'examples', 'assets', 'types', 'web']) {
  known.add(top);
  for (const path of readdirSync(join(repoRoot, top), { recursive: true, encoding: 'utf8' })) {
    if (path.includes('node_modules')) continue;
    const parts = [top, ...path.split(/[\\/]/)];
    for (let i = 0; i < parts.length; i++) known.add(parts.slice(i).join('/'));
  }
}

/** Names of packages, of what is exported, and of files that a reader is to make. */
const NO_PATH =
  /^(sotto\/|out\/|Xenova\/|openai\/|owner\/|audio\/pcm|multipart\/|@|\.)|\b[A-Z]+\b|rmsNorm|^(kernels\/(reference|compile|threads))$|^(fft|transformers|wavesurfer)\.js$|^dist\/(site|cdn\/sotto\.min\.js)$/;

function paths(text: string): string[] {
  const quoted = [...text.matchAll(/`([\w@./-]+)`/g)].map((match) => match[1]!);
  const isPath = (word: string): boolean => /^[\w.-]+(\/[\w.-]+)+\/?$|\.(ts|js)$/.test(word);
  return quoted.filter((word) => isPath(word) && !NO_PATH.test(word));
}

/** Tests are named by what the build makes of them, too. */
function exists(path: string): boolean {
  const file = path.replace(/^dist\//, '').replace(/\/$/, '');
  return known.has(file) || known.has(file.replace(/\.js$/, '.ts'));
}

test('a path that is there is known, and one that is not is seen', () => {
  assert.equal(paths('`src/audio`, `sotto/lab`, `engine/dtype.ts`, `X.wgsl.ts`, `f32`'), [
    'src/audio',
    'engine/dtype.ts',
  ]);
  assert.ok(exists('engine/dtype.ts') && exists('src/audio') && exists('dist/test/kernels/cpu.test.js'));
  assert.not.ok(exists('engine/contract.ts') || exists('src/platform'));
});

const guides = readdirSync(join(repoRoot, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
for (const document of [
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'README.md',
  'bench/README.md',
  'bench/results/decoding.md',
  ...guides,
]) {
  test(`${document}: every path is there`, () => {
    const found = paths(readFileSync(join(repoRoot, document), 'utf8'));
    assert.equal(
      found.filter((path) => !exists(path)),
      [],
    );
  });
}

test('the page has the policy that its document tells', () => {
  const html = readFileSync(join(repoRoot, 'web/page/index.html'), 'utf8');
  const policy = /http-equiv="content-security-policy" content="([^"]+)"/.exec(html)?.[1];
  assert.ok(policy);
  assert.ok(readFileSync(join(repoRoot, 'docs/page.md'), 'utf8').includes(`\n${policy}\n`), policy);
});

test.run();
