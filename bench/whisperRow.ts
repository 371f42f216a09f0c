/**
 * The process of one row of `whisper.ts`: loads, transcribes again and again, sends what it took. Not to be started by
 * hand.
 *
 *   node whisperRow.js MODEL RECORDING DEVICE THREADS PASSES
 */
import { load, readAudio } from '../src/index.node.ts';
import { describeMachine } from './machine.ts';
import { recordingPath } from './recordings.ts';
import type { RowProcess } from './row.ts';
import { type Stages, tenth, timeStages } from './stages.ts';

const [model = '', recording = '', kind, threads, passes] = process.argv.slice(2);
if (kind !== 'cpu' && kind !== 'webgpu') throw new Error(`${kind} is neither cpu nor webgpu`);

let start = performance.now();
const whisper = await load(model, { device: kind, threads: Number(threads) });
const loadMs = performance.now() - start;
start = performance.now();
const samples = await readAudio(recordingPath(recording));
const audioMs = performance.now() - start;
const stages: Stages[] = [];
for (let pass = 0; pass < Number(passes); pass++) stages.push(await timeStages(whisper, samples));
const result: RowProcess = {
  machine: describeMachine(),
  device: whisper.device.description,
  audioSeconds: samples.length / 16000,
  loadMs: tenth(loadMs),
  audioMs: tenth(audioMs),
  passes: stages,
  peakMegabytes: tenth(process.resourceUsage().maxRSS / 1024),
};
await whisper.close();
process.send?.(result, () => process.disconnect());
