/** The command in fewer files: all of it runs, and its lines lead to their sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COMMAND_WORDS } from '../../src/cli/commandWords.ts';
import { manifest } from '../../src/cli/version.ts';
import { sotto } from '../support/command.ts';
import { commandFile, repoRoot } from '../support/paths.ts';

const test = suite('bundled command');

test('every word of the command is there', async () => {
  for (const word of COMMAND_WORDS) {
    const { status, stdout, stderr } = await sotto([word, '--help']);
    assert.is(status, 0, `${word}: ${stderr}`);
    assert.ok(stdout.length > 0, word);
  }
});

test('it finds the files that stand beside a module', async () => {
  const { status, stdout, stderr } = await sotto(['--version']);
  assert.is(status, 0, stderr);
  assert.match(stdout, manifest().version);
});

test('every line of the command leads to its source', () => {
  const folder = dirname(commandFile);
  const files = readdirSync(folder).filter((name) => name.endsWith('.js'));
  for (const [name, source] of [
    ['function errorText', 'src/cli/errors.ts'],
    ['function openStdin', 'src/cli/main.ts'],
    ['function readFlacFrame', 'src/audio/codecs/flacFrame.ts'],
  ] as const) {
    const file = files.find((each) => readFileSync(join(folder, each), 'utf8').includes(`${name}(`));
    assert.ok(file, name);
    const lines = readFileSync(join(folder, file), 'utf8').split('\n');
    const map = new SourceMap(JSON.parse(readFileSync(join(folder, `${file}.map`), 'utf8')));
    const line = lines.findIndex((each) => each.includes(`${name}(`));
    const entry = map.findEntry(line, lines[line]!.indexOf(name) + 'function '.length);
    assert.ok('originalSource' in entry, name);
    assert.is(join(folder, entry.originalSource), join(repoRoot, source));
    const original = readFileSync(join(repoRoot, source), 'utf8').split('\n')[entry.originalLine];
    assert.ok(original?.includes(name), original);
  }
});

test('what is installed with it is not in it', () => {
  const folder = dirname(commandFile);
  const texts = readdirSync(folder)
    .filter((name) => name.endsWith('.js'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
  for (const name of ['msgpackr', 'opus-decoder'])
    assert.ok(
      texts.some((text) => text.includes(`"${name}`)),
      name,
    );
  assert.ok(!texts.some((text) => text.includes('node_modules/')), 'a package is in it');
});

/** Names in quotes after `import` or `from` that are loaded with a file: `./chunk-X.js`, `hono`. */
function loadedWith(text: string): string[] {
  return [...text.matchAll(/(?:^|[\n;}])(?:import|export)\s*(?:[^'"();]*?from\s*)?["']([^"']+)["']/g)].map(
    ([, name]) => name!,
  );
}

test('packages of one word are loaded by that word alone', () => {
  const folder = dirname(commandFile);
  const files = readdirSync(folder).filter((name) => name.endsWith('.js'));
  const loads = new Map(files.map((name) => [name, loadedWith(readFileSync(join(folder, name), 'utf8'))]));
  /** All packages that come with a file. */
  const packagesOf = (file: string, seen = new Set<string>()): Set<string> => {
    if (seen.has(file)) return seen;
    seen.add(file);
    for (const name of loads.get(file.replace('./', '')) ?? []) packagesOf(name, seen);
    return seen;
  };
  const words = {
    serve: ['hono', '@hono/node-server', '@fastify/busboy', 'ws', 'prom-client'],
    batch: ['tinyglobby'],
    // Of a place in S3 and of a queue, which not every batch has.
    client: ['@bradenmacdonald/s3-lite-client'],
  };
  // Those that an `import()` names, and the first one.
  const begun = files.filter((name) => !name.startsWith('chunk-'));
  assert.ok(begun.includes('sotto.js') && begun.length > 5);
  for (const [word, wanted] of Object.entries(words)) {
    const users = begun.filter((file) => wanted.some((name) => packagesOf(file).has(name)));
    assert.ok(users[0]?.startsWith(`${word}-`), users.join());
    // What comes after `batch` may be in a file of its own.
    assert.ok(
      users.every((user) => user.startsWith(word)),
      users.join(),
    );
    assert.equal(
      wanted.filter((name) => !packagesOf(users[0]!).has(name)),
      [],
    );
  }
});

test.run();
