/**
 * What `npm publish` would send, installed in an empty project: the versions of Node, Deno and Bun that CI has take it by `import`
 * and by `require`, and transcribe; TypeScript, publint and Are the Types Wrong find nothing.
 *
 *   node dist/test/packaging/packed.test.js [part of the names of the tests to run]
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Runtime, runtimes } from '../runtimes/fetchRuntimes.ts';
import { denoOrSkip, toolOrSkip } from '../runtimes/runtimes.ts';
import { jfk } from '../support/clips.ts';
import { repoRoot } from '../support/paths.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { fetchProject, start } from './fetchProject.ts';
import { compile, compilePrograms, TYPES_PROJECTS } from './typesProgram.ts';

/** Compressed; most of it are the sources that the maps carry. */
const LIMIT_MB = 6;
/** Those that transcribe with it; the others import it, and runtimes/versions.test.ts tries them with what is built here. */
const TRANSCRIBE: readonly string[] = ['20.0.0', '24.22.3', '1.4.5'];
/** The first that takes a module by `require` without a flag, of each line. */
const REQUIRE_FROM: Readonly<Record<number, number>> = { 20: 19, 22: 12 };

const USES = `const names = [typeof load, typeof core.Tokenizer, typeof codes.ERROR_CODES, typeof lab.checkKernel];
if (names.join() !== 'function,function,object,function') throw new Error(names.join());
if (process.argv[2]) (async () => {
  const whisper = await load(process.argv[2], { device: 'cpu' });
  console.log((await whisper.transcribe('node_modules/sotto/assets/jfk.wav', { temperature: 0 })).text);
  await whisper.close();
})();
`;
const PROGRAMS = {
  'import.mjs': `import process from 'node:process';
import { load } from 'sotto';
import * as codes from 'sotto/codes';
import * as core from 'sotto/core';
import * as lab from 'sotto/lab';
${USES}`,
  'require.cjs': `const { load } = require('sotto');
const [codes, core, lab] = [require('sotto/codes'), require('sotto/core'), require('sotto/lab')];
${USES}`,
};

const test = suite('packed');
const only = process.argv[2] ?? '';
const check = (name: string, body: () => Promise<void> | void): void => {
  if (name.includes(only)) test(name, body);
};
// Outside of the repository, where nothing but what it asks for is found.
const folder = mkdtempSync(join(tmpdir(), 'sotto-packed-'));
const installed = join(folder, 'node_modules/sotto');
let tarball = '';

test.before(() => {
  ({ tarball } = fetchProject(folder, ['@types/node@22']));
  for (const [name, text] of Object.entries(PROGRAMS)) writeFileSync(join(folder, name), text);
});
test.after(() => rmSync(folder, { recursive: true, force: true }));

const env = { NODE_OPTIONS: undefined, DENO_NO_UPDATE_CHECK: '1' };

/** A program of the project in another runtime: what it prints is JFK's text. */
async function transcribes(binary: string, args: readonly string[]): Promise<void> {
  const { status, output } = start(binary, [...args, 'import.mjs', await tinyModel()], folder, env);
  assert.is(status, 0, output);
  assert.ok(output.split('\n').includes(jfk.text), output);
}

function ends(binary: string, args: readonly string[]): void {
  const { status, output } = start(binary, args, folder, env);
  assert.is(status, 0, output);
}

check('the tarball has what it names, and little else', () => {
  const megabytes = statSync(tarball).size / 1e6;
  console.log(`${megabytes.toFixed(2)} MB packed`);
  assert.ok(megabytes < LIMIT_MB, `${megabytes} MB`);
  const { exports, imports, bin, unpkg, jsdelivr } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  const named = [
    ...JSON.stringify([exports, imports, bin, unpkg, jsdelivr]).matchAll(/"(?:\.\/)?([\w./-]+\.(?:js|ts|json))"/g),
  ];
  assert.ok(named.length > 10);
  for (const [, path = ''] of named) assert.ok(existsSync(join(installed, path)), path);
  for (const name of ['README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md', 'THIRD-PARTY-NOTICES.md'])
    assert.ok(existsSync(join(installed, name)), name);
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  assert.equal(
    files.filter((file) => /(^|\/)(test|bench|web|docs)\/|^dist\/src\/(batch|cli|server)\/|\.tsbuildinfo$/.test(file)),
    [],
  );
});

