/**
 * Every kernel at its largest sizes, as `sotto kernel` times it (which checks it first: this does not), for the tables.
 *
 *   node dist/bench/kernels.js [--kernel all] [--device cpu,webgpu] [--threads 1,2] [--save]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseDevice } from '../src/devices/choose.ts';
import { createNodePlatform } from '../src/index.node.ts';
import { kernels } from '../src/kernels/registry.ts';
import { caseTitle, variantsOf } from '../src/lab/checkKernel.ts';
import { measurePeaks } from '../src/lab/peaks.ts';
import { timeKernel } from '../src/lab/timeKernel.ts';
import { repoRoot } from '../test/support/paths.ts';
import { describeMachine } from './machine.ts';
import type { KernelRow, KernelTable } from './row.ts';

const { values } = parseArgs({
  options: {
    kernel: { type: 'string', default: 'all' },
    device: { type: 'string', default: 'cpu' },
    threads: { type: 'string', default: '1,2' },
    save: { type: 'boolean', default: false },
  },
});
const modules = kernels.filter(({ kernel }) => values.kernel === 'all' || kernel.name === values.kernel);
if (modules.length === 0) throw new Error(`there is no kernel ${values.kernel}`);

for (const kind of values.device.split(',')) {
  if (kind !== 'cpu' && kind !== 'webgpu') throw new Error(`${kind} is neither cpu nor webgpu`);
  for (const threads of kind === 'cpu' ? values.threads.split(',').map(Number) : [undefined]) {
    const device = await chooseDevice(createNodePlatform(), kind, { threads });
    const machine = describeMachine();
    const peaks = await measurePeaks(device);
    console.log(`\n${device.description}, Node ${machine.node}, load average ${machine.loadAverage}`);
    console.log(`at most ${peaks.gflops.toFixed(0)} GFLOP/s, ${peaks.gigabytes.toFixed(1)} GB/s`);
    const rows: KernelRow[] = [];
    for (const module of modules)
      for (const kase of module.cases.filter(({ bench }) => bench)) {
        // The first variant is the one that models get.
        const [variant] = await variantsOf(device, module, kase);
        if (variant === undefined) continue;
        const timing = await timeKernel(device, module, kase, { variant });
        const row: KernelRow = { kernel: module.kernel.name, variant, sizes: caseTitle(kase), ...timing };
        rows.push(row);
        console.log(
          `${row.bestMs.toFixed(3).padStart(10)} ms ${row.gflops.toFixed(1).padStart(7)} GFLOP/s ${row.gigabytes.toFixed(1).padStart(6)} GB/s  ${row.kernel}/${variant}, ${row.sizes}`,
        );
      }
    await device.close();
    if (values.save) saveTable({ machine, device: device.description, peaks, rows }, kind, threads);
  }
}

function saveTable(table: KernelTable, kind: string, threads: number | undefined): void {
  const folder = join(repoRoot, 'bench/results/kernels');
  mkdirSync(folder, { recursive: true });
  const node = table.machine.node.replace(/^v(\d+).*/, 'node$1');
  const parts = [kind, ...(threads ? [`${threads}t`] : []), node];
  writeFileSync(join(folder, `${parts.join('-')}.json`), `${JSON.stringify(table, undefined, 1)}\n`);
}
