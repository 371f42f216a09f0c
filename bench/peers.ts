/**
 * sotto against transformers.js on onnxruntime-node, or against itself in another storage type or of another commit: the
 * same weights, the same threads, the same recording, in turn: ours, theirs, ours, theirs. Each lives in a process of its
 * own and sleeps while the other works.
 *
 *   npm ci --prefix bench --ignore-scripts
 *   node dist/bench/peers.js --peer-models DIR [--model tiny] [--recording jfk] [--threads 1,2] [--node 20,24]
 *       [--pairs 7] [--prefix 'chrt -r 1'] [--save]
 *   node dist/bench/peers.js --device webgpu ...           (both on the adapter that Vulkan finds)
 *   node dist/bench/peers.js --ours sotto:int8 --theirs sotto:f32
 *   node dist/bench/peers.js --theirs sotto@CHECKOUT       (built, of an earlier commit)
 *
 * DIR ($SOTTO_PEER_MODELS) holds Xenova/whisper-MODEL/onnx/{encoder_model,decoder_model_merged}.onnx in f32. What is
 * printed is ours / theirs: of each pair, and of the best of each.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { spread, summarise } from '../src/benchmark/statistics.ts';
import { repoRoot } from '../test/support/paths.ts';
import { locateModel } from '../weights/locate.ts';
import { Child, nodesOf } from './childProcess.ts';
import type { EnginePass, EngineReady } from './peerEngine.ts';
import { bestRatio, type PeerRow, pairRatios } from './row.ts';

const { values } = parseArgs({
  options: {
    'peer-models': { type: 'string', default: process.env.SOTTO_PEER_MODELS ?? '' },
    ours: { type: 'string', default: 'sotto' },
    theirs: { type: 'string', default: 'transformers' },
    model: { type: 'string', default: 'tiny' },
    recording: { type: 'string', default: 'jfk' },
    threads: { type: 'string', default: '1,2' },
    device: { type: 'string', default: 'cpu' },
    node: { type: 'string', default: process.execPath },
    pairs: { type: 'string', default: '7' },
    prefix: { type: 'string', default: '' },
    save: { type: 'boolean', default: false },
  },
});
const { model, recording, prefix, device } = values;
const isAgainstPeer = values.ours === 'sotto' && values.theirs === 'transformers';
if (values.theirs === 'transformers' && !values['peer-models']) throw new Error('--peer-models DIR is missing');
if (values.save && !(isAgainstPeer && device === 'cpu'))
  throw new Error('--save is for rows against transformers.js on the CPU');
await locateModel(model);

for (const node of nodesOf(values.node))
  for (const threads of values.threads.split(',')) {
    const row = await compare(node, threads);
    printRow(row);
    if (values.save) saveRow(row);
  }

async function compare(node: string, threads: string): Promise<PeerRow> {
  const args = [model, recording, threads, resolve(values['peer-models']), device];
  const children: Child[] = [];
  try {
    const ready: EngineReady[] = [];
    for (const engine of [values.ours, values.theirs]) {
      const [name = '', checkout] = engine.split('@');
      const script = checkout ? pathToFileURL(resolve(checkout, 'dist/bench/peerEngine.js')).href : 'peerEngine.js';
      const child = new Child(script, [name, ...args], { node, prefix });
      children.push(child);
      ready.push((await child.receive()) as EngineReady); // peerEngine.ts sends it first
    }
    const passes: [EnginePass[], EnginePass[]] = [[], []];
    // The first of each is not counted.
    for (let pair = 0; pair <= Number(values.pairs); pair++)
      for (const [i, child] of children.entries()) {
        // Threads of the one before spin for a while.
        await pause(200);
        const pass = (await child.ask('transcribe')) as EnginePass; // peerEngine.ts answers so
        if (pair > 0) passes[i]!.push(pass);
      }
    const [ours, theirs] = passes.map((own, i) => ({ ...ready[i]!, passes: own }));
    return { model, recording: basename(recording), threads: Number(threads), prefix, ours: ours!, theirs: theirs! };
  } finally {
    for (const child of children) child.stop();
  }
}

function printRow(row: PeerRow): void {
  const { ours, theirs } = row;
  console.log(
    `\n${row.model}, ${row.recording}, ${row.threads} threads, ${device}, Node ${ours.machine.node}, load average ${ours.machine.loadAverage}`,
  );
  for (const { description, loadMs, passes } of [ours, theirs]) {
    const wall = spread(summarise(passes.map(({ time }) => time.wallMs)), 0);
    const cpu = spread(summarise(passes.map(({ time }) => time.cpuMs)), 0);
    console.log(
      `  ${wall.padEnd(22)} ms  cpu ${cpu.padEnd(22)} ms  load ${loadMs.toFixed(0)} ms  peak ${passes.at(-1)?.peakMegabytes.toFixed(0)} MB  ${description}`,
    );
  }
  console.log(
    `  ours / theirs: ${spread(summarise(pairRatios(row)), 2)} of ${ours.passes.length} pairs; best of each ${bestRatio(row).toFixed(2)}; CPU time ${summarise(pairRatios(row, 'cpuMs')).median.toFixed(2)}`,
  );
  const same = ours.passes[0]!.text.trim() === theirs.passes[0]!.text.trim();
  console.log(same ? '  the same text' : `  ours:   ${ours.passes[0]!.text}\n  theirs: ${theirs.passes[0]!.text}`);
}

function saveRow(row: PeerRow): void {
  const folder = join(repoRoot, 'bench/results/peers');
  mkdirSync(folder, { recursive: true });
  const node = row.ours.machine.node.replace(/^v(\d+).*/, 'node$1');
  writeFileSync(
    join(folder, `${row.model}-${row.recording}-${row.threads}t-${node}.json`),
    `${JSON.stringify(row, undefined, 1)}\n`,
  );
}
