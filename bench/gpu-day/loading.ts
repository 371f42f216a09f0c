/** What it takes to bring weights to the GPU, with panels that the host packs and with panels that the GPU packs, in turn. */
import type { WebGpuDevice, WebGpuOptions } from '../../src/devices/webgpu/device.ts';
import { publishedSizes } from '../../src/model/publishedSizes.ts';
import { type LoadedType, measureLoad, zeroWeights } from '../measureLoad.ts';
import { attempt, type PartOptions } from './notes.ts';

const TURNS = 3;

export async function loading(
  open: (options: WebGpuOptions) => Promise<WebGpuDevice>,
  { isSmall, note }: PartOptions,
): Promise<void> {
  const sizes: readonly (keyof typeof publishedSizes)[] = isSmall ? ['tiny'] : ['tiny', 'large-v3'];
  const types: readonly LoadedType[] = isSmall ? ['f16'] : ['f16', 'f32', 'int8'];
  for (const model of sizes)
    for (const dtype of types)
      await attempt(note, `${model}, ${dtype}`, async () => {
        const dims = publishedSizes[model];
        for (let turn = 0; turn < TURNS; turn++)
          for (const packsPanels of [false, true]) {
            const device = await open({ packsPanels });
            try {
              const figures = await measureLoad(device, dims, zeroWeights(dims, dtype), dtype);
              const { all: ms, busy: msAtWork, longest: longestMs, bytes } = figures;
              note({ model, dtype, packs: packsPanels ? 'gpu' : 'host', ms, msAtWork, longestMs, MB: bytes / 1e6 });
            } finally {
              await device.close();
            }
          }
      });
}
