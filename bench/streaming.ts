/**
 * Streams against the batch run of the same recording: words that differ, how long a word waits for its stable text, and
 * whether memory stays flat.
 *
 *   node --expose-gc dist/bench/streaming.js [--mode step,full,pace] [--recording long] [--model tiny] [--device cpu]
 *       [--threads 1] [--language en] [--seconds 60] [--repeat 1] [--min-chunk 1] [--max-buffer 30] [--save NAME]
 *
 * `step` gives a second of sound each time the last one is decoded, as if decoding took no time: its latency is of the
 * method alone, in seconds of sound, and the same on every machine. `full` gives all there is as quickly as it is taken.
 * `pace` gives it as it was spoken: its latency is by the wall clock, and hangs on the machine.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type WordErrors, wordErrorRate, wordErrors } from '../src/benchmark/wordErrors.ts';
import { load, readAudio, type StreamUpdate, type Whisper } from '../src/index.node.ts';
import { repoRoot } from '../test/support/paths.ts';
import { describeMachine, type Machine } from './machine.ts';
import { recordingPath } from './recordings.ts';
import { tenth } from './stages.ts';

const RATE = 16000;
const MODES = ['step', 'full', 'pace'] as const;
type Mode = (typeof MODES)[number];

interface StreamRun {
  readonly machine: Machine;
  readonly device: string;
  readonly model: string;
  readonly recording: string;
  readonly mode: Mode;
  readonly soundSeconds: number;
  readonly minChunk: number;
  readonly maxBuffer: number;
  readonly wallSeconds: number;
  readonly decodes: number;
  /** Against the batch run. */
  readonly errors: WordErrors;
  /** Seconds from the end of a word to its stable text; not of `full`. */
  readonly latency?: { readonly median: number; readonly p90: number; readonly max: number };
  /** Resident, a tenth of the sound apart. */
  readonly megabytes: readonly number[];
}

/** Gives sound when it is due. */
class Source {
  readonly #samples: Float32Array;
  readonly #mode: Mode;
  readonly #minChunk: number;
  readonly #chunk: number;
  #heard = 0;
  #wake: () => void = () => {};
  started = 0;

  constructor(samples: Float32Array, mode: Mode, minChunk: number) {
    this.#samples = samples;
    this.#mode = mode;
    this.#minChunk = minChunk;
    this.#chunk = Math.round(RATE * (mode === 'step' ? minChunk : 0.1));
  }

  heard(seconds: number): void {
    this.#heard = seconds;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Float32Array> {
    this.started = performance.now();
    for (let at = 0; at < this.#samples.length; at += this.#chunk) {
      if (this.#mode === 'pace') {
        const due = this.started + (1000 * Math.min(at + this.#chunk, this.#samples.length)) / RATE;
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
      }
      // While there is enough for another decode.
      while (this.#mode === 'step' && at / RATE - this.#heard > this.#minChunk - 0.05) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      yield this.#samples.subarray(at, at + this.#chunk);
    }
  }
}

interface RunOptions {
  readonly mode: Mode;
  readonly minChunk: number;
  readonly maxBuffer: number;
  readonly language: string | undefined;
}

async function run(whisper: Whisper, samples: Float32Array, options: RunOptions) {
  const { mode, ...stream } = options;
  const source = new Source(samples, mode, options.minChunk);
  const waits: number[] = [];
  const megabytes: number[] = [];
  let text = '';
  let decodes = 0;
  const started = performance.now();
  const enter = ({ stable, words, heard }: StreamUpdate): void => {
    decodes++;
    text += stable;
    const now = mode === 'pace' ? (performance.now() - source.started) / 1000 : heard;
    for (const { end } of words) waits.push(now - end);
    if (heard < (megabytes.length * samples.length) / RATE / 10) return;
    globalThis.gc?.();
    megabytes.push(tenth(process.memoryUsage().rss / 1e6));
  };
  for await (const update of whisper.stream(source, stream)) {
    enter(update);
    source.heard(update.heard);
  }
  waits.sort((a, b) => a - b);
  const at = (share: number): number => tenth(waits[Math.floor(share * (waits.length - 1))] ?? Number.NaN);
  const latency = { median: at(0.5), p90: at(0.9), max: at(1) };
  const wallSeconds = tenth((performance.now() - started) / 1000);
  return { text, decodes, wallSeconds, megabytes, ...(mode !== 'full' && { latency }) };
}

const { values } = parseArgs({
  options: {
    mode: { type: 'string', default: 'step,full' },
    recording: { type: 'string', default: 'long' },
    model: { type: 'string', default: 'tiny' },
    device: { type: 'string', default: 'cpu' },
    threads: { type: 'string', default: '1' },
    language: { type: 'string' },
    seconds: { type: 'string' },
    repeat: { type: 'string', default: '1' },
    'min-chunk': { type: 'string', default: '1' },
    'max-buffer': { type: 'string', default: '30' },
    save: { type: 'string' },
    text: { type: 'boolean', default: false },
  },
});
const { device } = values;
if (device !== 'cpu' && device !== 'webgpu') throw new Error(`${device} is neither cpu nor webgpu`);
const modes = values.mode.split(',').map((name) => {
  const mode = MODES.find((known) => known === name);
  if (!mode) throw new Error(`the modes are ${MODES.join(', ')}`);
  return mode;
});

const once = await readAudio(recordingPath(values.recording));
const part = once.subarray(0, values.seconds === undefined ? once.length : Number(values.seconds) * RATE);
const samples = new Float32Array(part.length * Number(values.repeat));
for (let i = 0; i < Number(values.repeat); i++) samples.set(part, i * part.length);

const whisper = await load(values.model, { device, threads: Number(values.threads) });
const runs: StreamRun[] = [];
try {
  const { language } = values;
  const batch = await whisper.transcribe(samples, { language });
  if (values.text) console.log(`batch: ${batch.text}\n`);
  for (const mode of modes) {
    const options = { mode, language, minChunk: Number(values['min-chunk']), maxBuffer: Number(values['max-buffer']) };
    const { text, ...figures } = await run(whisper, samples, options);
    if (values.text) console.log(`${mode}: ${text}\n`);
    const result: StreamRun = {
      machine: describeMachine(),
      device: whisper.device.description,
      model: values.model,
      recording: values.recording,
      soundSeconds: tenth(samples.length / RATE),
      ...options,
      ...figures,
      errors: wordErrors(batch.text, text),
    };
    runs.push(result);
    const { errors, latency, megabytes } = result;
    console.log(
      `${mode}: ${result.soundSeconds} s of sound in ${result.wallSeconds} s, ${result.decodes} decodes; ` +
        `${errors.errors} of ${errors.words} words differ from the batch run (${wordErrorRate(errors).toFixed(2)} %)`,
    );
    if (latency) console.log(`  latency: median ${latency.median} s, 90 % ${latency.p90} s, longest ${latency.max} s`);
    console.log(`  resident MB: ${megabytes.join(' ')}`);
  }
} finally {
  await whisper.close();
}
if (values.save !== undefined) {
  const folder = join(repoRoot, 'bench/results/streaming');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${values.save}.json`), `${JSON.stringify(runs, undefined, 1)}\n`);
}
