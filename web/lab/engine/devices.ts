/** The devices of the lab's worker, each opened when first asked for, with what it can do at most. */
import { chooseDevice, createWebPlatform, SottoError } from 'sotto';
import {
  createReferenceDevice,
  createWebGpuDevice,
  type Device,
  measurePeaks,
  type Peaks,
  type WebGpuDevice,
} from 'sotto/lab';
import type { DeviceKind } from './messages.ts';

const platform = createWebPlatform();
const measured = new Map<Device, Promise<Peaks>>();
let gpu: Promise<WebGpuDevice> | undefined;
let cpu: Promise<Device> | undefined;

/** With the panels of the CPU, to generate code for it; runs nothing. */
export const cpuBooks: Device = createReferenceDevice();
export const wasmFeatures = platform.wasm;

/** @throws {DeviceError} where there is no WebGPU */
export function openGpu(onLost: (reason: string) => void): Promise<WebGpuDevice> {
  gpu ??= (async () => {
    const there = await platform.gpu();
    if (!there) throw new Error('This browser has no WebGPU.');
    const device = await createWebGpuDevice(there, { allowSoftware: true });
    void device.lost.then(({ reason }) => onLost(reason));
    return device;
  })();
  return gpu;
}

export async function openDevice(kind: DeviceKind, onLost: (reason: string) => void): Promise<Device> {
  if (kind === 'webgpu') return openGpu(onLost);
  cpu ??= chooseDevice(platform, 'cpu');
  return cpu;
}

export function peaksOf(device: Device): Promise<Peaks> {
  let peaks = measured.get(device);
  if (!peaks) {
    peaks = measurePeaks(device);
    measured.set(device, peaks);
  }
  return peaks;
}

export function sentenceOf(error: unknown): string {
  if (error instanceof SottoError) return error.hint ? `${error.message} ${error.hint}` : error.message;
  return error instanceof Error ? error.message : String(error);
}
