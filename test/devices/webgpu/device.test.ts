/** The WebGPU device itself: order, scratch, errors, loss, memory; on the adapter that tests have here. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { create } from 'webgpu';
import { DeviceError, KernelError } from '../../../src/base/errors.ts';
import { createWebGpuDevice, type WebGpuDevice } from '../../../src/devices/webgpu/device.ts';
import type { Kernel } from '../../../src/engine/kernel.ts';
import { type ProgramBuilder, record, type Tensor } from '../../../src/engine/program.ts';
import type { FindTuning } from '../../../src/engine/wgsl/tuning.ts';
import type { WgslVariant } from '../../../src/engine/wgsl/variant.ts';
import { gatherRows } from '../../../src/kernels/embed/gatherRows.ts';
import { layerNorm } from '../../../src/kernels/norm/layerNorm.ts';
import { advanceRows } from '../../../src/kernels/sampling/advanceRows.ts';
import { LOOP_STATE, PICKED, ROW_STATE, RULE_STATE, RULES } from '../../../src/kernels/sampling/decodeState.ts';
import { reasonOf, throws } from '../../support/throws.ts';
import { watch } from '../../support/watchedGpu.ts';
import { openOrSkip, testGpu } from '../../support/webgpu.ts';

const probe = await openOrSkip('the WebGPU device');
const inner = await testGpu();
if (probe && inner) {
  const isSoftware = probe.isSoftware;
  await probe.close();
  deviceSuite(inner, isSoftware);
}

function deviceSuite(real: GPU, isSoftware: boolean): void {
  const test = suite('webgpu device');
  const open = (gpu = real): Promise<WebGpuDevice> => createWebGpuDevice(gpu, { allowSoftware: true });
  const n = 100;
  const state = (device: WebGpuDevice, name: string, dtype: 'f32' | 'u32' = 'f32', shape = [4, n]): Tensor =>
    device.allocate(name, dtype, shape, 'state');
  const numbers = (from: number): Float32Array => Float32Array.from({ length: 4 * n }, (_, i) => from + i);

  /** y = x by way of two scratch tensors, rows 3, 2, 1, 0 and back. */
  function reverseTwice(p: ProgramBuilder, x: Tensor, index: Tensor, y: Tensor): void {
    const a = p.scratch('a', 'f32', [4, n]);
    const b = p.scratch('b', 'f32', [4, n]);
    p.run(gatherRows, { x, index, y: a });
    p.run(gatherRows, { x: a, index, y: b });
    p.run(gatherRows, { x: b, index, y });
  }

  test('what was measured to be the fastest runs, where there is such a table for the adapter', async () => {
    const asked: unknown[] = [];
    const tuning: FindTuning = async (info, gpu) => {
      asked.push(info.description, gpu);
      return (command, variants, { dims }) => {
        assert.ok(variants.some(({ name }) => name === 'groupPerRow') && command.kernel === layerNorm);
        return dims.rows === 4 ? 'groupPerRow' : undefined;
      };
    };
    const tuned = await createWebGpuDevice(real, { allowSoftware: true, tuning });
    const plain = await createWebGpuDevice(real, { allowSoftware: true, tuning: async () => undefined });
    const first = async (device: WebGpuDevice, rows: number): Promise<string | undefined> => {
      const [x, y] = [state(device, 'x', 'f32', [rows, n]), state(device, 'y', 'f32', [rows, n])];
      const [gamma, beta] = [state(device, 'gamma', 'f32', [n]), state(device, 'beta', 'f32', [n])];
      const { commands } = record('norm', (p) => p.run(layerNorm, { x, gamma, beta, y }));
      const [ready] = await device.prepare([{ name: 'norm', commands, scratch: [] }]);
      device.submit(ready!);
      await device.read(y);
      return (await device.variants(commands[0]!))[0];
    };
    const usual = await first(plain, 4);
    assert.is(await first(tuned, 4), 'groupPerRow');
    assert.is(await first(tuned, 5), usual);
    if (isSoftware) assert.is.not(usual, 'groupPerRow');
    assert.is(tuned.description, `${plain.description}, tuned`);
    assert.equal(asked, [(await real.requestAdapter())?.info.description, tuned.gpu]);
    await tuned.close();
    await plain.close();
  });

  async function copier(device: WebGpuDevice) {
    const x = state(device, 'x');
    const y = state(device, 'y');
    const index = state(device, 'index', 'u32', [4]);
    device.write(index, Uint32Array.of(3, 2, 1, 0));
    const program = record('reverse', (p) => reverseTwice(p, x, index, y));
    const [work] = await device.prepare([program]);
    return { x, y, index, program, work: work! };
  }

  test('write, submit and read take effect in the order they are called', async () => {
    const device = await open();
    const { x, y, work } = await copier(device);
    device.write(x, numbers(0));
    device.submit(work);
    const first = device.read(y);
    const data = numbers(1000);
    device.write(x, data);
    data.fill(-1);
    const stillFirst = device.read(y, 0, 5);
    device.submit(work);
    const second = device.read(y, n, n + 3);
    assert.equal([...(await second)], [1200, 1201, 1202]);
    assert.equal([...(await stillFirst)], [300, 301, 302, 303, 304]);
    assert.is((await first)[3 * n], 0);
    device.write(x, Float32Array.of(7, 8), n + 1);
    assert.equal([...(await device.read(x, n, n + 4))], [1100, 7, 8, 1103]);
    await device.close();
  });

  test('repetitions, live rows and programs that share scratch', async () => {
    const device = await open();
    const rows = 3;
    const tensors = {
      ids: device.allocate('ids', 'u32', [rows, 1], 'state'),
      logprobs: device.allocate('logprobs', 'f32', [rows, 1], 'state'),
      rules: device.allocate('rules', 'u32', [1, RULES.width], 'state'),
      rowState: device.allocate('rowState', 'u32', [rows, ROW_STATE.width], 'state'),
      ruleState: device.allocate('ruleState', 'u32', [rows, RULE_STATE.width], 'state'),
      loopState: device.allocate('loopState', 'u32', [LOOP_STATE.width], 'state'),
      picked: device.allocate('picked', 'u32', [rows, 9, PICKED.width], 'state'),
    };
    device.write(tensors.ids, Uint32Array.of(5, 6, 7));
    device.write(tensors.rules, Uint32Array.from(RULES.encode({ eot: 50, timestampBegin: 60 })));
    device.write(tensors.loopState, Uint32Array.from(LOOP_STATE.encode({ limit: 6 })));
    const [step] = await device.prepare([record('step', (p) => p.run(advanceRows, tensors))]);
    device.submit(step!, { times: 4, rows: 2, until: tensors.loopState });
    const sampled = async (): Promise<unknown> => {
      const state = await device.read(tensors.ruleState);
      return [0, 1, 2].map((row) => state[RULE_STATE.at(row, 'sampled')]);
    };
    assert.equal(await sampled(), [4, 4, 0]);
    device.submit(step!, { times: 50, rows: 2, until: tensors.loopState });
    assert.equal(await sampled(), [6, 6, 0], 'rows that are done stand still');
    assert.is((await device.read(tensors.loopState))[LOOP_STATE.index.done], 1);
    await device.close();
  });

  test('memory: scratch is shared, what is freed is given back', async () => {
    const device = await open();
    const { x, program } = await copier(device);
    const held = device.bytesHeld;
    assert.is(held, 2 * 4 * 4 * n + 16 + 2 * 4 * 4 * n, 'x, y, index and two scratch blocks');
    await device.prepare([program, program]);
    await device.prepare([program]);
    assert.is(device.bytesHeld, held);
    device.free(x);
    assert.is(device.bytesHeld, held - 4 * 4 * n);
    await device.close();
    assert.is(device.bytesHeld, 0);
  });

  test('nothing is created in the loop but command encoders', async () => {
    const { gpu, created } = watch(real);
    const device = await open(gpu);
    const { x, y, work } = await copier(device);
    const turn = async (): Promise<void> => {
      device.write(x, numbers(3));
      device.submit(work, { times: 2 });
      await Promise.all([device.read(y, 0, 4), device.read(y, 4, 8)]);
    };
    await turn();
    created.length = 0;
    for (let i = 0; i < 5; i++) await turn();
    assert.equal([...new Set(created)], ['createCommandEncoder']);
    // One for each submit, one for each read.
    assert.is(created.length, 5 * 3);
    await device.close();
  });

  test('an error of earlier work comes out of read, and stays', async () => {
    const device = await open();
    const { x, y, work } = await copier(device);
    device.free(x);
    device.submit(work);
    const error = await throws(DeviceError, 'validation', device.read(y));
    assert.is(await reasonOf(device.read(y)), error);
    await device.close();
  });

  test('memory that is not there: at once when no adapter could have it, else out of prepare', async () => {
    const { gpu, scopes } = watch(real);
    const device = await open(gpu);
    const tooLarge = (): Tensor => device.allocate('huge', 'f32', [device.maxTensorBytes / 4 + 1], 'weights');
    await throws(DeviceError, 'outOfMemory', tooLarge, 'huge needs');
    class GPUOutOfMemoryError extends Error {}
    scopes.push(new GPUOutOfMemoryError('played') as GPUError);
    const y = state(device, 'y');
    const error = await throws(DeviceError, 'outOfMemory', device.prepare([]), '1600 bytes for y: played');
    assert.is(await reasonOf(device.read(y)), error);
    await device.close();
  });

  test('a tensor that is freed right after a submit is there when that runs', async () => {
    const device = await open();
    const { x, y, work } = await copier(device);
    device.write(x, numbers(7));
    device.submit(work);
    device.free(x);
    assert.is((await device.read(y, 0, 1))[0], 3 * n + 7);
    await device.close();
  });

  test("measured by the device's own clock, in steps of less than a microsecond", async () => {
    const device = await open();
    if (!device.measure) {
      console.log('skipped times of the device itself: no timestamp-query here');
      await device.close();
      return;
    }
    const { x, y, work } = await copier(device);
    device.write(x, numbers(0));
    const times: number[] = [];
    for (let i = 0; i < 8; i++) {
      const before = performance.now();
      const ms = await device.measure(work, { times: 1 + i });
      assert.ok(ms > 0 && ms < performance.now() - before, `${ms} ms, of ${performance.now() - before}`);
      times.push(ms);
    }
    assert.ok(
      times.some((ms) => Math.abs(1000 * ms - 65.536 * Math.round((1000 * ms) / 65.536)) > 1e-6),
      `all are multiples of 65.536 us: ${times}`,
    );
    assert.is((await device.read(y, 0, 1))[0], 3 * n, 'it has run');
    await device.close();
  });

  test('a lost device: pending and later reads reject', async () => {
    const { gpu, devices } = watch(real);
    const device = await open(gpu);
    const { y, work } = await copier(device);
    device.submit(work);
    // Its buffer is still being mapped, whatever the GPU has done by now: maps are answered in later turns.
    const pending = throws(DeviceError, 'lost', device.read(y), 'The GPU device is gone');
    devices[0]!.destroy();
    const later = throws(DeviceError, 'lost', device.read(y), 'The GPU device is gone');
    await Promise.all([pending, later]);
    assert.type((await device.lost).reason, 'string');
    await device.close();
  });

  test('close: settles lost, rejects reads, may be called twice', async () => {
    const device = await open();
    const { x, y, work } = await copier(device);
    device.submit(work);
    const pending = throws(DeviceError, 'lost', device.read(y), 'The GPU device is gone');
    await device.close();
    await device.close();
    await pending;
    device.write(x, numbers(0));
    device.submit(work);
    device.free(x);
    await throws(DeviceError, 'lost', device.read(y), 'the device is closed');
    assert.type((await device.lost).reason, 'string');
  });

  test('what prepare refuses', async () => {
    const device = await open();
    const { x, index } = await copier(device);
    const alias = record('alias', (p) => p.run(gatherRows, { x, index, y: x }));
    await throws(KernelError, 'alias', device.prepare([alias]), /gatherRows: y and x are one tensor/);
    const faulty: WgslVariant = {
      name: 'faulty',
      groups: () => [1, 1, 1],
      wgsl: () => '@compute @workgroup_size(1) fn main() { what(); }',
    };
    const run = (kernel: Kernel): Promise<unknown> =>
      device.prepare([record('p', (p) => p.run(kernel, { x, index, y: p.scratch('y', 'f32', [4, n]) }))]);
    await throws(KernelError, 'compile', run({ ...gatherRows, variants: { webgpu: [faulty] } }), 'gatherRows:faulty');
    const none = { ...gatherRows, variants: { webgpu: [{ ...faulty, when: () => false }] } };
    await throws(KernelError, 'noVariant', run(none), 'faulty does not take these dims');
    const reason = new Error('enough');
    assert.is(await reasonOf(device.prepare([], AbortSignal.abort(reason))), reason);
    // None of it harms the device.
    assert.is((await device.read(index))[0], 3);
    await device.close();
  });

  test('which adapters are refused', async () => {
    await throws(DeviceError, 'noAdapter', createWebGpuDevice(create(['backend=null'])), 'null backend');
    if (isSoftware) await throws(DeviceError, 'softwareAdapter', createWebGpuDevice(real));
  });

  test.run();
}
