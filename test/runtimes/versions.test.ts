/**
 * Every version of Node, Deno and Bun that was fetched (`npm run runtimes` fetches and runs this) reads a recording with the
 * V8 flags that sotto gives it: right tokens. The flags are put back to that version's defaults.
 *
 *   node dist/test/runtimes/versions.test.js [part of the names of the tests to run]
 */
import { existsSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { planV8Flags } from '../../src/runtime/v8Flags.ts';
import { jfk } from '../support/clips.ts';
import { run } from './children.ts';
import { assertCommandWrites, assertTranscribes, PROGRAM } from './endToEnd.ts';
import { type Runtime, runtimes } from './fetchRuntimes.ts';

const test = suite('versions of runtimes');
const only = process.argv[2] ?? '';
/** The oldest and the newest Node, as they are where nobody knows their flags. */
const UNCHANGED_TOO: readonly string[] = ['20.0.0', '26.12.1'];
const base = { DENO_NO_UPDATE_CHECK: '1', NODE_OPTIONS: undefined };

for (const runtime of runtimes) {
  const { kind, version, binary, args } = runtime;
  const name = `${kind} ${version}`;
  if (!name.includes(only)) continue;
  if (!existsSync(binary)) {
    console.log(`${runtime.isInCi ? 'skipped' : 'without'} ${name}: not fetched (npm run runtimes)`);
    continue;
  }
  if (kind !== 'bun') {
    test(`${name}: the flags are not its defaults, and those that they are put back to are`, async () => {
      const { set, restore } = planV8Flags(await v8Of(runtime), true, [], true);
      const help = kind === 'node' ? ['--v8-options'] : ['run', '--v8-flags=--help', PROGRAM.built];
      const { output } = await run(binary, help, base);
      const defaults = [...output.matchAll(/default: (--\S+)/g)].map(([, flag]) => flag);
      assert.ok(defaults.length > 300, output.slice(0, 300));
      for (const flag of restore) assert.ok(defaults.includes(flag), `${flag} is not its default`);
      for (const flag of set) assert.not.ok(defaults.includes(flag), `${flag} is its default`);
    });
  }
  // Those of Node are all started as by the tests of the command.
  if (kind !== 'node') {
    test(`${name}: the command`, () => assertCommandWrites([binary, ...args], jfk, base));
  }
  for (const flags of UNCHANGED_TOO.includes(version) ? [undefined, 'none'] : [undefined]) {
    test(`${name}${flags ? ', without flags' : ''}: reads a recording`, async () => {
      const env = { ...base, SOTTO_WASM_FLAGS: flags };
      const started = performance.now();
      const device = await assertTranscribes([binary, ...args], 'cpu', [jfk], env);
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      const v8 = await v8Of(runtime);
      const set = flags || kind === 'bun' ? [] : planV8Flags(v8, true, [], true).set;
      console.log(`${name} | V8 ${v8} | ${set.join(' ') || 'no flags'} | ${device} | tokens right | ${seconds} s`);
    });
  }
}

test.run();

/** A runtime's version of V8; Bun has none and reports one. */
async function v8Of({ kind, binary }: Runtime): Promise<string> {
  const program = 'console.log(process.versions.v8)';
  const { output } = await run(binary, kind === 'deno' ? ['eval', program] : ['-e', program], base);
  return output.trim();
}
