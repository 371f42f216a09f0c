/**
 * Where the engine's time goes: one transcription, command by command, against what the device can do at most.
 *
 *   node dist/bench/profile.js [--model tiny] [--recording jfk] [--device cpu] [--threads 1] [--dtype int8] [--cache-dtype f16]
 */
import { parseArgs } from 'node:util';
import { openModelFiles } from '../src/checkpoint/modelFiles.ts';
import { chooseDevice } from '../src/devices/choose.ts';
import { CACHE_TYPES, WEIGHT_TYPES } from '../src/engine/dtype.ts';
import { createNodePlatform, readAudio } from '../src/index.node.ts';
import { measurePeaks } from '../src/lab/peaks.ts';
import { type CommandProfile, profileDevice } from '../src/lab/profileDevice.ts';
import { createInference } from '../src/model/inference.ts';
import { Tokenizer } from '../src/text/tokenizer.ts';
import { openFolder } from '../weights/fileSource.ts';
import { locateModel } from '../weights/locate.ts';
import { recordingPath } from './recordings.ts';
import { timeStages } from './stages.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tiny' },
    recording: { type: 'string', default: 'jfk' },
    device: { type: 'string', default: 'cpu' },
    threads: { type: 'string', default: '1' },
    dtype: { type: 'string', default: 'f32' },
    'cache-dtype': { type: 'string', default: 'f32' },
  },
});
const { device: kind } = values;
if (kind !== 'cpu' && kind !== 'webgpu') throw new Error(`${kind} is neither cpu nor webgpu`);

const plain = await chooseDevice(createNodePlatform(), kind, { threads: Number(values.threads) });
const peaks = await measurePeaks(plain);
const device = profileDevice(plain);
const files = await openModelFiles(openFolder(await locateModel(values.model)));
const inference = await createInference(device, files.dims, files, {
  dtype: oneOf(WEIGHT_TYPES, values.dtype),
  cacheDtype: oneOf(CACHE_TYPES, values['cache-dtype']),
});
const model = { inference, tokenizer: new Tokenizer(files.tokenizer) };
await files.close();
const samples = await readAudio(recordingPath(values.recording));
await timeStages(model, samples);
device.takeProfile();
const { sampledTokens, windows } = await timeStages(model, samples);
const profile = device.takeProfile();
await device.close();

console.log(`${values.model}, ${values.recording}, ${device.description}, Node ${process.version}`);
console.log(
  `at most ${peaks.gflops.toFixed(0)} GFLOP/s and ${peaks.gigabytes.toFixed(1)} GB/s; ${windows} windows, ${sampledTokens} tokens\n`,
);
console.log('total ms   runs   ms each  GFLOP/s    GB/s  roofline  kernel/variant, sizes');
for (const entry of profile) console.log(line(entry));
const total = profile.reduce((sum, { totalMs }) => sum + totalMs, 0);
console.log(`${total.toFixed(1).padStart(8)}  all`);

function oneOf<T extends string>(types: readonly T[], name: string): T {
  const type = types.find((known) => known === name);
  if (type === undefined) throw new Error(`${name} is none of ${types.join(', ')}`);
  return type;
}

function line({ kernel, variant, title, runs, totalMs, flops, bytes }: CommandProfile): string {
  const gflops = flops / totalMs / 1e6;
  const gigabytes = bytes / totalMs / 1e6;
  // The nearer of the two limits is the one that holds the kernel.
  const share = Math.max(gflops / peaks.gflops, gigabytes / peaks.gigabytes);
  const cells = [
    totalMs.toFixed(1).padStart(8),
    String(runs).padStart(6),
    (totalMs / runs).toFixed(3).padStart(9),
    gflops.toFixed(1).padStart(8),
    gigabytes.toFixed(1).padStart(7),
    `${(100 * share).toFixed(0)} %`.padStart(9),
  ];
  return `${cells.join(' ')}  ${kernel}/${variant}, ${title}`;
}
