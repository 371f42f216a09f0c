/** What the CPU device promises besides right kernels: order, memory, repetition, failure, ending; in all three sizes. */
import { execFileSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError } from '../../../src/base/errors.ts';
import { createCpuDevice } from '../../../src/devices/wasm/device.ts';
import { MemoryMap } from '../../../src/devices/wasm/memory.ts';
import { type Device, readFloats, readWords } from '../../../src/engine/device.ts';
import { defineKernel } from '../../../src/engine/kernel.ts';
import { type Program, record, type Tensor } from '../../../src/engine/program.ts';
import { f32, i32 } from '../../../src/engine/wasm/scalar.ts';
import { at, forWorkItems } from '../../../src/engine/wasm/signature.ts';
import type { WasmVariant } from '../../../src/engine/wasm/variant.ts';
import { createNodePlatform } from '../../../src/runtime/node.ts';
import type { Platform } from '../../../src/runtime/platform.ts';
import { throws } from '../../support/throws.ts';

/** y[row, i] += 1, slowly enough to be handed out to helpers. */
const plus: WasmVariant<'y', 'rows' | 'n'> = {
  name: 'plain',
  workItems: (_c, liveRows) => liveRows,
  emit(f, { dims }) {
    forWorkItems(f, (row) => {
      const p = f.let(at(f.args.y, row, 4 * dims.n));
      f.repeat(i32.const(dims.n), () => {
        f.do(f32.store(p, f32.add(f32.load(p), f32.const(1))));
        f.increase(p, 4);
      });
    });
  },
};
const addOne = defineKernel({
  name: 'addOne',
  args: { y: { access: 'readwrite', dtype: 'f32', dims: ['rows', 'n'] } },
  params: {},
  cost: (d) => ({ flops: 1000 * d.rows * d.n, bytes: 0 }),
  variants: { wasm: [plus] },
});

/** y = x + 1. */
const addOneTo: WasmVariant<'x' | 'y', 'n'> = {
  name: 'plain',
  workItems: ({ dims }) => dims.n,
  emit(f) {
    forWorkItems(f, (i) => f.do(f32.store(at(f.args.y, i, 4), f32.add(f32.load(at(f.args.x, i, 4)), f32.const(1)))));
  },
};
const successor = defineKernel({
  name: 'successor',
  args: {
    x: { access: 'read', dtype: 'f32', dims: ['n'] },
    y: { access: 'write', dtype: 'f32', dims: ['n'] },
  },
  params: {},
  cost: () => ({ flops: 1, bytes: 8 }),
  variants: { wasm: [addOneTo] },
});

function counting(name: string, emit: WasmVariant<'count' | 'done'>['emit']) {
  const plain: WasmVariant<'count' | 'done'> = { name: 'plain', workItems: () => 1, emit };
  return defineKernel({
    name,
    args: {
      count: { access: 'readwrite', dtype: 'u32', dims: [1] },
      done: { access: 'write', dtype: 'u32', dims: [1] },
    },
    params: {},
    cost: () => ({ flops: 1, bytes: 8 }),
    variants: { wasm: [plain] },
  });
}

/** count[0] += 1; done[0] = count[0] >= 3. */
const countUp = counting('countUp', (f) => {
  f.do(i32.store(f.args.count, i32.add(i32.load(f.args.count), i32.const(1))));
  f.do(i32.store(f.args.done, i32.ge_s(i32.load(f.args.count), i32.const(3))));
});

/** Reads beyond the memory. */
const trap = counting('trap', (f) => f.do(i32.store(f.args.count, i32.load(i32.const(-4)))));

const node = createNodePlatform();
const sizes: readonly { readonly title: string; readonly platform: Platform; readonly threads: number }[] = [
  { title: 'one thread', platform: node, threads: 1 },
  { title: 'three threads', platform: node, threads: 3 },
  { title: 'memory not shared', platform: { ...node, sharedMemory: false }, threads: 3 },
  { title: 'no workers', platform: { ...node, spawn: () => undefined }, threads: 3 },
];

