/**
 * What does it cost to bring weights to a GPU, with panels that the host packs against panels that the GPU packs? In turn, each
 * load in a process of its own; of a model in the cache, or of a published size whose weights are all zeros and read from nowhere.
 *
 *   node dist/bench/loading.js [--model base-demo] [--dtype f32,f16] [--turns 5] [--gpu system|null]
 *
 * `null` is Dawn's backend that computes nothing and whose writes are words on paper: what is left is the host's own work. Prints
 * a table for Markdown: milliseconds until all is on the GPU, those of them in which the calling thread was at work, its longest
 * stretch without looking at anything else, and the peak of the process; ratios are of the minima.
 */
import { parseArgs } from 'node:util';
import { openModelFiles } from '../src/checkpoint/modelFiles.ts';
import { createWebGpuDevice } from '../src/devices/webgpu/device.ts';
import { PACKED_TYPES } from '../src/kernels/matmul/packPanels.ts';
import { publishedSizes } from '../src/model/publishedSizes.ts';
import { openNullGpu } from '../test/support/nullGpu.ts';
import { testGpu } from '../test/support/webgpu.ts';
import { openFolder } from '../weights/fileSource.ts';
import { locateModel } from '../weights/locate.ts';
import { Child } from './childProcess.ts';
import { describeMachine } from './machine.ts';
import { type LoadFigures, measureLoad, zeroWeights } from './measureLoad.ts';

interface Figures extends LoadFigures {
  readonly peakMB: number;
  readonly description: string;
}

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'base-demo' },
    dtype: { type: 'string', default: 'f32,f16' },
    turns: { type: 'string', default: '5' },
    gpu: { type: 'string', default: 'system' },
    /** Set for the processes that load. */
    packs: { type: 'string' },
  },
});

if (values.packs === undefined) await compare();
else process.send?.(await load(values.packs === 'gpu'));

async function compare(): Promise<void> {
  const machine = describeMachine();
  console.log(`${machine.cpu}, ${machine.cores} cores, commit ${machine.commit}, ${machine.date}, ${machine.node}`);
  const rows: string[] = [];
  for (const dtype of values.dtype.split(',')) {
    const taken: Readonly<Record<'host' | 'gpu', Figures[]>> = { host: [], gpu: [] };
    for (let turn = 0; turn < Number(values.turns); turn++)
      for (const packs of ['host', 'gpu'] as const) {
        const { model, gpu } = values;
        const args = ['--model', model, '--gpu', gpu, '--dtype', dtype, '--packs', packs];
        const child = new Child('loading.js', args);
        taken[packs].push((await child.receive()) as Figures); // what `load` gives
        child.stop();
      }
    const least = (packs: 'host' | 'gpu', of: (f: Figures) => number): number => Math.min(...taken[packs].map(of));
    const cells = (['all', 'busy', 'longest', 'peakMB'] as const).map((name) => {
      const [host, gpu] = [least('host', (f) => f[name]), least('gpu', (f) => f[name])];
      return `${host.toFixed(0)} / ${gpu.toFixed(0)} = ${(host / gpu).toFixed(2)}`;
    });
    rows.push(`| ${values.model}, ${dtype} | ${taken.gpu[0]?.description} | ${cells.join(' | ')} |`);
  }
  console.log(`load average ${describeMachine().loadAverage}; host / GPU, the least of ${values.turns}\n`);
  console.log(
    '| weights | adapter | ms | ms at work | longest stretch, ms | peak, MB |\n|---|---|---:|---:|---:|---:|',
  );
  for (const row of rows) console.log(row);
}

async function load(packsPanels: boolean): Promise<Figures> {
  const dtype = PACKED_TYPES.find((type) => type === values.dtype);
  if (!dtype) throw new Error(`${values.dtype} is none of ${PACKED_TYPES.join(', ')}`);
  const gpu = values.gpu === 'null' ? (await openNullGpu()).gpu : await testGpu();
  if (!gpu) throw new Error('there is no WebGPU adapter here');
  const device = await createWebGpuDevice(gpu, { allowSoftware: true, packsPanels });
  const { description } = device;
  const dims = Object.entries(publishedSizes).find(([name]) => name === values.model)?.[1];
  const files = dims ? undefined : await openModelFiles(openFolder(await locateModel(values.model)));
  const figures = files
    ? await measureLoad(device, files.dims, files, dtype)
    : await measureLoad(device, dims!, zeroWeights(dims!, dtype), dtype); // where there are no files there are sizes
  await files?.close();
  await device.close();
  return { ...figures, peakMB: process.resourceUsage().maxRSS / 1e3, description };
}
