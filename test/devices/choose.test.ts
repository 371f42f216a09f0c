/** Which device is taken, with GPUs and devices that are played. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError } from '../../src/base/errors.ts';
import { chooseDevice, type DeviceOpeners } from '../../src/devices/choose.ts';
import type { DeviceChoice } from '../../src/devices/options.ts';
import type { Device } from '../../src/engine/device.ts';
import type { Platform } from '../../src/runtime/platform.ts';
import { reasonOf, throws } from '../support/throws.ts';

const test = suite('chooseDevice');

type Adapter = 'hardware' | 'software' | 'none' | 'broken';

function played(gpu: boolean, adapter: Adapter) {
  const tried: string[] = [];
  const platform: Platform = {
    name: 'node',
    hardwareThreads: 2,
    sharedMemory: true,
    wasm: { relaxedSimd: false, revectorize: false, preloadsOperands: true },
    // Only handed on to the openers, which are played too.
    gpu: async () => (gpu ? ({} as GPU) : undefined),
    spawn: () => undefined,
    compileWasm: async (bytes) => new WebAssembly.Module(bytes),
  };
  // Only their kind is looked at.
  const device = (kind: Device['kind']): Device => ({ kind }) as Device;
  const open: DeviceOpeners = {
    async webgpu(_gpu, allowSoftware) {
      tried.push(`webgpu${allowSoftware ? '+software' : ''}`);
      if (adapter === 'none') throw new DeviceError('noAdapter', 'no adapter');
      if (adapter === 'broken') throw new DeviceError('noDevice', 'it burns');
      if (adapter === 'software' && !allowSoftware) throw new DeviceError('softwareAdapter', 'software only');
      return device('webgpu');
    },
    async cpu(_platform, { threads }) {
      tried.push(`cpu ${threads}`);
      return device('cpu');
    },
  };
  return { platform, open, tried };
}

const rows: [DeviceChoice, boolean, Adapter, string, string[], number][] = [
  // asked for, WebGPU there?, adapter -> kind or code of the error, what was tried, warnings
  ['auto', true, 'hardware', 'webgpu', ['webgpu'], 0],
  ['auto', true, 'software', 'cpu', ['webgpu', 'cpu 3'], 0],
  ['auto', true, 'none', 'cpu', ['webgpu', 'cpu 3'], 0],
  ['auto', true, 'broken', 'cpu', ['webgpu', 'cpu 3'], 1],
  ['auto', false, 'none', 'cpu', ['cpu 3'], 0],
  ['cpu', true, 'hardware', 'cpu', ['cpu 3'], 0],
  ['webgpu', true, 'hardware', 'webgpu', ['webgpu+software'], 0],
  ['webgpu', true, 'software', 'webgpu', ['webgpu+software'], 0],
  ['webgpu', true, 'none', 'noAdapter', ['webgpu+software'], 0],
  ['webgpu', true, 'broken', 'noDevice', ['webgpu+software'], 0],
  ['webgpu', false, 'none', 'webgpuMissing', [], 0],
];
for (const [choice, gpu, adapter, wanted, tries, warned] of rows) {
  test(`${choice}, ${gpu ? `${adapter} adapter` : 'no WebGPU'}: ${wanted}`, async () => {
    const { platform, open, tried } = played(gpu, adapter);
    const warnings: string[] = [];
    const options = { threads: 3, onWarning: (warning: { code: string }) => void warnings.push(warning.code) };
    const got = await chooseDevice(platform, choice, options, open).then(
      (device) => device.kind,
      (error: unknown) => (error instanceof DeviceError ? error.code : String(error)),
    );
    assert.is(got, wanted);
    assert.equal(tried, tries);
    assert.is(warnings.length, warned);
  });
}

test('faults of ours are not taken for a missing GPU', async () => {
  const { platform, open } = played(true, 'hardware');
  const broken = { ...open, webgpu: () => Promise.reject(new TypeError('a bug')) };
  assert.instance(await reasonOf(chooseDevice(platform, 'auto', {}, broken)), TypeError);
});

test('the hint of a missing WebGPU says what to do', async () => {
  const { platform, open } = played(false, 'none');
  await throws(DeviceError, 'webgpuMissing', chooseDevice(platform, 'webgpu', {}, open), 'npm install webgpu');
});

test.run();
