/** Workers of the CPU device that cannot be made, die, or say nothing: every waiting call gets an error, nothing is left. */
import { spawnSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError } from '../../../src/base/errors.ts';
import type { Warning } from '../../../src/base/progress.ts';
import { type CpuDeviceOptions, createCpuDevice } from '../../../src/devices/wasm/device.ts';
import { CONTROL } from '../../../src/devices/wasm/protocol.ts';
import { Watch } from '../../../src/devices/wasm/watch.ts';
import { type Device, readFloats } from '../../../src/engine/device.ts';
import { defineKernel } from '../../../src/engine/kernel.ts';
import { record } from '../../../src/engine/program.ts';
import { f32 } from '../../../src/engine/wasm/scalar.ts';
import { at, forWorkItems } from '../../../src/engine/wasm/signature.ts';
import type { WasmVariant } from '../../../src/engine/wasm/variant.ts';
import { createNodePlatform } from '../../../src/runtime/node.ts';
import type { Platform, WorkerPort } from '../../../src/runtime/platform.ts';
import { throws } from '../../support/throws.ts';

const test = suite('workers of the cpu device');
const node = createNodePlatform();

const plus: WasmVariant<'y', 'rows'> = {
  name: 'plain',
  workItems: (_c, liveRows) => liveRows,
  emit(f) {
    forWorkItems(f, (row) => {
      const p = f.let(at(f.args.y, row, 4));
      f.do(f32.store(p, f32.add(f32.load(p), f32.const(1))));
    });
  },
};
/** y[row] += 1, said to be long, so that helpers get some of it. */
const addOne = defineKernel({
  name: 'addOne',
  args: { y: { access: 'readwrite', dtype: 'f32', dims: ['rows'] } },
  params: {},
  cost: () => ({ flops: 1e9, bytes: 0 }),
  variants: { wasm: [plus] },
});

interface Watched {
  readonly platform: Platform;
  /** Names of the workers that run. */
  readonly running: Set<string>;
  readonly warnings: Warning[];
  readonly options: CpuDeviceOptions;
}

/** Node's platform with other workers: `make` gets the script and the real way to start it. */
function watched(
  make: (name: string, source: string, spawn: (source: string) => WorkerPort) => WorkerPort | undefined,
  changes: Partial<Platform> = {},
): Watched {
  const running = new Set<string>();
  const warnings: Warning[] = [];
  const spawn = (source: string, name: string): WorkerPort | undefined => {
    const port = make(name, source, (script) => node.spawn(script, name)!);
    if (!port) return undefined;
    running.add(name);
    return {
      ...port,
      terminate() {
        running.delete(name);
        port.terminate();
      },
    };
  };
  const onWarning = (warning: Warning): void => void warnings.push(warning);
  return { platform: { ...node, spawn, ...changes }, running, warnings, options: { threads: 3, onWarning } };
}

/** A worker that never does anything. */
const dumb = (): WorkerPort => ({ postMessage() {}, onMessage() {}, onError() {}, terminate() {} });

/** One that fails soon after it was started, as a browser says that a policy forbids it. */
const failing = (): WorkerPort => ({ ...dumb(), onError: (handler) => queueMicrotask(() => handler(new Error('no'))) });

/** Counts with the device; resolves to whether it was right. */
async function counts(device: Device): Promise<boolean> {
  const y = device.allocate('y', 'f32', [100], 'state');
  const [add] = await device.prepare([record('add', (p) => p.run(addOne, { y }))]);
  device.submit(add!, { times: 50 });
  return (await readFloats(device, y)).every((value) => value === 50);
}

test('no memory: an error, and no worker is left', async () => {
  const { platform, running, options } = watched((_name, source, spawn) => spawn(source));
  const scope = WebAssembly as { Memory: unknown };
  const { Memory } = scope;
  scope.Memory = class {
    constructor() {
      throw new RangeError('could not allocate memory');
    }
  };
  try {
    await throws(DeviceError, 'outOfMemory', createCpuDevice(platform, options), 'ulimit -v');
  } finally {
    scope.Memory = Memory;
  }
  assert.equal([...running], []);
});

