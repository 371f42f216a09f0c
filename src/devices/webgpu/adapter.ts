/**
 * Finds an adapter and opens a device on it.
 *
 * Optional features are asked for where the adapter lists them. Default limits are enough for every kernel; larger storage
 * bindings and buffers are asked for where the adapter has them, since the vocabulary matrix of larger models then needs
 * fewer shards.
 */
import { DeviceError } from '../../base/errors.ts';
import type { GpuFeatures } from '../../engine/wgsl/features.ts';
import { featuresOf, requestable } from './features.ts';

/** Largest binding that we ask for: large-v3's vocabulary matrix in f32 is 253 MiB. */
const WANTED_BYTES = 1024 * 1024 * 1024;

/** For `Device.measure`. */
const CLOCK = ['timestamp-query'] as const;

export interface OpenedAdapter {
  readonly device: GPUDevice;
  /** A CPU that plays a GPU (SwiftShader, lavapipe): right, and slow. */
  readonly isSoftware: boolean;
  readonly description: string;
  readonly info: GPUAdapterInfo;
  readonly features: GpuFeatures;
}

/**
 * @throws {DeviceError} `noAdapter` when there is none, `softwareAdapter` when only a software adapter is there and
 *   it is not allowed, `noDevice` when the adapter gives no device
 */
export async function openAdapter(gpu: GPU, allowSoftware: boolean): Promise<OpenedAdapter> {
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
  if (!adapter) {
    throw new DeviceError('noAdapter', 'WebGPU is there, but it finds no adapter.', {
      hint: 'Use --device cpu, or install a graphics driver (Vulkan on Linux).',
    });
  }
  const { info } = adapter;
  const description =
    info.description || [info.vendor, info.architecture].filter(Boolean).join(' ') || 'unnamed adapter';
  if (info.device === 'null-backend') {
    throw new DeviceError('noAdapter', "The only adapter is Dawn's null backend, which computes nothing.");
  }
  const isSoftware = isFallback(adapter);
  if (isSoftware && !allowSoftware) {
    throw new DeviceError('softwareAdapter', `The only adapter is software (${description}).`, {
      hint: 'The CPU device is faster; --device webgpu insists on this adapter.',
    });
  }
  const features = featuresOf(gpu, adapter);
  try {
    const device = await adapter.requestDevice({
      requiredFeatures: [...requestable(features), ...CLOCK.filter((name) => adapter.features.has(name))],
      requiredLimits: {
        maxStorageBufferBindingSize: Math.min(WANTED_BYTES, adapter.limits.maxStorageBufferBindingSize),
        maxBufferSize: Math.min(WANTED_BYTES, adapter.limits.maxBufferSize),
      },
    });
    return { device, isSoftware, description, info, features };
  } catch (cause) {
    throw new DeviceError('noDevice', `${description} gives no device: ${String(cause)}`, { cause });
  }
}

function isFallback(adapter: GPUAdapter): boolean {
  // The flag moved from the adapter to its info in 2025; older browsers have the first only.
  const old = adapter as GPUAdapter & { readonly isFallbackAdapter?: boolean };
  return adapter.info.isFallbackAdapter ?? old.isFallbackAdapter ?? false;
}
