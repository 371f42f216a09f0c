/**
 * The command from its start to its end, in turn with others: how long until a short recording is written, and how much of
 * the processor's time. Nothing is warm but the system's cache of files.
 *
 *   node dist/bench/start.js --model tiny [--recording assets/jfk.wav] [--threads 1,2] [--node 20,24] [--turns 5]
 *       [--dtype int8] [--prefix 'chrt -r 10'] [--peer 'f16=whisper-cli -m MODEL -f AUDIO -t THREADS']...
 *
 * In a peer's command ($SOTTO_PEER_COMMAND has one too) AUDIO and THREADS are filled in. Prints a table for Markdown; a ratio
 * is ours / theirs of the minima, below 1 ours is quicker.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { spread, summarise } from '../src/benchmark/statistics.ts';
import { commandFile, repoRoot } from '../test/support/paths.ts';
import { locateModel } from '../weights/locate.ts';
import { nodesOf } from './childProcess.ts';
import { describeMachine } from './machine.ts';

interface Entry {
  readonly name: string;
  readonly isOurs: boolean;
  /** For a shell. */
  readonly command: string;
  readonly wall: number[];
  readonly cpu: number[];
}

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tiny' },
    recording: { type: 'string', default: join(repoRoot, 'assets/jfk.wav') },
    threads: { type: 'string', default: '1,2' },
    node: { type: 'string', default: process.execPath },
    turns: { type: 'string', default: '5' },
    dtype: { type: 'string' },
    prefix: { type: 'string', default: '' },
    peer: {
      type: 'string',
      multiple: true,
      default: process.env.SOTTO_PEER_COMMAND ? [process.env.SOTTO_PEER_COMMAND] : [],
    },
  },
});
const { dtype, prefix } = values;
const model = await locateModel(values.model);
const recording = resolve(values.recording);
const out = mkdtempSync(join(tmpdir(), 'sotto-start-'));
const quoted = (words: readonly string[]): string =>
  words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');

const machine = describeMachine();
console.log(`${machine.cpu}, ${machine.cores} cores, commit ${machine.commit}, ${machine.date}`);
console.log(`\n| ${values.model}, threads | command | wall s | CPU s | ours / theirs |\n|---|---|---:|---:|---|`);
try {
  for (const threads of values.threads.split(',')) compare(threads);
} finally {
  rmSync(out, { recursive: true });
}
console.log(`\nLoad average before and after: ${machine.loadAverage}, ${describeMachine().loadAverage}`);

function compare(threads: string): void {
  const entries = entriesFor(threads);
  for (let turn = 0; turn < Number(values.turns); turn++) for (const entry of entries) run(entry);
  for (const { name, isOurs, wall, cpu } of entries) {
    const times = [wall, cpu].map((each) => spread(summarise(each), 2));
    const ratios = entries
      .filter((other) => isOurs && !other.isOurs)
      .map((other) => `${(summarise(wall).min / summarise(other.wall).min).toFixed(2)} ${other.name}`);
    console.log(`| ${threads} | ${name} | ${times.join(' | ')} | ${ratios.join(', ')} |`);
  }
}

function entriesFor(threads: string): readonly Entry[] {
  const options = ['--model', model, '--device', 'cpu', '--threads', threads, '--language', 'en', '--temperature', '0'];
  const rest = [...options, '-o', out, ...(dtype === undefined ? [] : ['--dtype', dtype])];
  const ours = nodesOf(values.node).map((node) => {
    const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
    return entry(`sotto, Node ${version}`, true, quoted([node, commandFile, recording, ...rest]));
  });
  const peers = values.peer.map((peer) => {
    const [, name = 'peer', command = ''] = /^(?:([\w.-]+)=)?(.*)$/s.exec(peer) ?? [];
    return entry(name, false, command.replaceAll('AUDIO', quoted([recording])).replaceAll('THREADS', threads));
  });
  return [...ours, ...peers];
}

function entry(name: string, isOurs: boolean, command: string): Entry {
  return { name, isOurs, command, wall: [], cpu: [] };
}

/** The shell says how much of the processor its children had: in the second line of `times`. */
function run({ name, command, wall, cpu }: Entry): void {
  const before = performance.now();
  const script = `${prefix} ${command} >/dev/null 2>&1 && times`;
  const { status, stdout } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  wall.push((performance.now() - before) / 1000);
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${command}`);
  const [, children = ''] = stdout.split('\n');
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => 60 * Number(m) + Number(s));
  cpu.push(seconds.reduce((sum, each) => sum + each, 0));
}
