/** Every kernel: right on this driver, variant by variant; and which variant is the fastest at each size. */
import type { Device } from '../../src/engine/device.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { kernelPlaces, timedPlaces } from '../../src/lab/fork.ts';
import { measurePeaks } from '../../src/lab/peaks.ts';
import { checkPlaces, timePlaces } from '../../src/lab/runPlaces.ts';
import { attempt, type PartOptions } from './notes.ts';

/** Those whose variants are asked about first. */
const FIRST = ['matmul', 'logits', 'attention', 'crossAttention', 'cachedAttention'];

export async function conformance(device: Device, { note, isSmall }: PartOptions): Promise<void> {
  for (const module of inOrder(isSmall))
    await attempt(note, module.kernel.name, async () => {
      const places = await kernelPlaces(device, module);
      const results = await checkPlaces(device, module, isSmall ? places.slice(0, 2) : places, {});
      const wrong = results.filter(({ right }) => !right);
      const worst = Math.max(0, ...results.map((result) => result.worst));
      note({ kernel: module.kernel.name, places: results.length, wrong: wrong.length, worst });
      for (const { place, failures } of wrong.slice(0, 5))
        note({ kernel: module.kernel.name, variant: place.variant, title: place.title, why: failures[0] });
    });
}

export async function variants(device: Device, { note, isSmall }: PartOptions): Promise<void> {
  const peaks = await measurePeaks(device);
  for (const module of inOrder(isSmall))
    await attempt(note, module.kernel.name, async () => {
      const places = await timedPlaces(device, module);
      const titles = [...new Set(places.map(({ title }) => title))];
      for (const title of isSmall ? titles.slice(0, 1) : titles) {
        const own = places.filter((place) => place.title === title);
        const timings = await timePlaces(device, module, own, peaks, {});
        const [best] = [...timings].sort((a, b) => a.bestMs - b.bestMs);
        const times = Object.fromEntries(
          timings.map(({ place, bestMs }) => [place.variant, Number(bestMs.toPrecision(4))]),
        );
        if (best)
          note({ kernel: module.kernel.name, title, wins: best.place.variant, roofline: best.roofline, ms: times });
      }
    });
}

function inOrder(isSmall: boolean): typeof kernels {
  const rank = (name: string): number => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  const sorted = [...kernels].sort((a, b) => rank(a.kernel.name) - rank(b.kernel.name));
  return isSmall ? kernels.filter(({ kernel }) => kernel.name === 'layerNorm') : sorted;
}
