/**
 * `sotto batch` with two workers of one thread each against one of two threads: are the files the same, and which is sooner?
 *
 *   node dist/bench/batchWorkers.js [--model tiny] [--passes 1] [--beams 5] [--only REGEXP] [--folder DIR]
 *
 * Whole runs of the command in turn, from start to end: loading is part of them. Exits with 1 if a file differs.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { summarise } from '../src/benchmark/statistics.ts';
import { commandFile, sharedDir } from '../test/support/paths.ts';
import { eightRecordings } from './eightRecordings.ts';
import { describeMachine } from './machine.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tiny' },
    passes: { type: 'string', default: '1' },
    beams: { type: 'string', default: '5' },
    only: { type: 'string' },
    folder: { type: 'string' },
  },
});
const folder = values.folder ?? (sharedDir && join(sharedDir, 'speech'));
if (!folder) throw new Error('the recordings are in ../shared, which is not here: name a --folder');
const only = values.only === undefined ? undefined : new RegExp(values.only);
const files = only ? readdirSync(folder).filter((file) => only.test(file)) : eightRecordings;

const WAYS = [
  { name: 'one worker, two threads', workers: 1 },
  { name: 'two workers, one thread each', workers: 2 },
] as const;

const work = mkdtempSync(join(tmpdir(), 'sotto-bench-'));
const source = join(work, 'in');
mkdirSync(source);
for (const file of files) cpSync(join(folder, file), join(source, file));

/** @returns seconds from the start of the command to its end */
async function run(workers: number, out: string): Promise<number> {
  rmSync(out, { recursive: true, force: true });
  const options = ['--model', values.model, '--beam_size', values.beams, '--device', 'cpu', '--threads', '2'];
  const started = performance.now();
  const args = [commandFile, 'batch', source, '-o', out, '-f', 'txt,srt', '--workers', String(workers), ...options];
  await promisify(execFile)(process.execPath, args);
  return (performance.now() - started) / 1000;
}

const outOf = (way: number): string => join(work, `out-${way}`);
const walls: number[][] = WAYS.map(() => []);
let different = 0;
try {
  for (let pass = 0; pass < Number(values.passes); pass++)
    for (const [way, { workers }] of WAYS.entries()) walls[way]!.push(await run(workers, outOf(way)));
  const written = readdirSync(outOf(0)).filter((file) => !file.endsWith('.jsonl'));
  for (const file of written) {
    if (readFileSync(join(outOf(0), file)).equals(readFileSync(join(outOf(1), file)))) continue;
    different++;
    console.log(`${file} differs`);
  }
  console.log(
    `| ${files.length} recordings, ${values.model}, ${values.beams} beams | best | median |\n|---|---:|---:|`,
  );
  for (const [way, { name }] of WAYS.entries()) {
    const { min, median } = summarise(walls[way]!);
    console.log(`| ${name} | ${min.toFixed(1)} s | ${median.toFixed(1)} s |`);
  }
  const [one, two] = walls.map((seconds) => summarise(seconds));
  console.log(
    `\ntwo workers are ${(one!.min / two!.min).toFixed(2)} times as fast by minima, ${(one!.median / two!.median).toFixed(2)} by medians`,
  );
  console.log(`${different} of ${written.length} files differ`);
} finally {
  rmSync(work, { recursive: true });
}
const machine = describeMachine();
console.log(`${machine.cpu}, load average ${machine.loadAverage}`);
if (different > 0) process.exitCode = 1;