for (const { title, platform, threads } of sizes) {
  const test = suite(`cpu device, ${title}`);
  let device: Device;
  test.before.each(async () => {
    device = await createCpuDevice(platform, { threads });
  });
  test.after.each(() => device.close());

  test('writes, submits and reads take effect in order', async () => {
    const y = device.allocate('y', 'f32', [40, 8], 'state');
    const [add] = await device.prepare([record('add', (p) => p.run(addOne, { y }))]);
    const reads: Promise<Float32Array>[] = [];
    const sent = new Float32Array(320);
    for (let i = 0; i < 20; i++) {
      device.write(y, sent.fill(100 * i));
      device.submit(add!, { times: i });
      device.submit(add!, { rows: 2 });
      reads.push(readFloats(device, y, 8, 24));
    }
    for (const [i, read] of reads.entries()) {
      const want = [...Array(8).fill(100 * i + i + 1), ...Array(8).fill(100 * i + i)];
      assert.equal([...(await read)], want);
    }
  });

  test('every work item runs once, however it is handed out', async () => {
    // Little work a chunk and many commands: what could go wrong between threads gets many chances.
    const y = device.allocate('y', 'f32', [97, 8], 'state');
    const [add] = await device.prepare([record('add', (p) => p.run(addOne, { y }))]);
    for (let i = 0; i < 20; i++) device.submit(add!, { times: 500 });
    assert.ok((await readFloats(device, y)).every((value) => value === 10_000));
  });

  test('a command begins when the one before it is done', async () => {
    // A work item a thread, and long ones: whoever does not wait for the others soon works on what they have in hand.
    const y = device.allocate('y', 'f32', [threads, 4000], 'state');
    const [add] = await device.prepare([record('add', (p) => p.run(addOne, { y }))]);
    device.submit(add!, { times: 3000 });
    assert.ok((await readFloats(device, y)).every((value) => value === 3000));
  });

  test('a repetition ends when the flag is set', async () => {
    const count = device.allocate('count', 'u32', [1], 'state');
    const done = device.allocate('done', 'u32', [1], 'state');
    const [step] = await device.prepare([record('count', (p) => p.run(countUp, { count, done }))]);
    device.submit(step!, { times: 10, until: done });
    assert.equal([...(await readWords(device, count))], [3]);
  });

  test('freed memory is used again, and holds zeros', async () => {
    const first = device.allocate('first', 'f32', [100_000], 'state');
    device.write(first, new Float32Array(100_000).fill(7));
    assert.is((await readFloats(device, first, 99_999))[0], 7);
    device.free(first);
    const second = device.allocate('second', 'f32', [90_000], 'state');
    assert.ok((await readFloats(device, second)).every((value) => value === 0));
    const write = (): void => device.write(first, new Float32Array(1));
    await throws(DeviceError, 'validation', write, 'not a tensor of this device');
  });

  test('scratch lies over what a program borrows, as far as there is room', async () => {
    const n = 1000;
    const x = device.allocate('x', 'f32', [n], 'state');
    const y = device.allocate('y', 'f32', [n], 'state');
    const borrowed = [0, 1].map((i) => device.allocate(`borrowed${i}`, 'f32', [n], 'state'));
    const chain = (name: string, lenders: readonly Tensor[]): Program =>
      record(
        name,
        (p) => {
          const steps = [0, 1, 2].map((i) => p.scratch(`step${i}`, 'f32', [n]));
          for (const [i, step] of steps.entries()) p.run(successor, { x: steps[i - 1] ?? x, y: step });
          p.run(successor, { x: steps[2]!, y });
        },
        { borrowed: lenders },
      );
    const before = device.bytesHeld;
    for (const lenders of [borrowed, borrowed.slice(1), []]) {
      const [run] = await device.prepare([chain('chain', lenders)]);
      for (const tensor of [x, ...borrowed]) device.write(tensor, new Float32Array(n).fill(5));
      device.submit(run!);
      assert.ok((await readFloats(device, y)).every((value) => value === 9));
      assert.ok((await readFloats(device, x)).every((value) => value === 5));
      const isKept = await Promise.all(borrowed.map(async (each) => (await readFloats(device, each))[n - 1] === 5));
      assert.equal(isKept, [!lenders.includes(borrowed[0]!), !lenders.includes(borrowed[1]!)]);
      // Two blocks hold the three steps: of what is not borrowed there are so many.
      const blocks = Math.floor((device.bytesHeld - before) / (4 * n));
      assert.is(blocks, 2 - lenders.length);
    }
    assert.throws(
      () => record('wrong', (p) => p.run(successor, { x, y }), { borrowed: [x] }),
      /a tensor that it borrows/,
    );
  });

  test('memory grows between the programs that use it', async () => {
    const tensors: Tensor[] = [];
    for (let i = 0; i < 4; i++) {
      const y = device.allocate(`y${i}`, 'f32', [500, 1000], 'state');
      tensors.push(y);
      const [add] = await device.prepare([record('add', (p) => p.run(addOne, { y }))]);
      device.submit(add!, { times: 2 });
    }
    for (const y of tensors) assert.ok((await readFloats(device, y)).every((value) => value === 2));
  });

  test('ranges beyond a tensor are refused', async () => {
    const y = device.allocate('y', 'f32', [10], 'state');
    await throws(DeviceError, 'validation', () => device.write(y, new Float32Array(3), 8), 'do not fit y [10]');
    await throws(DeviceError, 'validation', device.read(y, 5, 11), 'y has no elements 5 to 11');
  });

  test('a kernel that fails is heard of at the next read, and the device is lost', async () => {
    const count = device.allocate('count', 'u32', [1], 'state');
    const done = device.allocate('done', 'u32', [1], 'state');
    const [bad] = await device.prepare([record('trap', (p) => p.run(trap, { count, done }))]);
    device.submit(bad!);
    await throws(DeviceError, 'lost', device.read(count), 'out of bounds');
    assert.match((await device.lost).reason, /out of bounds/);
    await throws(DeviceError, 'lost', device.read(count), 'out of bounds');
  });

  test('closing rejects what is open', async () => {
    const y = device.allocate('y', 'f32', [10], 'state');
    const open = throws(DeviceError, 'lost', device.read(y), 'closed');
    await device.close();
    await open;
    assert.match((await device.lost).reason, /closed/);
  });

  test.run();
}

