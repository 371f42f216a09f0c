/**
 * Runs every test file in a process of its own, as many at once as there are cores, and ends with `N passed, N failed`.
 *
 *   npm test                      all
 *   npm test -- audio kernels     files whose path holds one of the words
 *
 * A test that cannot run here prints a line that begins with `skipped`; they are gathered and printed at the end.
 * With SOTTO_SKIP_NOTHING=1 (CI) each of them counts as failed, but for those that want the recordings beside the
 * repository: a clone cannot get them from anywhere.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noShared } from './support/paths.ts';

interface Result {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly string[];
}

const here = dirname(fileURLToPath(import.meta.url));
const words = process.argv.slice(2);
const files = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();

/** Files that start processes or hold large models run one at a time, first, beside the small ones. */
const heavy = /^(runtimes|acceptance|packaging\/packed|server\/openai|batch\/queue)/;
/** A file that takes longer hangs: the slowest needs less than half of it on two cores that others use too. */
const LIMIT_MINUTES = 30;

function run(file: string): Promise<Result> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(here, file)], { stdio: ['ignore', 'pipe', 'pipe'] });
    const started = performance.now();
    const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`;
    let output = '';
    const timer = setTimeout(() => {
      output += `\nit hangs: killed after ${LIMIT_MINUTES} minutes\n`;
      child.kill('SIGKILL');
    }, LIMIT_MINUTES * 60_000);
    const gather = (data: Buffer): void => {
      output += data.toString();
    };
    child.stdout.on('data', gather);
    child.stderr.on('data', gather);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(judge(file, output, signal ?? code, seconds()));
    });
  });
}

/** Terminal colours, which begin with an escape character. */
const colour = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');

/** @param end exit code, or the signal that ended it */
function judge(file: string, output: string, end: number | string | null, time: string): Result {
  const plain = output.replaceAll(colour, '');
  const sum = (label: string): number =>
    [...plain.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].reduce((n, match) => n + Number(match[1]), 0);
  const total = sum('Total');
  const passed = sum('Passed');
  const skipped = plain.split('\n').filter((line) => /^skipped\b/.test(line.trim()));
  // uvu ends with 1 when a test failed; any other end, or no test at all without a word why, is a failure by itself.
  const unfinished = (end !== 0 && (end !== 1 || passed === total)) || (total === 0 && skipped.length === 0);
  const failed = total - passed + (unfinished ? 1 : 0);
  process.stdout.write(`${failed ? 'FAIL' : 'ok  '} ${relative('.', join(here, file))}  ${passed}/${total}  ${time}\n`);
  if (failed) process.stdout.write(`${plain.trim()}\n(${file}: ended with ${end})\n`);
  return { passed, failed, skipped };
}

async function drain(queue: string[], results: Result[]): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) results.push(await run(file));
}

const results: Result[] = [];
const large = files.filter((file) => heavy.test(file));
const small = files.filter((file) => !heavy.test(file));
const lanes = Math.max(1, availableParallelism() - (large.length > 0 ? 1 : 0));
await Promise.all([drain(large, results), ...Array.from({ length: lanes }, () => drain(small, results))]);

const skipped = [...new Set(results.flatMap((result) => result.skipped))].sort();
for (const line of skipped) console.log(line);
const refuse = process.env.SOTTO_SKIP_NOTHING === '1';
const refused = refuse ? skipped.filter((line) => !line.endsWith(noShared)) : [];
if (refused.length > 0) console.log(`skipping is not allowed here (SOTTO_SKIP_NOTHING=1): ${refused.length}`);
const passed = results.reduce((n, result) => n + result.passed, 0);
const failed = results.reduce((n, result) => n + result.failed, 0) + refused.length;
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
