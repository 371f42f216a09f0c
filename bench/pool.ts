/**
 * Recordings one after another against as many at once: are the files the same, and what is saved?
 *
 *   node dist/bench/pool.js [--model tiny] [--threads 1] [--at-once 8] [--beams 0] [--words] [--language en] [--passes 1]
 *     [--only REGEXP] [--folder DIR]
 *
 * Without `--only` it takes eight recordings; `--only .` all of the folder. CPU time stands beside the wall clock's, for
 * machines that others use too. Exits with 1 if a txt or srt file differs.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { summarise } from '../src/benchmark/statistics.ts';
import { AudioError, load, type TranscribeOptions, type Transcript, type Whisper, write } from '../src/index.node.ts';
import { sharedDir } from '../test/support/paths.ts';
import { eightRecordings } from './eightRecordings.ts';
import { describeMachine } from './machine.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tiny' },
    threads: { type: 'string', default: '1' },
    'at-once': { type: 'string', default: '8' },
    beams: { type: 'string', default: '0' },
    words: { type: 'boolean', default: false },
    language: { type: 'string' },
    passes: { type: 'string', default: '1' },
    only: { type: 'string' },
    folder: { type: 'string' },
  },
});
const folder = values.folder ?? (sharedDir && join(sharedDir, 'speech'));
if (!folder) throw new Error('the recordings are in ../shared, which is not here: name a --folder');
const only = values.only === undefined ? undefined : new RegExp(values.only);
const files = only
  ? readdirSync(folder).filter((file) => only.test(file) && !file.endsWith('.json'))
  : eightRecordings.slice();
const [atOnce, beams] = [Number(values['at-once']), Number(values.beams)];
const options: TranscribeOptions = {
  beamSize: beams > 0 ? beams : undefined,
  bestOf: 5,
  language: values.language,
  wordTimestamps: values.words,
};

interface Run {
  readonly transcripts: readonly (Transcript | undefined)[];
  readonly wall: number;
  readonly cpu: number;
}

/** @param together how many are asked for before the first is there */
async function run(whisper: Whisper, together: number): Promise<Run> {
  const transcripts: (Transcript | undefined)[] = [];
  const left = files.entries();
  const work = async (): Promise<void> => {
    for (const [i, file] of left) {
      try {
        transcripts[i] = await whisper.transcribe(join(folder!, file), options);
      } catch (error) {
        // Some of the folder are no recordings. Every other error is not what is measured.
        if (!(error instanceof AudioError)) throw error;
      }
    }
  };
  const cpu = process.cpuUsage();
  const started = performance.now();
  await Promise.all(Array.from({ length: together }, work));
  const wall = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { transcripts, wall, cpu: (user + system) / 1e6 };
}

/** The largest difference of the scores of segments that are alike. */
function scoreDifference(a: Transcript, b: Transcript): number {
  let largest = 0;
  for (const [i, one] of a.segments.entries()) {
    const other = b.segments[i];
    if (!other) continue;
    largest = Math.max(largest, Math.abs(one.avgLogprob - other.avgLogprob));
    largest = Math.max(largest, Math.abs(one.noSpeechProb - other.noSpeechProb));
  }
  return largest;
}

const { model, threads } = values;
const whisper = await load(model, { device: 'cpu', threads: Number(threads), recordingsAtOnce: atOnce });
let different = 0;
try {
  const runs: [alone: Run, together: Run][] = [];
  for (let pass = 0; pass < Number(values.passes); pass++)
    runs.push([await run(whisper, 1), await run(whisper, atOnce)]);
  const [alone, together] = runs[0]!;
  let score = 0;
  for (const [i, file] of files.entries()) {
    const [a, b] = [alone.transcripts[i], together.transcripts[i]];
    const isSame =
      a && b ? (['txt', 'srt'] as const).every((format) => write(a, format) === write(b, format)) : a === b;
    if (a && b) score = Math.max(score, scoreDifference(a, b));
    if (isSame) continue;
    different++;
    console.log(`${file} differs:\n  alone:    ${a?.text}\n  together: ${b?.text}`);
  }
  const how = `${beams > 0 ? `${beams} beams` : 'greedy'}${values.words ? ', words' : ''}`;
  console.log(`| ${files.length} recordings, ${how} | CPU time | wall clock |\n|---|---:|---:|`);
  for (const pass of runs)
    for (const [way, { cpu, wall }] of pass.entries())
      console.log(
        `| ${way === 0 ? 'one after another' : `${atOnce} at once`} | ${cpu.toFixed(1)} s | ${wall.toFixed(1)} s |`,
      );
  const ratio = (of: (walls: readonly number[]) => number): string =>
    (of(runs.map(([first]) => first.wall)) / of(runs.map(([, second]) => second.wall))).toFixed(2);
  console.log(
    `\n${ratio((walls) => summarise(walls).min)} times as fast by minima, ${ratio((walls) => summarise(walls).median)} by medians`,
  );
  console.log(`${different} of ${files.length} differ; scores by ${score.toExponential(1)}`);
} finally {
  await whisper.close();
}
const machine = describeMachine();
console.log(`${model}, cpu, ${threads} thread(s); ${machine.cpu}, load average ${machine.loadAverage}`);
if (different > 0) process.exitCode = 1;
