/**
 * sotto in Deno, whose WebGPU is another one (wgpu; its compiler naga takes less WGSL than Dawn's and refuses other
 * things): every kernel, in a process of its own since naga can take the process with it; clips end to end; the CPU.
 *
 *   node dist/test/runtimes/deno.test.js [part of the names of the tests to run]
 */
import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { kernels } from '../../src/kernels/registry.ts';
import { jfk, sharedClips } from '../support/clips.ts';
import { repoRoot } from '../support/paths.ts';
import { tinyModel } from '../support/tinyModel.ts';
import { testDriver } from '../support/webgpu.ts';
import { assertPassed, run } from './children.ts';
import { assertCommandWrites, assertTranscribes, COMMAND } from './endToEnd.ts';
import { denoOrSkip } from './runtimes.ts';

const binary = denoOrSkip('Deno');
if (binary) {
  const test = suite('deno');
  const only = process.argv[2] ?? '';
  const check = (name: string, body: () => Promise<void>): void => {
    if (name.includes(only)) test(name, body);
  };
  const deno = [binary, 'run', '--quiet', '--allow-all'] as const;
  // Children inherit the choice of a driver.
  testDriver();
  process.env.XDG_RUNTIME_DIR ??= '/tmp';
  process.env.DENO_NO_UPDATE_CHECK = '1';

  for (const { kernel } of kernels) {
    check(`webgpu: ${kernel.name}`, async () => {
      const started = performance.now();
      assertPassed(await run(binary, [...deno.slice(1), 'dist/test/kernels/webgpu.test.js', kernel.name]));
      console.log(`deno webgpu ${kernel.name}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
    });
  }
  check('cpu: every kernel', async () => {
    assertPassed(await run(binary, [...deno.slice(1), 'dist/test/kernels/cpu.test.js']));
  });
  check('cpu: end to end', async () => {
    const clips = [jfk, ...sharedClips('on the CPU in Deno', ['zh_azure_1.wav'])];
    console.log(`deno: ${await assertTranscribes(deno, 'cpu', clips)}`);
  });
  check('cpu: with leave to read these folders, and no other', async () => {
    const folders = [
      ...new Set([repoRoot, await tinyModel(), join(repoRoot, 'node_modules')].map((path) => realpathSync(path))),
    ];
    const narrow = [binary, 'run', '--quiet', '--no-prompt', `--allow-read=${repoRoot},${folders.join()}`] as const;
    console.log(`deno, narrow: ${await assertTranscribes(narrow, 'cpu', [jfk])}`);
  });
  check('cpu: the command', async () => {
    await assertCommandWrites(deno, jfk);
    const { output, status } = await run(binary, ['run', '--quiet', '--no-prompt', '--allow-read', COMMAND, jfk.path]);
    assert.is(status, 1);
    assert.match(output, 'sotto: Deno forbids it: Requires ');
    assert.not.match(output, '    at ');
  });
  check('webgpu: end to end', async () => {
    const clips = [jfk, ...sharedClips('on WebGPU in Deno', ['en_azure_1.wav', 'ko_rhino_1.flac'])];
    console.log(`deno: ${await assertTranscribes(deno, 'webgpu', clips)}`);
  });
  test.run();
}
