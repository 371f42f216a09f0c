/**
 * Sequential against batches: word error rate and time, on the long recordings and on eight recordings at once.
 *
 *   node dist/bench/batches.js [--model tiny] [--device cpu] [--threads 1] [--batch 8] [--only 'long|eight|digits']
 *
 * Of digits_*, single digits are counted. CPU time stands beside the wall clock's, for machines that others use too.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { spokenDigits, wordErrorRate, wordErrors } from '../src/benchmark/wordErrors.ts';
import { type DeviceChoice, load, type TranscribeOptions, type Whisper } from '../src/index.node.ts';
import { sharedDir } from '../test/support/paths.ts';
import { eightRecordings as eight } from './eightRecordings.ts';
import { describeMachine } from './machine.ts';

const long = ['long_en_bush_1.mp3', 'long_en_lj_1.mp3', 'digits_asterisk_1.flac'];

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tiny' },
    device: { type: 'string', default: 'cpu' },
    threads: { type: 'string', default: '1' },
    batch: { type: 'string', default: '8' },
    only: { type: 'string', default: '' },
  },
});
if (!sharedDir) throw new Error('the recordings are in ../shared, which is not here');
const speech = join(sharedDir, 'speech');
const batchSize = Number(values.batch);
const only = new RegExp(values.only);
const transcripts = new Map(
  // Our own index: its shape is known.
  (JSON.parse(readFileSync(join(speech, 'index.json'), 'utf8')) as { file: string; transcript: string | null }[]).map(
    ({ file, transcript }) => [file, transcript ?? ''],
  ),
);

async function measure(
  whisper: Whisper,
  what: string,
  how: string,
  files: readonly string[],
  run: () => Promise<string[]>,
): Promise<void> {
  /** That went through the encoder. */
  let windows = 0;
  const { inference } = whisper;
  const encode = inference.encode.bind(inference);
  inference.encode = (...args) => {
    windows++;
    return encode(...args);
  };
  const cpu = process.cpuUsage();
  const started = performance.now();
  const texts = await run();
  const wallSeconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  inference.encode = encode;
  const rates = files.map((file, i) => {
    const [right, given] = [transcripts.get(file) ?? '', texts[i] ?? ''];
    return file.startsWith('digits') ? wordErrors(spokenDigits(right), spokenDigits(given)) : wordErrors(right, given);
  });
  const errors = rates.reduce((n, rate) => n + rate.errors, 0);
  const words = rates.reduce((n, rate) => n + rate.words, 0);
  const cpuSeconds = (user + system) / 1e6;
  console.log(
    `| ${what} | ${how} | ${wordErrorRate({ errors, words }).toFixed(1)} % (${errors} of ${words}) | ${cpuSeconds.toFixed(1)} s | ${wallSeconds.toFixed(1)} s | ${windows} |`,
  );
}

async function main(): Promise<void> {
  const whisper = await load(values.model, { device: values.device as DeviceChoice, threads: Number(values.threads) });
  console.log(`| recording | how | word errors | CPU time | wall clock | windows |\n|---|---|---:|---:|---:|---:|`);
  try {
    const ways: [string, TranscribeOptions][] = [
      ['one after another', {}],
      [`${batchSize} at once`, { batchSize }],
      ['one after another, vad', { vad: true }],
      [`${batchSize} at once, vad`, { vad: true, batchSize }],
    ];
    for (const file of long.filter((name) => only.test(name)))
      for (const [how, options] of ways) {
        const run = async () => [(await whisper.transcribe(join(speech, file), { language: 'en', ...options })).text];
        await measure(whisper, file, how, [file], run);
      }
    for (const size of only.test('eight recordings') ? [1, batchSize] : []) {
      const run = async (): Promise<string[]> => {
        const texts: string[] = [];
        const files = eight.map((file) => join(speech, file));
        for await (const result of whisper.transcribeAll(files, { language: 'en', batchSize: size })) {
          if (!result.transcript) throw result.error;
          texts[result.index] = result.transcript.text;
        }
        return texts;
      };
      const how = size === 1 ? 'one after another' : `${size} at once`;
      await measure(whisper, 'eight recordings', how, eight, run);
    }
  } finally {
    await whisper.close();
  }
  const { model, device, threads } = values;
  const machine = describeMachine();
  console.log(`\n${model}, ${device}, ${threads} thread(s); ${machine.cpu}, load average ${machine.loadAverage}`);
}

await main();
