/**
 * Node 24, whose V8 has relaxed SIMD and a re-vectoriser that makes 256-bit code of our 128-bit code: other code than
 * on the Node that runs the tests. With `SOTTO_WASM_FLAGS=none` it is left out, and the code is a third one.
 */
import { suite } from 'uvu';
import { jfk, sharedClips } from '../support/clips.ts';
import { assertPassed, run } from './children.ts';
import { assertTranscribes } from './endToEnd.ts';
import { node24OrSkip } from './runtimes.ts';

const node = node24OrSkip('Node 24');
if (node) {
  for (const flags of [undefined, 'none']) {
    const env = { SOTTO_WASM_FLAGS: flags, NODE_OPTIONS: undefined };
    const test = suite(`node 24${flags ? `, SOTTO_WASM_FLAGS=${flags}` : ''}`);
    test('every kernel on the CPU', async () => {
      assertPassed(await run(node, ['dist/test/kernels/cpu.test.js'], env));
    });
    test('the models, and their numbers for JFK', async () => {
      assertPassed(await run(node, ['dist/test/model/cpu.test.js'], env));
    });
    test('end to end', async () => {
      const clips = [jfk, ...sharedClips('in Node 24', ['zh_azure_1.wav'])];
      console.log(`node 24: ${await assertTranscribes([node], 'cpu', clips, env)}`);
    });
    test.run();
  }
}