test('a process whose addresses are limited gets that error, and ends', () => {
  if (process.platform !== 'linux') return;
  const url = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    import { createCpuDevice } from ${url('../../../src/devices/wasm/device.js')};
    import { createNodePlatform } from ${url('../../../src/runtime/node.js')};
    await createCpuDevice(createNodePlatform(), { threads: 2 }).catch((error) => console.log(error.code));`;
  const command = `ulimit -v 4000000; exec ${process.execPath} --input-type=module -e '${script}'`;
  const { stdout, stderr, status } = spawnSync('bash', ['-c', command], { encoding: 'utf8', timeout: 60_000 });
  assert.equal([stdout.trim(), status], ['outOfMemory', 0], stderr);
});

test('fewer threads than wanted can be started: a warning, and right results', async () => {
  for (const [most, sentence] of [
    [2, 'Only 2 of 3 threads'],
    [0, 'the calling thread computes'],
  ] as const) {
    let started = 0;
    const { platform, warnings, options, running } = watched((_name, source, spawn) =>
      started++ < most ? spawn(source) : undefined,
    );
    const device = await createCpuDevice(platform, options);
    assert.ok(await counts(device));
    await device.close();
    assert.equal(
      warnings.map(({ code }) => code),
      ['fewerThreads'],
    );
    assert.match(warnings[0]!.message, sentence);
    assert.equal([...running], []);
  }
});

test('a billion threads are a few hundred at most', async () => {
  let started = 0;
  const { platform, warnings } = watched(() => {
    started++;
    return dumb();
  });
  const options: CpuDeviceOptions = { threads: 1e9, onWarning: (warning) => void warnings.push(warning) };
  const device = await createCpuDevice(platform, options);
  await device.close();
  assert.is(started, 256);
  assert.is(warnings[0]!.code, 'fewerThreads');
});

test('a helper that fails before it begins is done without', async () => {
  const { platform, warnings, options } = watched((name, source, spawn) =>
    name === 'sotto helper 1' ? failing() : spawn(source),
  );
  const device = await createCpuDevice(platform, options);
  assert.ok(await counts(device));
  assert.equal(
    warnings.map(({ code }) => code),
    ['fewerThreads'],
  );
  await device.close();
});

test('a leader that cannot be started: an error that says why', async () => {
  for (const [name, hint] of [
    ['web', 'worker-src blob:'],
    ['node', 'ulimit'],
  ] as const) {
    const { platform, options, running } = watched(failing, { name });
    const device = await createCpuDevice(platform, options);
    const y = device.allocate('y', 'f32', [4], 'state');
    await throws(DeviceError, 'workerFailed', device.read(y), hint);
    await throws(DeviceError, 'workerFailed', device.read(y), hint);
    await throws(DeviceError, 'workerFailed', device.prepare([]), hint);
    await device.close();
    assert.equal([...running], []);
  }
});

/** Before a message of this type, but for the first read, the worker does this. */
const before = (type: string, action: string): string => `
  const real = self.onmessage;
  let reads = 0;
  self.onmessage = (event) => {
    if (event.data.type === 'read') reads++;
    if (event.data.type === '${type}' && !(event.data.type === 'read' && reads === 1)) { ${action} }
    real(event);
  };`;

for (const [what, action] of [
  ['exits', 'process.exit(7);'],
  ['throws', 'throw new Error("broken");'],
  ['throws something that is no error', 'throw { toString: null };'],
] as const) {
  for (const type of ['submit', 'read']) {
    test(`a leader that ${what} at ${type}: waiting calls get an error, close returns`, async () => {
      const { platform, options, running } = watched((name, source, spawn) => {
        if (name !== 'sotto leader') return spawn(source);
        return spawn(source + before(type, action));
      });
      const device = await createCpuDevice(platform, options);
      const y = device.allocate('y', 'f32', [100], 'state');
      const [add] = await device.prepare([record('add', (p) => p.run(addOne, { y }))]);
      await device.read(y); // it has begun
      device.submit(add!);
      const reads = [device.read(y), device.read(y)].map((read) => throws(DeviceError, 'lost', read, 'worker'));
      await Promise.all(reads);
      await throws(DeviceError, 'lost', device.read(y), 'worker');
      assert.match((await device.lost).reason, 'worker');
      await device.close();
      assert.equal([...running], []);
    });
  }
}

test('a helper that dies with work in its hands: the leader is not left waiting for it', async () => {
  const steal = `
    const memory = new Promise((resolve) => { self.onmessage = ({ data }) => {
      if (data.type !== 'init') return;
      const control = new Int32Array(data.memory.buffer, 0, 256);
      postMessage({ type: 'alive' });
      for (;;) {
        const state = Atomics.load(control, ${CONTROL.state});
        if ((state & 0xfff) === 0) continue;
        if (Atomics.compareExchange(control, ${CONTROL.state}, state, state - 1) === state) process.exit(0);
      }
    }; });`;
  const { platform, options, running } = watched((name, source, spawn) =>
    spawn(name === 'sotto helper 1' ? steal : source),
  );
  const device = await createCpuDevice(platform, options);
  const y = device.allocate('y', 'f32', [100], 'state');
  const [add] = await device.prepare([record('add', (p) => p.run(addOne, { y }))]);
  device.submit(add!, { times: 1_000_000 });
  await throws(DeviceError, 'lost', device.read(y), 'ended by itself');
  await device.close();
  assert.equal([...running], []);
});

test('workers that never answer count as dead after a while', async () => {
  for (const sharedMemory of [true, false]) {
    const { platform, options, running } = watched(dumb, { sharedMemory });
    const device = await createCpuDevice(platform, { ...options, silentSeconds: 1 });
    const y = device.allocate('y', 'f32', [4], 'state');
    await throws(DeviceError, 'lost', device.read(y), 'no sign of life');
    await device.close();
    assert.equal([...running], []);
  }
});

test('whoever shows signs of life does not count as dead, however long it takes', async () => {
  let signs = 0;
  let silences = 0;
  await new Promise<void>((resolve) => {
    const watch = new Watch({
      isWaiting() {
        if (signs >= 4) resolve();
        return signs < 4;
      },
      sign: () => String(signs++),
      seconds: 1,
      onSilence: () => silences++,
    });
    watch.begin();
    watch.begin();
  });
  assert.is(silences, 0);
});

test('a closed device leaves no timer that keeps the process from ending', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const before = timers();
  const device = await createCpuDevice(node, { threads: 1 });
  assert.ok(await counts(device));
  assert.is(timers(), before + 1, 'it watches');
  await device.close();
  assert.is(timers(), before);
});

test('a leader without shared memory says after every message that it lives', async () => {
  const said: unknown[] = [];
  const { platform, options } = watched(
    (_name, source, spawn) => {
      const port = spawn(source);
      port.onMessage((message) => said.push((message as { readonly type: unknown }).type)); // of our own worker
      return port;
    },
    { sharedMemory: false },
  );
  const device = await createCpuDevice(platform, options);
  assert.ok(await counts(device));
  await device.close();
  // init, prepare, submit; then the answer.
  assert.ok(said.indexOf('data') >= 3 && said.slice(0, 3).every((type) => type === 'alive'), said.join());
});

test('WebAssembly that a policy forbids, and none at all', async () => {
  const compileWasm = (): Promise<WebAssembly.Module> => Promise.reject(new Error('violates the policy'));
  const device = await createCpuDevice({ ...node, compileWasm }, { threads: 1 });
  await throws(DeviceError, 'wasmBlocked', counts(device), 'wasm-unsafe-eval');
  await device.close();
  const scope = globalThis as { WebAssembly?: unknown };
  const real = scope.WebAssembly;
  delete scope.WebAssembly;
  try {
    await throws(DeviceError, 'wasmMissing', createCpuDevice(createNodePlatform(), {}), 'jitless');
  } finally {
    scope.WebAssembly = real;
  }
});

test("threads that end a submit and threads that begin the next are not in each other's way", async () => {
  // Every now and then a thread stands still before it touches what the threads share, as if the system had put it to sleep.
  const hesitate = `for (const name of ['load', 'store', 'add', 'compareExchange', 'notify']) {
    const plain = Atomics[name];
    Atomics[name] = (...args) => {
      const end = Math.random() < 0.02 ? performance.now() + 0.2 * Math.random() : 0;
      while (performance.now() < end);
      return plain(...args);
    };
  }`;
  const { platform } = watched((_name, source, spawn) => spawn(`${hesitate}\n${source}`));
  const device = await createCpuDevice(platform, { threads: 3, silentSeconds: 10 });
  const y = device.allocate('y', 'f32', [64], 'state');
  const few = device.allocate('few', 'f32', [1], 'state');
  // Ends in a command that is shared, in one that is not, and consists of one alone.
  const programs = await device.prepare([
    record('shared last', (p) => {
      p.run(addOne, { y: few });
      p.run(addOne, { y });
    }),
    record('alone last', (p) => {
      p.run(addOne, { y });
      p.run(addOne, { y: few });
    }),
    record('alone', (p) => p.run(addOne, { y: few })),
  ]);
  const rounds = 6000;
  for (let i = 0; i < rounds; i++) {
    device.submit(programs[i % 3]!, { times: 1 + (i % 2) });
    if (i % 1000 === 999) await readFloats(device, few);
  }
  const expected = (isIn: (program: number) => boolean): number =>
    Array.from({ length: rounds }, (_, i) => (isIn(i % 3) ? 1 + (i % 2) : 0)).reduce((sum, turns) => sum + turns, 0);
  assert.equal(await readFloats(device, few), new Float32Array(1).fill(expected(() => true)));
  assert.equal(await readFloats(device, y), new Float32Array(64).fill(expected((program) => program < 2)));
  await device.close();
});

test.run();
