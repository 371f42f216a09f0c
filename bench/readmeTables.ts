/** README's tables besides those of `sotto bench` and of pages, from the JSON of this folder's programs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { summarise } from '../src/benchmark/statistics.ts';
import { repoRoot } from '../test/support/paths.ts';
import { totalsOf } from './accuracyReport.ts';
import { type AccuracyRow, savedRows } from './accuracyRow.ts';
import type { Machine } from './machine.ts';
import { nodeOf, type PeerRow, pairRatios, type WhisperRow, warmPasses } from './row.ts';

/** How many recordings have openai/whisper's tokens, times and scores, decoded in one way. */
export interface ParityRow {
  readonly model: string;
  readonly device: string;
  /** Of the reference: `greedy`, `beam5`, `words` ... */
  readonly kind: string;
  readonly clips: number;
  readonly equal: number;
  /** Others: after two candidates that the reference has less than 1e-3 apart, and without that excuse. */
  readonly tie: number;
  readonly different: number;
  readonly tokens: number;
}

export interface Parity {
  readonly date: string;
  /** Version of openai/whisper. */
  readonly whisper: string;
  readonly rows: readonly ParityRow[];
}

export interface ReadmeRows {
  readonly parity: Parity;
  readonly peers: readonly PeerRow[];
  /** Of all recordings; the tables take the long one on the CPU. */
  readonly whisper: readonly WhisperRow[];
  readonly accuracy: readonly AccuracyRow[];
}

export function readmeRows(): ReadmeRows {
  return {
    parity: readParity(),
    peers: readAll<PeerRow>('peers'),
    whisper: readAll<WhisperRow>('rows'),
    accuracy: savedRows(),
  };
}

export function readParity(): Parity {
  // Written by parity.ts.
  return JSON.parse(readFileSync(join(repoRoot, 'bench/results/parity.json'), 'utf8')) as Parity;
}

/** The files are written by this folder's programs, so they are what their types say. */
function readAll<T>(kind: string): readonly T[] {
  const folder = join(repoRoot, 'bench/results', kind);
  const files = readdirSync(folder).sort();
  return files.map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as T);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(head),
    `|---|${head
      .slice(1)
      .map(() => '---:|')
      .join('')}`,
    ...rows.map(line),
  ].join('\n');
}

const threadsText = (threads: number): string => `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
const where = ({ cpu, cores, date }: Machine): string => `${date.slice(0, 10)}, ${cpu}, ${cores} cores`;
const bySize = (a: string, b: string): number => ['tiny', 'base'].indexOf(a) - ['tiny', 'base'].indexOf(b);

/** The ways that are not named are added up. */
export function parityTable({ date, whisper, rows }: Parity): string {
  const places = [...new Set(rows.map(({ model, device }) => `${model} ${device}`))];
  const cells = places.map((place) => {
    const own = rows.filter(({ model, device }) => `${model} ${device}` === place);
    const share = (some: readonly ParityRow[]): string => {
      const sum = (of: (row: ParityRow) => number): number => some.reduce((total, row) => total + of(row), 0);
      return some.length === 0 ? '' : `${sum(({ equal }) => equal)} of ${sum(({ clips }) => clips)}`;
    };
    const named = ['greedy', 'default'];
    const others = own.filter(({ kind }) => !named.includes(kind));
    return [
      `${own[0]!.model}, ${own[0]!.device}`,
      ...named.map((name) => share(own.filter(({ kind }) => kind === name))),
      `${share(others)} (${others.length} ways)`,
    ];
  });
  return `Recordings whose tokens, times and scores are those of openai/whisper ${whisper} on the same weights, in f32; the ways are beams, words,
prompts, clips, translation and so on ([each of them](bench/results/parity.md), and the one that differs on purpose). ${date}.

