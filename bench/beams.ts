/**
 * Beams against greedy decoding, a step each: time, commands, bytes that kernels move, bytes between host and device.
 *
 *   node dist/bench/beams.js [--model tiny] [--recording jfk] [--device cpu] [--threads 1] [--beams 5] [--passes 5]
 *
 * Both decode the same encoded window in turn, pass by pass. Commands and bytes come from another pass, command by
 * command, by each kernel's `cost`.
 */
import { parseArgs } from 'node:util';
import { N_FRAMES } from '../src/audio/constants.ts';
import { logMel } from '../src/audio/features/logMel.ts';
import { spread, summarise } from '../src/benchmark/statistics.ts';
import { openModelFiles } from '../src/checkpoint/modelFiles.ts';
import type { AudioFeatures, Decoding, Inference } from '../src/decode/inference.ts';
import { DecodingTask } from '../src/decode/task.ts';
import { chooseDevice } from '../src/devices/choose.ts';
import type { Device } from '../src/engine/device.ts';
import { createNodePlatform, readAudio } from '../src/index.node.ts';
import { type CommandProfile, type ProfiledDevice, profileDevice } from '../src/lab/profileDevice.ts';
import { createInference } from '../src/model/inference.ts';
import { Tokenizer } from '../src/text/tokenizer.ts';
import { openFolder } from '../weights/fileSource.ts';
import { locateModel } from '../weights/locate.ts';
import { describeMachine } from './machine.ts';
import { recordingPath } from './recordings.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tiny' },
    recording: { type: 'string', default: 'jfk' },
    device: { type: 'string', default: 'cpu' },
    threads: { type: 'string', default: '1' },
    beams: { type: 'string', default: '5' },
    passes: { type: 'string', default: '5' },
  },
});
const { device: kind } = values;
if (kind !== 'cpu' && kind !== 'webgpu') throw new Error(`${kind} is neither cpu nor webgpu`);
const ways = { greedy: {}, beams: { beamSize: Number(values.beams) } } as const;

interface Steps {
  /** After the prompt. */
  readonly ms: number;
  readonly cpuMs: number;
  readonly steps: number;
  readonly text: string;
}

class Model {
  readonly #tokenizer: Tokenizer;
  readonly #inference: Inference;
  readonly #audio: AudioFeatures;

  private constructor(tokenizer: Tokenizer, inference: Inference, audio: AudioFeatures) {
    this.#tokenizer = tokenizer;
    this.#inference = inference;
    this.#audio = audio;
  }

  static async on(device: Device): Promise<Model> {
    const files = await openModelFiles(openFolder(await locateModel(values.model)));
    const inference = await createInference(device, files.dims, files);
    await files.close();
    const mel = await logMel(await readAudio(recordingPath(values.recording)), { nMels: inference.nMels });
    const audio = await inference.encode(await mel.window(0, Math.min(mel.nFrames, N_FRAMES)));
    return new Model(new Tokenizer(files.tokenizer), inference, audio);
  }

