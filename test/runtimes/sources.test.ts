/**
 * The sources as they are, without a build: Node 24 takes the types away and runs what is left, and so does Deno. Needs
 * imports that end in `.ts`, and no syntax that stands for code (enums, parameter properties).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { jfk } from '../support/clips.ts';
import { run } from './children.ts';
import { assertTranscribes, PROGRAM } from './endToEnd.ts';
import { denoOrSkip, node24OrSkip } from './runtimes.ts';

const node = node24OrSkip('sources in Node 24');
const deno = denoOrSkip('sources in Deno');
const runtimes = [
  { name: 'node 24', start: node && ([node] as const) },
  { name: 'deno', start: deno && ([deno, 'run', '--quiet', '--allow-all'] as const) },
];

for (const { name, start } of runtimes) {
  if (!start) continue;
  const test = suite(`sources, ${name}`);
  const [binary, ...before] = start;

  for (const entry of ['src/index.ts', 'src/lab.ts', 'src/base/codes.ts']) {
    test(`${entry} can be imported`, async () => {
      const script = `const names = Object.keys(await import('./${entry}')); console.log(names.length > 1)`;
      const evaluate =
        name === 'deno' ? [binary, 'eval', '--ext=js', script] : [binary, '--input-type=module', '-e', script];
      const { output, status } = await run(evaluate[0]!, evaluate.slice(1), { DENO_NO_UPDATE_CHECK: '1' });
      assert.is(status, 0, output);
      assert.is(output.trim(), 'true');
    });
  }
  test('a recording is transcribed, with workers', async () => {
    const env = { DENO_NO_UPDATE_CHECK: '1', NODE_OPTIONS: undefined };
    assert.match(await assertTranscribes([binary, ...before], 'cpu', [jfk], env, PROGRAM.source), /WebAssembly/);
  });
  test.run();
}