${table(['', 'greedy', "openai's defaults", 'other ways'], cells)}
`;
}

/** Node 24 first. */
export function peersTable(peers: readonly PeerRow[]): string {
  const major = ({ ours }: PeerRow): number => Number.parseInt(ours.machine.node.slice(1), 10);
  const rows = [...peers].sort((a, b) => major(b) - major(a) || a.threads - b.threads);
  const median = ({ passes }: PeerRow['ours']): string =>
    (summarise(passes.map(({ time }) => time.wallMs)).median / 1000).toFixed(2);
  const peak = ({ passes }: PeerRow['ours']): string => (passes.at(-1)?.peakMegabytes ?? 0).toFixed(0);
  const cells = rows.map((row) => [
    `${row.model}, ${row.recording}, ${threadsText(row.threads)}, Node ${major(row)}`,
    `${median(row.ours)} / ${median(row.theirs)}`,
    `**${summarise(pairRatios(row)).median.toFixed(2)}**`,
    `${peak(row.ours)} / ${peak(row.theirs)}`,
  ]);
  const first = rows[0]!;
  return `In Node, against ${first.theirs.description}: the same weights in f32, in turn, from samples to text (sotto / theirs; the ratio is the
median of the pairs; [more](bench/results/README.md)). ${where(first.ours.machine)}.

${table(['', 's', 'ours / theirs', 'peak memory, MB'], cells)}
`;
}

export function longTable(rows: readonly WhisperRow[]): string {
  const long = rows
    .filter(({ recording, device }) => recording === 'long' && device === 'cpu')
    .sort(
      (a, b) =>
        bySize(a.model, b.model) || Number(nodeOf(b)) - Number(nodeOf(a)) || (a.threads ?? 0) - (b.threads ?? 0),
    );
  const cells = long.map((row) => {
    const seconds = summarise(warmPasses(row).map(({ endToEnd }) => endToEnd.wallMs)).median / 1000;
    return [
      `${row.model}, ${threadsText(row.threads ?? 0)}, Node ${nodeOf(row)}`,
      seconds.toFixed(1),
      `${(row.processes[0]!.audioSeconds / seconds).toFixed(1)} x`,
      summarise(row.processes.map(({ peakMegabytes }) => peakMegabytes)).median.toFixed(0),
    ];
  });
  const { audioSeconds, machine } = long[0]!.processes[0]!;
  return `${audioSeconds.toFixed(0)} s of speech, f32, one window after another, by a process' first run. ${where(machine)}.

${table(['', 's', 'real time', 'peak memory, MB'], cells)}
`;
}

/** What stored types lose; recordings of which f32 repeats itself are left out, as in accuracy.md. */
export function accuracyTable(rows: readonly AccuracyRow[]): string {
  const kinds = [
    { model: 'tiny', weights: 'stored', title: 'tiny, 8-bit export (`tiny-demo`)' },
    { model: 'tiny', weights: 'shaken', title: 'tiny, off the grid' },
    { model: 'base', weights: 'shaken', title: 'base, off the grid' },
  ];
  const cells = kinds.flatMap(({ model, weights, title }) => {
    const find = (scheme: string): ReturnType<typeof totalsOf> => {
      const row = rows.find((one) => one.model === model && one.weights === weights && one.scheme === scheme);
      if (!row) throw new Error(`there is no ${model}-${weights}-${scheme}.json`);
      return totalsOf(row.clips.filter(({ loops }) => !loops));
    };
    const f32 = find('f32');
    return ['f16', 'int8'].map((scheme, i) => {
      const own = find(scheme);
      return [
        i === 0 ? title : '',
        scheme,
        `${(100 * (1 - own.edits / own.tokens)).toFixed(1)} %`,
        (own.kl / own.steps).toExponential(1),
        `${own.errors} (${f32.errors})`,
      ];
    });
  });
  return `${table(['weights', 'stored as', "tokens as f32's", 'mean KL of the next token', "word errors (f32's)"], cells)}\n`;
}
