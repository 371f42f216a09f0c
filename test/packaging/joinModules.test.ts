/** The command's modules in a few files: what a module becomes, which file it goes into, and that all of it runs. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { divide, filesToLoad, parseModule } from '../../packaging/joinModules.ts';
import { COMMAND_WORDS } from '../../src/cli/commandWords.ts';
import { sotto } from '../support/command.ts';
import { commandFile, repoRoot } from '../support/paths.ts';

const test = suite('joined modules');

const body = (...lines: readonly string[]): readonly string[] => parseModule('a/b.js', lines.join('\n')).lines;

test('imports', () => {
  assert.equal(body("import { x, y as z } from '../c.js';"), ["const { x, y: z } = $use('c.js');", 'return {  };']);
  assert.equal(body("import * as all from './c.js';")[0], "const all = $use('a/c.js');");
  assert.equal(body("import { x } from 'node:fs';")[0], "const { x } = $require('node:fs');");
  assert.equal(body("import v8 from 'node:v8';")[0], "const v8 = $require('node:v8');");
  assert.equal(body("import { unpack } from 'pack/un';")[0], 'const { unpack } = $pack_un;');
  assert.equal(body("import pack from 'pack';")[0], 'const pack = $pack.default;');
});

test('exports', () => {
  const text = [
    'export const one = 1;',
    'export class Two {',
    '}',
    'export async function three() {}',
    'export function* four() {}',
    "export { five, six as seven } from './c.js';",
    "export * from './d.js';",
    'export {};',
  ];
  assert.equal(body(...text), [
    'const one = 1;',
    'class Two {',
    '}',
    'async function three() {}',
    'function* four() {}',
    '',
    '',
    '',
    "return { one, Two, three, four, five: $use('a/c.js').five, seven: $use('a/c.js').six, ...$use('a/d.js') };",
  ]);
});

test('what is loaded later, and where a module is', () => {
  const module = parseModule('a/b.js', "await import('./c.js');\nimport('pack');\nnew URL('x', import.meta.url);");
  assert.equal(module.lines.slice(0, 3), [
    "await $load('a/c.js');",
    "import('pack');",
    "new URL('x', $url('a/b.js'));",
  ]);
  assert.equal(module.loads, ['a/c.js']);
});

test('what would run otherwise is refused', () => {
  for (const line of ['export let x = 1;', "import './c.js';", 'export default x;', 'export { x };'])
    assert.throws(() => body(line), /^a\/b\.js: /, line);
});

test('a module is in one file, behind what it imports; what no root reaches is in the last', () => {
  const texts: Readonly<Record<string, string>> = {
    'a.js': "import { b } from './b.js';\nimport('./d.js');",
    'b.js': "import('./e.js');",
    'c.js': "import { b } from './b.js';\nimport { d } from './d.js';",
    'd.js': '',
    'e.js': "import { f } from './f.js';",
    'f.js': '',
  };
  const parts = [
    { file: '1', roots: ['a.js'] },
    { file: '2', roots: ['c.js'] },
    { file: '3', roots: [] },
  ];
  const divided = divide(parts, (name) => texts[name] ?? '');
  const names = [...divided].map(([file, modules]) => [file, modules.map(({ name }) => name)]);
  assert.equal(names, [
    ['1', ['b.js', 'a.js']],
    ['2', ['d.js', 'c.js']],
    ['3', ['f.js', 'e.js']],
  ]);
});

test('with a module that is loaded come the files of all that it imports', () => {
  const texts: Readonly<Record<string, string>> = {
    'a.js': "import('./b.js');\nimport('./d.js');",
    'b.js': "import { c } from './c.js';",
    'c.js': "import { a } from './e.js';",
    'd.js': "import { b } from './b.js';",
    'e.js': '',
  };
  const parts = [
    { file: '1', roots: ['a.js', 'e.js'] },
    { file: '2', roots: ['c.js'] },
    { file: '3', roots: ['b.js'] },
    { file: '4', roots: [] },
  ];
  assert.equal(
    [...filesToLoad(divide(parts, (name) => texts[name] ?? ''))],
    [
      ['b.js', ['1', '2', '3']],
      ['d.js', ['1', '2', '3', '4']],
    ],
  );
});

test('every word of the command is there', async () => {
  for (const word of COMMAND_WORDS) {
    const { status, stdout, stderr } = await sotto([word, '--help']);
    assert.is(status, 0, `${word}: ${stderr}`);
    assert.ok(stdout.length > 0, word);
  }
});

test('every line of the command leads to its source', () => {
  const folder = dirname(commandFile);
  const lines = readFileSync(commandFile, 'utf8').split('\n');
  const map = new SourceMap(JSON.parse(readFileSync(`${commandFile}.map`, 'utf8')));
  for (const [name, source] of [
    ['function errorText', 'src/cli/errors.ts'],
    ['function openStdin', 'src/cli/main.ts'],
  ] as const) {
    const line = lines.findIndex((each) => each.startsWith(name));
    const entry = map.findEntry(line, name.indexOf(' ') + 1);
    assert.ok('originalSource' in entry, name);
    assert.is(join(folder, entry.originalSource), join(repoRoot, source));
    const original = readFileSync(join(repoRoot, source), 'utf8').split('\n')[entry.originalLine];
    assert.ok(original?.includes(name), original);
  }
});

test('every module of the command can be made', () => {
  const script = `
    const { readdirSync } = await import('node:fs');
    for (const file of readdirSync('.').filter((name) => /^(?!sotto).*\\.js$/.test(name))) await import('./' + file);`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: dirname(commandFile),
    encoding: 'utf8',
  });
  assert.is(status, 0, stderr);
});

test.run();
