/**
 * Does every size run, in how much memory, how fast? Random weights of each published shape; writes bench/results/sizes.md.
 *
 *   node dist/bench/sizes.js [--sizes tiny,large-v3] [--dtypes f32,f16,int8] [--threads 2] [--device webgpu] [--node 24] [--save]
 *
 * With --device webgpu it takes what adapter there is, and saves sizes.webgpu.md.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { publishedSizes } from '../src/model/publishedSizes.ts';
import { repoRoot } from '../test/support/paths.ts';
import { Child, node24 } from './childProcess.ts';
import { describeMachine } from './machine.ts';

export interface SizeRow {
  readonly size: string;
  readonly dtype: string;
  readonly cacheDtype: string;
  readonly device: string;
  readonly node: string;
  readonly weightMB: number;
  readonly peakMB: number;
  readonly loadSeconds: number;
  readonly encodeSeconds: number;
  readonly tokenSeconds: number;
  readonly sampled: number;
}

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: Object.keys(publishedSizes).join() },
    dtypes: { type: 'string', default: 'f32,f16,int8' },
    threads: { type: 'string', default: '2' },
    device: { type: 'string', default: 'cpu' },
    node: { type: 'string', default: '' },
    save: { type: 'boolean', default: false },
  },
});
const node = values.node === '24' ? node24() : undefined;
const devices: string[] = [];
const lines = [
  '| size | weights | caches | weights MB | peak MB | load s | window s | token ms |',
  '|---|---|---|---|---|---|---|---|',
];
console.log(lines.join('\n'));
for (const size of values.sizes.split(','))
  for (const dtype of values.dtypes.split(',')) {
    const line = await measure(size, dtype);
    lines.push(line);
    console.log(line);
  }
if (values.save) {
  const { date, commit, cpu, cores, loadAverage } = describeMachine();
  const head = `# Every size, with random weights

\`node dist/bench/sizes.js --save\`, ${date.slice(0, 10)}, commit ${commit}: ${devices.join(', ')}, ${cpu}, ${cores} cores, load ${loadAverage.toFixed(1)}.
One process a row: loading (random numbers in place of a file), one window through the encoder, 20 greedy tokens with the prompt, a
step of five beams. Peak is all of the process. Times are rough.

`;
  const file = values.device === 'cpu' ? 'sizes.md' : `sizes.${values.device}.md`;
  writeFileSync(join(repoRoot, 'bench/results', file), `${head}${lines.join('\n')}\n`);
}

async function measure(size: string, dtype: string): Promise<string> {
  const child = new Child('./sizesRow.js', [size, dtype, values.threads, values.device], { node });
  try {
    const row = (await child.receive()) as SizeRow; // what sizesRow.ts sends
    if (!devices.includes(row.device)) devices.push(row.device);
    const cells = [row.weightMB, row.peakMB, row.loadSeconds.toFixed(1), row.encodeSeconds.toFixed(1)];
    return `| ${[row.size, row.dtype, row.cacheDtype, ...cells, (1000 * row.tokenSeconds).toFixed(1)].join(' | ')} |`;
  } catch {
    return `| ${size} | ${dtype} | | does not fit | | | | |`;
  } finally {
    child.stop();
  }
}
