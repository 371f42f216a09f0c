/**
 * How many requests does `sotto serve` answer in a minute, by how many clients ask at once?
 *
 *   node dist/bench/serve.js [--model tiny-demo] [--threads 1] [--clients 1,4,8] [--requests 16] [--passes 3] [--dtype auto]
 *
 * Each client sends the next of the eight recordings of `pool.ts` as soon as it has its answer; one client is one request
 * after another. The numbers of clients take turns. Language given, greedy at temperature 0, so that all do the same work. Ends with 1 if an answer
 * depends on how many asked.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { spread, summarise } from '../src/benchmark/statistics.ts';
import { sharedDir } from '../test/support/paths.ts';
import { serveCommand } from '../test/support/serveCommand.ts';
import { eightRecordings } from './eightRecordings.ts';
import { describeMachine } from './machine.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tiny-demo' },
    threads: { type: 'string', default: '1' },
    clients: { type: 'string', default: '1,4,8' },
    requests: { type: 'string', default: '16' },
    passes: { type: 'string', default: '3' },
    dtype: { type: 'string', default: 'auto' },
  },
});
if (!sharedDir) throw new Error('the recordings are in ../shared, which is not here');
const recordings = eightRecordings.map((name) => ({
  name,
  bytes: readFileSync(join(sharedDir!, 'speech', name)),
}));
const levels = values.clients.split(',').map(Number);
const [requests, passes] = [Number(values.requests), Number(values.passes)];

interface Answer {
  readonly text: string;
  readonly duration: number;
}

interface Pass {
  readonly answers: readonly Answer[];
  readonly seconds: number;
  /** From the request to its answer, each. */
  readonly waits: readonly number[];
}

async function ask(url: string, index: number): Promise<Answer> {
  const { name, bytes } = recordings[index % recordings.length]!;
  const form = new FormData();
  form.set('file', new Blob([new Uint8Array(bytes)]), name);
  form.set('language', 'en');
  form.set('beam_size', '1');
  form.set('response_format', 'verbose_json');
  const response = await fetch(`${url}/v1/audio/transcriptions`, { method: 'POST', body: form });
  if (!response.ok) throw new Error(`${name}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer; // of our own server
}

async function pass(url: string, clients: number): Promise<Pass> {
  const answers: Answer[] = [];
  const waits: number[] = [];
  const left = Array.from({ length: requests }, (_, i) => i).values();
  const client = async (): Promise<void> => {
    for (const i of left) {
      const asked = performance.now();
      answers[i] = await ask(url, i);
      waits.push((performance.now() - asked) / 1000);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: clients }, client));
  return { answers, waits, seconds: (performance.now() - started) / 1000 };
}

const server = await serveCommand([
  ...['-m', values.model, '--device', 'cpu', '--threads', values.threads, '--dtype', values.dtype],
  ...['--parallel', String(Math.max(...levels)), '--log', 'False'],
]);
try {
  // What is made when the first comes is none of theirs.
  const first = await pass(server.url, Math.max(...levels));
  const passesOf = new Map<number, Pass[]>(levels.map((clients) => [clients, []]));
  for (let i = 0; i < passes; i++)
    for (const clients of levels) passesOf.get(clients)!.push(await pass(server.url, clients));
  const sound = first.answers.reduce((sum, { duration }) => sum + duration, 0);
  console.log(
    '| clients | requests a minute | sound, times real time | wait for an answer, s | times as many |\n|---:|---:|---:|---:|---:|',
  );
  const base = summarise(passesOf.get(levels[0]!)!.map(({ seconds }) => seconds));
  let different = 0;
  for (const [clients, runs] of passesOf) {
    const seconds = summarise(runs.map((run) => run.seconds));
    const perMinute = summarise(runs.map((run) => (60 * requests) / run.seconds));
    const waits = summarise(runs.flatMap((run) => run.waits));
    const ratios = `${(base.min / seconds.min).toFixed(2)} by the best, ${(base.median / seconds.median).toFixed(2)} by the medians`;
    console.log(
      `| ${clients} | ${spread(perMinute, 1)} | ${(sound / seconds.median).toFixed(1)} | ${spread(waits, 1)} | ${ratios} |`,
    );
    for (const run of runs) different += run.answers.filter(({ text }, i) => text !== first.answers[i]?.text).length;
  }
  console.log(
    `\n${requests} requests a pass, ${passes} passes, ${sound.toFixed(0)} s of sound; ${different} texts differ`,
  );
  const { cpu, node, commit, date, loadAverage } = describeMachine();
  console.log(
    `${values.model}, ${values.dtype}, ${values.threads} thread(s); ${cpu}, Node ${node}, ${commit}, ${date}, load ${loadAverage}`,
  );
  if (different > 0) process.exitCode = 1;
} finally {
  await server.stop();
}