const whole = suite('cpu device');

whole('a process ends by itself after close, and not before its reads are answered', () => {
  const script = `
    import { createCpuDevice } from ${JSON.stringify(new URL('../../../src/devices/wasm/device.js', import.meta.url).href)};
    import { createNodePlatform } from ${JSON.stringify(new URL('../../../src/runtime/node.js', import.meta.url).href)};
    const device = await createCpuDevice(createNodePlatform(), { threads: 2 });
    const y = device.allocate('y', 'f32', [4], 'state');
    device.write(y, Float32Array.of(1, 2, 3, 4));
    console.log([...(await device.read(y))].join());
    await device.close();`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.is(out.trim(), '1,2,3,4');
});

whole('what no program has is written at once, the rest when its turn comes', async () => {
  const written: unknown[] = [];
  const spawn: Platform['spawn'] = (source, name) => {
    const port = node.spawn(source, name)!;
    return {
      ...port,
      postMessage(message, transfer) {
        const { type } = message as { readonly type: string }; // the device posts nothing else
        if (type === 'write') written.push(message);
        port.postMessage(message, transfer);
      },
    };
  };
  const device = await createCpuDevice({ ...node, spawn }, { threads: 1 });
  const y = device.allocate('y', 'f32', [64, 1000], 'state');
  const old = device.allocate('old', 'f32', [8], 'state');
  const [add] = await device.prepare([record('add', (p) => p.run(addOne, { y }))]);
  device.free(old);
  device.submit(add!, { times: 1000 });
  device.write(y, new Float32Array(y.shape[0]! * y.shape[1]!));
  assert.is(written.length, 1, 'the leader was idle: the test shows nothing');
  const fresh = device.allocate('fresh', 'f32', [9000], 'weights');
  device.write(fresh, new Float32Array(9000).fill(7));
  assert.is(written.length, 1);
  // Its memory was somebody's, whom the leader is still to clear.
  const used = device.allocate('used', 'f32', [8], 'weights');
  device.write(used, new Float32Array(8).fill(9));
  assert.is(written.length, 2);
  assert.equal(new Set(await readFloats(device, fresh)), new Set([7]));
  assert.equal(new Set(await readFloats(device, used)), new Set([9]));
  assert.equal(new Set(await readFloats(device, y)), new Set([0]), 'written after the program');
  await device.close();
});

whole('the memory map: best fit, gaps of 64 bytes, neighbours merge, a limit', () => {
  const map = new MemoryMap(1024, 8192);
  const [a, b, c] = [map.allocate(100)!, map.allocate(64)!, map.allocate(1)!];
  assert.equal([a.address, b.address, c.address, map.end], [1024, 1216, 1344, 1472]);
  assert.is(map.free(a.address), true);
  assert.is(map.free(a.address), false);
  assert.equal(map.allocate(65), { address: 1024, isUsed: true });
  map.free(1024);
  map.free(b.address);
  assert.equal(map.allocate(256), { address: 1024, isUsed: true }, 'the two holes are one of 320 bytes');
  assert.is(map.allocate(8192), undefined);
  assert.is(map.allocate(6000)!.isUsed, false);
});

whole.run();
