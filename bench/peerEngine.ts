/**
 * The process of one engine in `peers.ts`: loads, says so, then transcribes once for each message. Not to be started by
 * hand.
 *
 *   node peerEngine.js sotto[:DTYPE]|transformers MODEL RECORDING THREADS PEER_MODELS [cpu|webgpu]
 */
import { readAudio } from '../src/index.node.ts';
import { openSotto, openTransformers } from './engines.ts';
import { describeMachine, type Machine } from './machine.ts';
import { recordingPath } from './recordings.ts';
import { type Time, tenth, timed } from './stages.ts';

export interface EngineReady {
  readonly description: string;
  readonly machine: Machine;
  readonly loadMs: number;
}

export interface EnginePass {
  readonly text: string;
  readonly time: Time;
  readonly peakMegabytes: number;
}

const [engineName = '', model = '', recording = '', threads, peerModels = '', device] = process.argv.slice(2);
const [name, dtype] = engineName.split(':');
const open = name === 'sotto' ? openSotto : openTransformers;
const start = performance.now();
const engine = await open({
  model,
  threads: Number(threads),
  device: device === 'webgpu' ? device : 'cpu',
  peerModels,
  dtype,
});
const loadMs = tenth(performance.now() - start);
const samples = await readAudio(recordingPath(recording));

process.on('message', async () => {
  const { value: text, time } = await timed(() => engine.transcribe(samples));
  send({ text, time, peakMegabytes: tenth(process.resourceUsage().maxRSS / 1024) });
});
// Disconnected, there is nothing more to do: thread pools of others need not be waited for.
process.on('disconnect', () => process.exit());
send({ description: engine.description, machine: describeMachine(), loadMs });

function send(message: EngineReady | EnginePass): void {
  process.send?.(message);
}