check('every map has its sources in it', () => {
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  const maps = files.filter((file) => file.endsWith('.js.map'));
  assert.ok(maps.length > 300);
  for (const file of maps) {
    const { sources, sourcesContent = [] } = JSON.parse(readFileSync(join(installed, file), 'utf8')) as {
      // The form of a source map.
      readonly sources: readonly string[];
      readonly sourcesContent?: readonly (string | null)[];
    };
    for (const [i, source] of sources.entries())
      assert.ok(sourcesContent[i] || existsSync(join(installed, dirname(file), source)), `${file}: ${source}`);
  }
});

for (const runtime of runtimes) {
  const { kind, version, binary, args, isInCi } = runtime;
  if (!existsSync(binary)) {
    if (isInCi) console.log(`skipped the package in ${kind} ${version}: not fetched (npm run runtimes)`);
    continue;
  }
  if (!isInCi) continue;
  check(`${kind} ${version}: import`, () =>
    TRANSCRIBE.includes(version) ? transcribes(binary, args) : ends(binary, [...args, 'import.mjs']),
  );
  check(`${kind} ${version}: require`, () => {
    if (takesRequire(runtime)) return ends(binary, [...args, 'require.cjs']);
    const { status, output } = start(binary, ['require.cjs'], folder, env);
    assert.is(status, 1);
    // What to do, in Node's own words.
    assert.match(output, /require\(\) of ES Module .* not supported/);
    assert.match(output, 'dynamic import()');
  });
}

function takesRequire({ kind, version }: Runtime): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return kind !== 'node' || minor >= (REQUIRE_FROM[major] ?? 0);
}

const deno = denoOrSkip('the package in Deno');
if (deno) {
  const leave = ['run', '--quiet', '--no-prompt', '--allow-all'];
  check('deno: import', () => transcribes(deno, leave));
  check('deno: require', () => ends(deno, [...leave, 'require.cjs']));
}

check('the command', async () => {
  const options = ['--model', await tinyModel(), '--device', 'cpu', '-o', folder, '-f', 'txt', '--temperature', '0'];
  const { status, output } = start('npx', ['--no-install', 'sotto', jfk.path, ...options], folder);
  assert.is(status, 0, output);
  assert.is(readFileSync(join(folder, 'jfk.txt'), 'utf8').replaceAll('\n', ' ').trim(), jfk.text.trim());
});

const compilers = {
  'TypeScript 7': join(repoRoot, 'node_modules/typescript/bin/tsc'),
  'TypeScript 5.6': toolOrSkip('types in TypeScript 5.6', 'typescript5.6/bin/tsc'),
};
for (const [compiler, tsc] of Object.entries(compilers)) {
  if (!tsc) continue;
  check(`types: ${compiler}`, () => {
    for (const [name, project] of Object.entries(TYPES_PROJECTS)) {
      // The older ones take seconds for each project: two of them; `npm run typescripts` has all.
      if (compiler !== 'TypeScript 7' && !/^(no types, node16|DOM, bundler)$/.test(name)) continue;
      const { status, output } = compile(folder, tsc, project);
      assert.is(status === 0, name !== 'wrong', `${name}: ${output}`);
    }
  });
}

check('the programs of the documents compile', () => {
  for (const document of ['README.md', 'docs/library.md']) {
    const text = readFileSync(join(repoRoot, document), 'utf8');
    const programs = [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, program = '']) => program);
    assert.ok(programs.length > 0, document);
    const { status, output } = compilePrograms(folder, compilers['TypeScript 7'], programs);
    assert.is(status, 0, `${document}: ${output}`);
  }
});

for (const [name, script, args] of [
  ['publint', 'publint/src/cli.js', ['--strict']],
  // Node before 20.19 and 22.12 cannot `require` a module, and says so: tried above.
  ['Are the Types Wrong', '@arethetypeswrong/cli/dist/index.js', ['--ignore-rules', 'cjs-resolves-to-esm']],
] as const) {
  const tool = toolOrSkip(name, script);
  if (!tool) continue;
  check(`${name} finds nothing`, () => {
    const { status, output } = start(process.execPath, [tool, tarball, ...args], folder);
    assert.is(status, 0, output);
    assert.not.match(output, /❌|⚠|warning/i);
  });
}

test.run();
