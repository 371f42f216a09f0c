/**
 * Which device runs a model. `auto` takes a hardware GPU, else the CPU: a software adapter (SwiftShader, lavapipe) is
 * slower than our own WebAssembly, so it is taken only when `webgpu` is asked for.
 */
import { DeviceError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import type { Device } from '../engine/device.ts';
import type { FindTuning } from '../engine/wgsl/tuning.ts';
import type { Platform } from '../runtime/platform.ts';
import type { DeviceChoice, DeviceOptions } from './options.ts';
import type { WebGpuDevice } from './webgpu/device.ts';

export interface ChooseOptions extends Pick<DeviceOptions, 'threads'>, Pick<CallOptions, 'onWarning'> {}

/** How the two devices are opened; loaded only when needed, so that a page pays for one. */
export interface DeviceOpeners {
  webgpu(gpu: GPU, allowSoftware: boolean, tuning?: FindTuning): Promise<Device>;
  cpu(platform: Platform, options: ChooseOptions): Promise<Device>;
}

const OPENERS: DeviceOpeners = {
  async webgpu(gpu, allowSoftware, tuning) {
    const { createWebGpuDevice } = await import('./webgpu/device.ts');
    return createWebGpuDevice(gpu, { allowSoftware, tuning });
  },
  async cpu(platform, { threads, onWarning }) {
    const { createCpuDevice } = await import('./wasm/device.ts');
    return createCpuDevice(platform, { ...(threads ? { threads } : {}), onWarning });
  },
};

/** Errors that say only that there is no hardware GPU here: `auto` then takes the CPU without a word. */
const NO_GPU: ReadonlySet<string> = new Set(['noAdapter', 'softwareAdapter']);

/**
 * @throws {DeviceError} `webgpuMissing` when `webgpu` is asked for and the runtime has none; `noAdapter`, `noDevice`
 *   when it has, but no adapter or device
 */
export async function chooseDevice(
  platform: Platform,
  choice: DeviceChoice,
  options: ChooseOptions = {},
  open: DeviceOpeners = OPENERS,
): Promise<Device> {
  if (choice === 'cpu') return open.cpu(platform, options);
  const gpu = await platform.gpu({ hardwareOnly: choice === 'auto' });
  if (choice === 'webgpu') return open.webgpu(gpu ?? missing(platform), true, platform.tuning);
  if (!gpu) return open.cpu(platform, options);
  try {
    return await open.webgpu(gpu, false, platform.tuning);
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    if (!NO_GPU.has(error.code)) {
      options.onWarning?.({ code: 'gpuUnavailable', message: `The GPU cannot be used, the CPU is: ${error.message}` });
    }
    return open.cpu(platform, options);
  }
}

/**
 * WebGPU by itself, a software adapter too, with what only this device can do.
 * @throws {DeviceError} as `chooseDevice` with `webgpu`
 */
export async function openGpu(platform: Platform): Promise<WebGpuDevice> {
  const gpu = (await platform.gpu()) ?? missing(platform);
  const { createWebGpuDevice } = await import('./webgpu/device.ts');
  return createWebGpuDevice(gpu, { allowSoftware: true, tuning: platform.tuning });
}

function missing(platform: Platform): never {
  throw new DeviceError('webgpuMissing', 'WebGPU was asked for, and this runtime has none.', {
    hint: webgpuHint(platform),
  });
}

function webgpuHint(platform: Platform): string {
  switch (platform.name) {
    case 'node':
    case 'bun':
      return 'Install the package "webgpu" (npm install webgpu), or use the CPU.';
    case 'deno':
      return 'Update Deno, or use the CPU.';
    case 'web':
      return 'Use a browser with WebGPU on a secure page (https or localhost), or the CPU.';
  }
}
