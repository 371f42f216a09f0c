/**
 * Damaged files for every reader, for as long as one likes. Each must be read or refused by a typed error, within 10 s (of a
 * processor, where the system tells them: a busy machine is no fault) and within 64 MB and twice its size beyond what good
 * files take; no process may die.
 *
 *   npm run fuzz -- [--minutes 3] [--seed 1] [--reader flac,mp3] [--only NUMBER] [--keep FOLDER]
 *
 * `--only` reads one input again; `--keep` writes those that fail into a folder.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Report } from './child.ts';
import { inputOf } from './input.ts';
import { READERS } from './readers.ts';

const MAX_SECONDS = 10;
/** By the clock, after which an input is one that waits for ever. */
const MAX_WAIT_SECONDS = 120;
const WATCH_MS = 500;
const MAX_MB = 64;
/** A child reads this many, so that what one leaves behind is not blamed on the next for long. */
const INPUTS_A_CHILD = 200;

export interface Failure {
  readonly reader: string;
  readonly number: number;
  readonly what: string;
}

export interface FuzzResult {
  readonly failures: readonly Failure[];
  /** Inputs by reader. */
  readonly counts: Readonly<Record<string, number>>;
  /** Of them, how many were read to the end. */
  readonly nRead: number;
}

export interface FuzzOptions {
  readonly readers: readonly string[];
  readonly seed: number;
  readonly minutes: number;
  readonly onLine?: (line: string) => void;
}

/** Takes the readers in turn until the time is over, each at least once. */
export async function fuzz({ readers, seed, minutes, onLine }: FuzzOptions): Promise<FuzzResult> {
  const failures: Failure[] = [];
  const counts: Record<string, number> = {};
  let nRead = 0;
  const end = performance.now() + minutes * 60_000;
  for (let round = 0; round === 0 || performance.now() < end; round++) {
    for (const [i, reader] of readers.entries()) {
      if (round > 0 && performance.now() >= end) break;
      // What is left of the time is shared by the readers left in the round.
      const share = Math.max(1000, (end - performance.now()) / (readers.length - i));
      const first = counts[reader] ?? 0;
      const run = await runChild(reader, seed, first, INPUTS_A_CHILD, Math.min(share, 60_000));
      counts[reader] = first + run.count;
      nRead += run.nRead;
      if (!run.failure) continue;
      failures.push(run.failure);
      onLine?.(`${run.failure.reader} ${run.failure.number}: ${run.failure.what}`);
    }
  }
  return { failures, counts, nRead };
}

interface ChildRun {
  readonly count: number;
  readonly nRead: number;
  readonly failure?: Failure | undefined;
}

/** Ends at the first failure, or when `ms` are over. */
async function runChild(reader: string, seed: number, first: number, count: number, ms: number): Promise<ChildRun> {
  const file = fileURLToPath(new URL('child.js', import.meta.url));
  const args = ['--expose-gc', file, reader, `${seed}`, `${first}`, `${count}`];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = new Promise<string>((resolve) => {
    child.on('close', (code, signal) => resolve(`status ${signal ?? code}`));
  });
  let noise = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    noise = (noise + text).slice(-2000);
  });
  const deadline = performance.now() + ms;
  let begun: Extract<Report, { kind: 'begin' }> | undefined;
  let failure: Failure | undefined;
  let nDone = 0;
  let nRead = 0;
  let isEnough = false;
  const fail = (number: number, what: string): void => {
    failure ??= { reader, number, what };
    child.kill('SIGKILL');
  };
  let watchdog: NodeJS.Timeout | undefined;
  for await (const line of createInterface({ input: child.stdout })) {
    clearInterval(watchdog);
    const report = parseReport(line);
    if (!report) {
      fail(begun?.number ?? first, `a line on the console: ${line.slice(0, 200)}`);
      continue;
    }
    if (report.kind === 'begin') {
      begun = report;
      const late = lateness(child.pid);
      watchdog = setInterval(() => {
        const what = late();
        if (what !== undefined) fail(report.number, what);
      }, WATCH_MS);
      continue;
    }
    nDone++;
    if (report.code === undefined && !report.fault) nRead++;
    const megabytes = MAX_MB + (2 * (begun?.bytes ?? 0)) / 1e6;
    if (report.fault) fail(report.number, report.fault);
    else if (report.growth > megabytes && !(await isForgiven(reader, seed, report.number, count, megabytes)))
      fail(report.number, `${report.growth.toFixed(0)} MB, more than ${megabytes.toFixed(0)}`);
    else if (report.growth > megabytes || performance.now() > deadline) {
      isEnough = true;
      child.kill('SIGKILL');
    }
  }
  clearInterval(watchdog);
  const status = await exited;
  if (!failure && !isEnough && status !== 'status 0') {
    const after = begun ? ` after ${nDone} inputs` : '';
    failure = { reader, number: begun?.number ?? first, what: `the process ended with ${status}${after}: ${noise}` };
  } else if (!failure && noise !== '') {
    failure = { reader, number: begun?.number ?? first, what: `lines on the console: ${noise.slice(0, 300)}` };
  }
  return { count: nDone + (failure && begun ? 1 : 0), nRead, failure };
}

