/** An edited kernel on whatever adapter tests have: right, wrong, not compiling; and the same for every kernel unedited. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { KernelModule } from '../../src/engine/kernel.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { type Fork, kernelPlaces, wgslOf } from '../../src/lab/fork.ts';
import { compileFork, runFork } from '../../src/lab/runFork.ts';
import { openOrSkip } from '../support/webgpu.ts';

process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';

const test = suite('lab/runFork');
const device = await openOrSkip('edited kernels');

if (device) {
  const moduleOf = (name: string): KernelModule => kernels.find(({ kernel }) => kernel.name === name)!;
  const forkOf = async (module: KernelModule, variant?: string): Promise<Fork> => {
    const places = await kernelPlaces(device, module);
    const place = places.find((one) => variant === undefined || one.variant === variant)!;
    const { wgsl } = await wgslOf(device, module, place);
    return { kernel: module.kernel.name, ...place, wgsl };
  };
  const layerNorm = moduleOf('layerNorm');
  const gatherRows = moduleOf('gatherRows');

  test('a kernel as it is: right in all cases, and timed then', async () => {
    const seen: number[] = [];
    const report = await runFork(device, gatherRows, await forkOf(gatherRows), {
      onCase: (_result, done, total) => seen.push(done / total),
    });
    assert.ok(report.compiles && report.right);
    assert.is(seen.at(-1), 1);
    assert.is(report.timings.length, 0);
    assert.is(report.isSoftware, device.isSoftware);
  });

  test('a bound that is broken: the index, what came and what was wanted; nothing is timed', async () => {
    const fork = await forkOf(layerNorm, 'threadPerRow');
    const bound = /k < \d+u(?=; k\+\+\) \{ y\[)/;
    assert.match(fork.wgsl, bound);
    const wgsl = fork.wgsl.replace(bound, '$& - 1u');
    const peaks = { gflops: 1, gigabytes: 1 };
    const report = await runFork(device, layerNorm, { ...fork, wgsl }, { peaks });
    assert.ok(report.compiles);
    assert.not(report.right);
    assert.equal(report.timings, []);
    for (const { right, outputs, place } of report.cases) {
      assert.not(right, place.title);
      const [y] = outputs;
      const width = y!.shape[1]!;
      assert.is(y!.worst!.index % width, width - 1, place.title);
      assert.is(y!.nans, y!.wrong, 'never written: NaN from before');
      assert.is(y!.map.ratios.filter((ratio) => ratio > 1).length, Math.min(y!.map.rows, y!.count / width));
    }
    assert.match(report.cases[0]!.failures.join(), /^y\[\d+\] is NaN, should be /);
    assert.ok((await runFork(device, layerNorm, fork)).right);
  });

  test('a loop that never ends is left, told, and nothing runs after it', async () => {
    const fork = await forkOf(layerNorm, 'threadPerRow');
    const wgsl = fork.wgsl.replace('let at = ', 'loop { y[0] += 1f; if (y[0] < -5f) { break; } } let at = ');
    assert.is.not(wgsl, fork.wgsl);
    const { cases, right } = await runFork(device, layerNorm, { ...fork, wgsl });
    assert.not(right);
    assert.is(cases.length, 1);
    assert.match(cases[0]!.failures.join(), /^a loop does not end: it was left after \d+ turns$/);
    assert.equal(
      cases[0]!.outputs.map(({ arg }) => arg),
      ['y'],
    );
  });

  test('what does not compile is told with its line and column in the edited text', async () => {
    const fork = await forkOf(layerNorm);
    const lines = fork.wgsl.split('\n');
    const at = lines.findIndex((line) => line.includes('fn main'));
    lines.splice(at + 1, 0, '  let wrong: f32 = true;');
    const broken = { ...fork, wgsl: lines.join('\n') };
    const [message] = await compileFork(device, layerNorm, broken);
    assert.ok(message);
    assert.is(message.type, 'error');
    assert.is(message.line, at + 2);
    assert.ok(message.column >= 7 && message.column <= 20, String(message.column));
    const report = await runFork(device, layerNorm, broken);
    assert.not(report.compiles);
    assert.equal(report.cases, []);
  });

  test('a size by name, and one by its number that is another one elsewhere', async () => {
    const fork = await forkOf(gatherRows);
    const { n } = gatherRows.cases[fork.caseIndex]!.dims;
    const named = { ...fork, wgsl: fork.wgsl.replaceAll(`${n}u`, 'n') };
    const numbered = { ...fork, wgsl: fork.wgsl.replace(`${n}u`, `(${n! + 1}u)`) };
    assert.not.equal(named.wgsl, fork.wgsl);
    assert.ok((await runFork(device, gatherRows, named)).right);
    const { cases } = await runFork(device, gatherRows, numbered);
    assert.ok(cases.some(({ failures }) => failures.join().includes('comes from sizes')));
  });

  test('a signal stops between cases', async () => {
    const controller = new AbortController();
    const fork = await forkOf(layerNorm);
    let cases = 0;
    const run = runFork(device, layerNorm, fork, {
      signal: controller.signal,
      onCase: () => {
        cases++;
        controller.abort(new Error('enough'));
      },
    });
    const reason = await run.catch((error: unknown) => error);
    assert.is(String(reason), 'Error: enough');
    assert.is(cases, 1);
  });

  test.after(() => device.close());
}

test.run();