  /** @param onStart the prompt has been fed */
  async decode(way: keyof typeof ways, onStart: () => Promise<void> = async () => {}): Promise<Steps> {
    let steps = 0;
    let started = 0;
    let cpu = process.cpuUsage();
    const counted = (decoding: Decoding): Decoding => ({
      rows: decoding.rows,
      noSpeechProb: decoding.noSpeechProb,
      logits: (...args) => decoding.logits(...args),
      advance: (...args) => decoding.advance(...args),
      close: () => decoding.close(),
      candidates(...args) {
        steps++;
        return decoding.candidates(...args);
      },
    });
    const inference: Inference = {
      nVocab: this.#inference.nVocab,
      nTextCtx: this.#inference.nTextCtx,
      nMels: this.#inference.nMels,
      encode: (...args) => this.#inference.encode(...args),
      greedy: async (...args) => {
        await onStart();
        cpu = process.cpuUsage();
        started = performance.now();
        const result = await this.#inference.greedy(...args);
        steps += Math.max(...result.sequences.map(({ tokens }) => tokens.length));
        return result;
      },
      beams: async (...args) => {
        await onStart();
        cpu = process.cpuUsage();
        started = performance.now();
        const result = await this.#inference.beams?.(...args);
        const tokens = result?.groups.flatMap(({ running }) => running.map((beam) => beam.tokens.length)) ?? [];
        steps += Math.max(0, ...tokens);
        return result;
      },
      start: async (...args) => {
        const decoding = await this.#inference.start(...args);
        await onStart();
        cpu = process.cpuUsage();
        started = performance.now();
        return counted(decoding);
      },
    };
    const task = new DecodingTask(inference, this.#tokenizer, { language: 'en', ...ways[way] });
    const [result] = await task.run([{ audio: this.#audio }]);
    const ms = performance.now() - started;
    const { user, system } = process.cpuUsage(cpu);
    return { ms, cpuMs: (user + system) / 1000, steps, text: result?.text ?? '' };
  }
}

interface Traffic {
  written: number;
  read: number;
}

/** The same device, whose methods need no `this`, and which counts bytes between it and the host. */
function counting(device: ProfiledDevice, traffic: Traffic): Device {
  return {
    ...device,
    write(target, data, offset) {
      traffic.written += data.byteLength;
      device.write(target, data, offset);
    },
    async read(...args) {
      const data = await device.read(...args);
      traffic.read += data.byteLength;
      return data;
    },
  };
}

async function profile(device: ProfiledDevice, traffic: Traffic, model: Model, way: keyof typeof ways): Promise<void> {
  let before: Traffic = { written: 0, read: 0 };
  const { steps } = await model.decode(way, async () => {
    device.takeProfile();
    before = { ...traffic };
  });
  const entries = device.takeProfile();
  const each = (value: (entry: CommandProfile) => number): number =>
    entries.reduce((sum, entry) => sum + value(entry), 0) / steps;
  console.log(
    `${way}: ${each(({ runs }) => runs).toFixed(1)} commands a step, ${(each(({ bytes }) => bytes) / 1e6).toFixed(2)} MB ` +
      `moved, ${(each(({ flops }) => flops) / 1e6).toFixed(1)} MFLOP; from the host ` +
      `${((traffic.written - before.written) / steps / 1000).toFixed(2)} kB`,
  );
  console.log(`  kernels: ${[...new Set(entries.map(({ kernel }) => kernel))].sort().join(' ')}`);
}

const plain = await chooseDevice(createNodePlatform(), kind, { threads: Number(values.threads) });
const machine = describeMachine();
console.log(`${values.model}, ${values.recording}, ${plain.description}, Node ${process.version}; ${machine.cpu}`);
const model = await Model.on(plain);
const pairs: { readonly greedy: Steps; readonly beams: Steps }[] = [];
for (let pass = 0; pass <= Number(values.passes); pass++) {
  const pair = { greedy: await model.decode('greedy'), beams: await model.decode('beams') };
  // The first one prepares programs.
  if (pass > 0) pairs.push(pair);
}
for (const way of ['greedy', 'beams'] as const) {
  const step = pairs.map((pair) => pair[way].ms / pair[way].steps);
  const cpu = pairs.map((pair) => pair[way].cpuMs / pair[way].steps);
  console.log(
    `${way}: ${spread(summarise(step), 2)} ms a step, CPU time ${spread(summarise(cpu), 2)} ms, ${pairs[0]?.[way].steps} steps`,
  );
}
const ratios = pairs.map(({ greedy, beams }) => beams.ms / beams.steps / (greedy.ms / greedy.steps));
console.log(`${values.beams} beams / greedy, a step: ${spread(summarise(ratios), 2)}`);
await plain.close();

const traffic: Traffic = { written: 0, read: 0 };
const bare = await chooseDevice(createNodePlatform(), kind, { threads: Number(values.threads) });
const profiled = profileDevice(bare);
const slow = await Model.on(counting(profiled, traffic));
for (const way of ['greedy', 'beams'] as const) await profile(profiled, traffic, slow, way);
await profiled.close();