/** @returns what says that a child has been too long at an input that it begins now; undefined while it has not */
function lateness(pid: number | undefined): () => string | undefined {
  const start = performance.now();
  const before = processorSeconds(pid);
  return () => {
    const waited = (performance.now() - start) / 1000;
    if (waited < MAX_SECONDS) return undefined;
    const now = processorSeconds(pid);
    if (before === undefined || now === undefined) return `no end in ${MAX_SECONDS} s`;
    if (now - before >= MAX_SECONDS) return `no end in ${MAX_SECONDS} s of a processor`;
    return waited < MAX_WAIT_SECONDS ? undefined : `no end in ${MAX_WAIT_SECONDS} s`;
  };
}

/**
 * What a process has had of the processors.
 * @returns undefined where the system has no such file
 * @see proc(5), /proc/pid/stat: utime and stime, fields 14 and 15, in hundredths of a second
 */
function processorSeconds(pid: number | undefined): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, a name in brackets, may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return undefined;
  }
}

/** Memory may be what earlier inputs left behind: the input is read once more, by a process of its own. */
async function isForgiven(
  reader: string,
  seed: number,
  number: number,
  count: number,
  megabytes: number,
): Promise<boolean> {
  if (count === 1) return false;
  const file = fileURLToPath(new URL('child.js', import.meta.url));
  const args = ['--expose-gc', file, reader, `${seed}`, `${number}`, '1'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let growth = Number.POSITIVE_INFINITY;
  for await (const line of createInterface({ input: child.stdout })) {
    const report = parseReport(line);
    if (report?.kind === 'end') growth = report.growth;
  }
  return growth <= megabytes;
}

function parseReport(line: string): Report | undefined {
  try {
    return JSON.parse(line) as Report;
  } catch {
    return undefined;
  }
}

async function keep(folder: string, seed: number, { reader, number }: Failure): Promise<void> {
  const found = READERS[reader];
  if (!found) return;
  mkdirSync(folder, { recursive: true });
  const bytes = inputOf(found, await found.seeds(), reader, seed, number);
  writeFileSync(join(folder, `${reader}-${seed}-${number}`), bytes);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '3' },
      seed: { type: 'string', default: '1' },
      reader: { type: 'string' },
      only: { type: 'string' },
      keep: { type: 'string' },
    },
  });
  const seed = Number(values.seed);
  const readers = values.reader?.split(',') ?? Object.keys(READERS);
  const unknown = readers.find((reader) => !READERS[reader]);
  if (unknown !== undefined) throw new Error(`no reader ${unknown}: ${Object.keys(READERS).join(', ')}`);
  const print = (line: string): void => console.log(line);
  if (values.only !== undefined) {
    const [reader = ''] = readers;
    const run = await runChild(reader, seed, Number(values.only), 1, 60_000);
    print(run.failure ? `${reader} ${values.only}: ${run.failure.what}` : `${reader} ${values.only}: right`);
    if (values.keep !== undefined) await keep(values.keep, seed, { reader, number: Number(values.only), what: '' });
    process.exitCode = run.failure ? 1 : 0;
    return;
  }
  const { failures, counts, nRead } = await fuzz({ readers, seed, minutes: Number(values.minutes), onLine: print });
  if (values.keep !== undefined) for (const failure of failures) await keep(values.keep, seed, failure);
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0);
  print(
    Object.entries(counts)
      .map(([reader, n]) => `${reader} ${n}`)
      .join(', '),
  );
  print(`${total} files, ${nRead} read, ${total - nRead - failures.length} refused, ${failures.length} failed`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
