/** The platform of Node: workers from source text, compiled modules that travel, V8 flags that are put back. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createNodePlatform } from '../../src/runtime/node.ts';
import { hasRelaxedSimd } from '../../src/runtime/relaxedSimd.ts';
import { planV8Flags, withoutV8Flags } from '../../src/runtime/v8Flags.ts';
import { repoRoot } from '../support/paths.ts';
import { reasonOf } from '../support/throws.ts';

const test = suite('platform/node');
const EMPTY_MODULE = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

/** The next message of a worker, or its error. */
function answer(port: NonNullable<ReturnType<ReturnType<typeof createNodePlatform>['spawn']>>): Promise<unknown> {
  return new Promise((resolve, reject) => {
    port.onMessage(resolve);
    port.onError(reject);
  });
}

test('a worker is a web worker: self.onmessage, postMessage, transfer', async () => {
  const port = createNodePlatform().spawn(
    'self.onmessage = (event) => postMessage({ sum: event.data[0] + event.data[1], name: typeof require });',
    'adder',
  );
  assert.ok(port);
  const first = answer(port);
  const data = new Float32Array([1, 2]);
  port.postMessage(data, [data.buffer]);
  assert.equal(await first, { sum: 3, name: 'function' });
  assert.is(data.length, 0, 'transferred');
  port.terminate();
});

test('an error in a worker comes out', async () => {
  const port = createNodePlatform().spawn('throw new Error("no such thing");', 'thrower');
  assert.ok(port);
  assert.match(String(await reasonOf(answer(port))), 'no such thing');
  port.terminate();
});

test('a compiled module runs in a worker', async () => {
  const platform = createNodePlatform();
  const module = await platform.compileWasm(EMPTY_MODULE);
  const port = platform.spawn('self.onmessage = (e) => postMessage(!!new WebAssembly.Instance(e.data));', 'instance');
  assert.ok(port);
  const first = answer(port);
  port.postMessage(module);
  assert.is(await first, true);
  port.terminate();
});

test('flags are put back after compiling', async () => {
  const platform = createNodePlatform();
  const before = hasRelaxedSimd();
  await platform.compileWasm(EMPTY_MODULE);
  assert.is(hasRelaxedSimd(), before);
  await platform.compileWasm(new Uint8Array([1, 2, 3])).then(
    () => assert.unreachable('not a module'),
    () => {},
  );
  assert.is(hasRelaxedSimd(), before, 'after a failure too');
});

test('no runtime prints that it does not know a flag; SOTTO_WASM_FLAGS=none sets none', () => {
  const module = pathToFileURL(join(repoRoot, 'dist/src/runtime/node.js')).href;
  const program = `import { createNodePlatform } from ${JSON.stringify(module)};
    const platform = createNodePlatform();
    await platform.compileWasm(new Uint8Array(${JSON.stringify([...EMPTY_MODULE])}));
    console.log(platform.wasm.revectorize);`;
  for (const flags of [undefined, 'none']) {
    const env = { ...process.env, SOTTO_WASM_FLAGS: flags };
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8', env });
    assert.is(run.stderr, '');
    assert.is(run.status, 0);
    if (flags) assert.is(run.stdout.trim(), 'false');
  }
});

test('flags by version of V8: those that were tried, and none to any other', () => {
  const v11 = planV8Flags('11.3.244.8-node.38', true, [], false);
  assert.equal(v11.set, ['--no-liftoff', '--no-wasm-lazy-compilation', '--experimental-wasm-relaxed-simd']);
  assert.equal(v11.restore, ['--liftoff', '--wasm-lazy-compilation', '--no-experimental-wasm-relaxed-simd']);
  assert.equal(v11.wasm, { relaxedSimd: true, revectorize: false, preloadsOperands: true });
  const v12 = planV8Flags('12.4.254.21', true, [''], true);
  assert.is(v12.set.at(-1), '--turboshaft-wasm');
  assert.equal(v12.wasm, { relaxedSimd: true, revectorize: false, preloadsOperands: false });
  const v13 = planV8Flags('13.6.233.17', true, [], true);
  assert.is(v13.set.at(-1), '--experimental-wasm-revectorize');
  assert.equal(v13.wasm, { relaxedSimd: true, revectorize: true, preloadsOperands: false });
  assert.is(planV8Flags('13.6.233.17', false, [], true).wasm.revectorize, false, 'needs AVX2');
  for (const version of ['14.1.146.11-node.25', '14.6.202.34', '15.0.1'])
    assert.ok(planV8Flags(version, true, [], true).set.includes('--no-wasm-inlining'), 'ends the process without');
  for (const version of [
    '11.4.1',
    '13.5.212.10',
    '14.2',
    '14.16.1',
    '15.1.2',
    '16.0',
    '99.0',
    '',
    'constructor',
    '20.0',
  ])
    assert.equal(planV8Flags(version, true, [], true).set, [], `${version}: a V8 that nobody tried`);
  assert.equal(withoutV8Flags('11.3', false).wasm, { relaxedSimd: false, revectorize: false, preloadsOperands: true });
});

test('a process with flags of its own for WebAssembly keeps them, and gets no others beside them', () => {
  for (const flag of ['--no_liftoff', '--liftoff-only', '--wasm-lazy-compilation', '--no-turboshaft-wasm', '--jitless'])
    assert.equal(planV8Flags('13.6.233.17', true, ['--title=x', flag], true), withoutV8Flags('13.6', true), flag);
  for (const flag of ['--max-old-space-size=4096', '--enable-source-maps', 'wasm.js', '-r', ''])
    assert.is(planV8Flags('13.6.233.17', true, [flag], true).set.length, 3, flag);
});

test.run();
