/** jsr.json against package.json, and against Deno, which checks types and sends nothing. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { run } from '../runtimes/children.ts';
import { denoOrSkip } from '../runtimes/runtimes.ts';
import { repoRoot } from '../support/paths.ts';

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, unknown>>;
}

const read = <T>(name: string): T => JSON.parse(readFileSync(join(repoRoot, name), 'utf8')) as T; // our own files
const jsr = read<Manifest & { readonly imports: Readonly<Record<string, string>> }>('jsr.json');
const npm = read<
  Manifest & Readonly<Record<'dependencies' | 'optionalDependencies', Readonly<Record<string, string>>>>
>('package.json');

const test = suite('jsr');

test('version, licence, parts and packages are those of package.json', () => {
  assert.is(jsr.version, npm.version);
  assert.is(jsr.license, npm.license);
  for (const part of Object.keys(npm.exports)) if (part !== './package.json') assert.ok(part in jsr.exports, part);
  for (const file of Object.values(jsr.exports)) assert.ok(existsSync(join(repoRoot, String(file))), String(file));
  const installed = { ...npm.dependencies, ...npm.optionalDependencies };
  for (const [name, specifier] of Object.entries(jsr.imports)) {
    const [, package_ = '', range] = /^npm:([\w-]+)@([^/]+)/.exec(specifier) ?? [];
    assert.is(installed[package_], range, name);
  }
});

const deno = denoOrSkip('what JSR would be sent');
if (deno) {
  test('Deno would publish it: types are right and written down, nothing that it needs is left out', async () => {
    const { output, status } = await run(deno, ['publish', '--dry-run', '--allow-dirty'], {
      DENO_NO_UPDATE_CHECK: '1',
    });
    assert.is(status, 0, output);
    assert.match(output, 'Dry run complete');
    assert.not.match(output, /src\/(cli|server|batch)\//);
  });
}

test.run();
