/** What adapter there is, with what features and limits. */
import { featuresOf } from '../../src/devices/webgpu/features.ts';
import { createNodePlatform } from '../../src/runtime/node.ts';
import type { PartOptions } from './notes.ts';

export async function probe({ note, isSmall }: PartOptions): Promise<void> {
  const gpu = await createNodePlatform().gpu();
  const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' });
  if (!gpu || !adapter) throw new Error('there is no adapter');
  const { info, limits } = adapter;
  const { vendor, architecture, device, description, isFallbackAdapter } = info;
  note({ vendor, architecture, device, description, isSoftware: isFallbackAdapter });
  note({ features: [...adapter.features].sort(), matrix: featuresOf(gpu, adapter).matrix ?? 'none' });
  const { maxStorageBufferBindingSize, maxBufferSize, maxComputeWorkgroupStorageSize } = limits;
  note({ maxStorageBufferBindingSize, maxBufferSize, maxComputeWorkgroupStorageSize });
  if (isFallbackAdapter && !isSmall) throw new Error('the only adapter is software');
}
