/**
 * A GPU for tests, on whatever adapter the machine has.
 *
 * `SOTTO_TEST_ADAPTER` names one of the software drivers below, or `system` for what Vulkan finds by itself (a real GPU);
 * unset: `VK_ICD_FILENAMES` if that is set, else lavapipe, SwiftShader, system, the first that gives an adapter. Older
 * lavapipe (Mesa 22) gives none to Dawn. That of Mesa 26, which `.ci/lavapipe26` puts beside the system, wants a C library of
 * its own: Node is started by `lavapipe26.run`.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DeviceError } from '../../src/base/errors.ts';
import { createWebGpuDevice, type WebGpuDevice, type WebGpuOptions } from '../../src/devices/webgpu/device.ts';
import { createNodePlatform } from '../../src/runtime/node.ts';
import { repoRoot } from './paths.ts';

/** Mesa 26's lavapipe, where `.ci/run` puts it: on a machine whose Debian is older too. */
export const lavapipe26 = {
  folder: join(repoRoot, 'test/runtimes/.cache/lavapipe26'),
  /** Starts a program with this driver. */
  run: join(repoRoot, 'test/runtimes/.cache/lavapipe26/run'),
};

const drivers: Readonly<Record<string, readonly string[]>> = {
  lavapipe: ['/usr/share/vulkan/icd.d/lvp_icd.json', '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json'],
  swiftshader: ['/usr/lib/chromium/vk_swiftshader_icd.json'],
};

/** Points Vulkan at a driver: call it before anything asks for an adapter. False when the driver is not installed. */
export function useDriver(name: string): boolean {
  if (name === 'system') return true;
  const manifest = drivers[name]?.find(existsSync);
  if (manifest) process.env.VK_ICD_FILENAMES = manifest;
  return manifest !== undefined;
}

/** The driver that tests use here, or undefined. */
export function testDriver(): string | undefined {
  const wanted = process.env.SOTTO_TEST_ADAPTER;
  if (wanted) return useDriver(wanted) ? wanted : undefined;
  if (process.env.VK_ICD_FILENAMES) return process.env.VK_ICD_FILENAMES;
  return Object.keys(drivers).find(useDriver) ?? 'system';
}

export async function testGpu(): Promise<GPU | undefined> {
  // Two lines of Dawn's on stderr otherwise.
  process.env.XDG_RUNTIME_DIR ??= '/tmp';
  if (testDriver() === undefined) return undefined;
  try {
    return await createNodePlatform().gpu();
  } catch (error) {
    if (error instanceof DeviceError && error.code === 'noAdapter') return undefined; // no Vulkan here
    throw error;
  }
}

/** Opens a device, or prints what is skipped and gives undefined. */
export async function openOrSkip(
  what: string,
  options: Omit<WebGpuOptions, 'allowSoftware'> = {},
): Promise<WebGpuDevice | undefined> {
  const gpu = await testGpu();
  try {
    if (gpu) return await createWebGpuDevice(gpu, { ...options, allowSoftware: true });
  } catch (error) {
    if (!(error instanceof DeviceError) || error.code !== 'noAdapter') throw error;
  }
  console.log(`skipped ${what}: no WebGPU adapter here`);
  return undefined;
}
