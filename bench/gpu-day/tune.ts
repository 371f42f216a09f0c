/**
 * Which variants win at the sizes of models on this GPU, as `sotto kernel --tune` finds it, size by size. The table that the command
 * would keep is in the day's folder, to be put into a cache.
 */
import { basename, join } from 'node:path';
import { openGpu } from '../../src/devices/choose.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { sizesOf } from '../../src/lab/tune/sizes.ts';
import { tuneDevice } from '../../src/lab/tune/tuneDevice.ts';
import { createNodePlatform } from '../../src/runtime/node.ts';
import { identityOf, tablePath, writeTableFile } from '../../src/tuning/nodeTableFile.ts';
import { runtimeOf } from '../../src/tuning/nodeTuning.ts';
import type { AdapterIdentity, MeasuredUse } from '../../src/tuning/table.ts';
import { attempt, type PartOptions } from './notes.ts';

/** Those that a day has time for, the most wanted first. */
const SIZES = [
  ['turbo', 'f16'],
  ['tiny', 'f32'],
  ['base', 'f16'],
  ['small', 'f16'],
] as const;

export async function tune(folder: string, { note, isSmall }: PartOptions): Promise<void> {
  const platform = createNodePlatform();
  let adapter: AdapterIdentity | undefined;
  const device = await openGpu({
    ...platform,
    async tuning(info) {
      adapter = identityOf(info, runtimeOf(platform));
      return undefined;
    },
  });
  if (device.isSoftware && !isSmall) throw new Error(`the adapter is software: ${device.description}`);
  const modules = isSmall ? kernels.filter(({ kernel }) => kernel.name === 'tokenProbability') : kernels;
  const uses = new Map<string, MeasuredUse>();
  try {
    for (const [size, dtype] of isSmall ? [['tiny', 'f32'] as const] : SIZES)
      await attempt(note, `${size} in ${dtype}`, async () => {
        const started = performance.now();
        const measured = await tuneDevice(device, modules, sizesOf([size], [dtype]), {
          rounds: 5,
          seriesMs: 4,
          onWrong: ({ key }, variant, why) => note({ wrong: variant, use: key, why }),
          // After each: the part may be ended by its limit.
          onUse(key, use) {
            uses.set(key, use);
            const table = { adapter: adapter!, madeBy: 'gpu-day', date: new Date().toISOString(), uses };
            writeTableFile(join(folder, 'tuning', basename(tablePath(table.adapter))), table);
          },
          onRange({ key }, { upTo, variant, rule, points }) {
            const ms = points.map(({ rows, times }) => ({ rows, ms: Object.fromEntries(times) }));
            note({ use: key, upTo: upTo ?? 'all', wins: variant ?? rule, rule, points: ms }, variant === undefined);
          },
        });
        note({ size, dtype, uses: measured.size, seconds: (performance.now() - started) / 1000 });
      });
  } finally {
    await device.close();
  }
}
