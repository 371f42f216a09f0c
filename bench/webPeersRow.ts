/** What `webPeers.ts` saves, and the table that is made of it. */
import { summarise } from '../src/benchmark/statistics.ts';
import { wordErrors } from '../src/benchmark/wordErrors.ts';
import type { Machine } from './machine.ts';
import type { WebResult } from './webPeersPage.ts';

/** One visit of a page, in a browser of its own: nothing is cached. */
export interface Visit extends WebResult {
  /** Largest resident memory of the page's process, its workers included. */
  readonly peakBytes: number;
  /** Of code and weights that the server sent, without the sound. */
  readonly fetchedBytes: number;
}

export interface WebPeerRow {
  readonly machine: Machine;
  readonly browser: string;
  /** Of a process with an empty page. */
  readonly emptyBytes: number;
  readonly model: string;
  readonly threads: number;
  readonly ours: readonly Visit[];
  readonly theirs: readonly Visit[];
}

export const titleOf = ({ model, threads, ours, theirs }: WebPeerRow): string =>
  `${model}, ${ours[0]!.description.split(', ').at(-1)} / ${theirs[0]!.description.split(', ').at(-1)}, ${threads === 1 ? '1 thread' : `${threads} threads`}`;

/** Of all visits, the runs after the first of each. */
const laterRuns = (visits: readonly Visit[]): number[] => visits.flatMap(({ runMs }) => runMs.slice(1));

const FIGURES: readonly (readonly [string, (visits: readonly Visit[]) => number, (value: number) => string])[] = [
  ['load, s', (visits) => summarise(visits.map(({ loadMs }) => loadMs)).median / 1000, (n) => n.toFixed(2)],
  ['first run, s', (visits) => summarise(visits.map(({ runMs }) => runMs[0]!)).median / 1000, (n) => n.toFixed(2)],
  ['later runs, s', (visits) => summarise(laterRuns(visits)).median / 1000, (n) => n.toFixed(2)],
  ['least, s', (visits) => summarise(laterRuns(visits)).min / 1000, (n) => n.toFixed(2)],
  [
    'peak memory, MB',
    (visits) => summarise(visits.map(({ peakBytes }) => peakBytes)).median / 1e6,
    (n) => n.toFixed(0),
  ],
  [
    'fetched, MB',
    (visits) => summarise(visits.map(({ fetchedBytes }) => fetchedBytes)).median / 1e6,
    (n) => n.toFixed(1),
  ],
];

/** In Markdown: ours / theirs = how many times theirs is ours. */
export function webPeersTable(rows: readonly WebPeerRow[]): string {
  const head = ['', ...FIGURES.map(([name]) => name)];
  const cells = rows.map((row) => [
    titleOf(row),
    ...FIGURES.map(([, of, told]) => {
      const [ours, theirs] = [of(row.ours), of(row.theirs)];
      return `${told(ours)} / ${told(theirs)} = **${(theirs / ours).toFixed(2)} x**`;
    }),
  ]);
  const line = (list: readonly string[]): string => `| ${list.join(' | ')} |`;
  return [line(head), `|---|${'---:|'.repeat(FIGURES.length)}`, ...cells.map(line)].join('\n');
}

/** The whole of bench/results/webPeers.md. */
export function webPeersDocument(rows: readonly WebPeerRow[]): string {
  const { machine, browser, emptyBytes, theirs } = rows[0]!;
  const peer = theirs[0]!.description.split(', ').slice(0, 2).join(' on ');
  const differing = rows.filter(({ ours: [a], theirs: [b] }) => wordErrors(a!.text, b!.text).errors > 0);
  const words =
    differing.length === 0
      ? 'Both give the same words in every row.'
      : `The words differ in: ${differing.map(titleOf).join('; ')}.`;
  const visits = [...new Set(rows.map((row) => `${row.ours.length} of ${row.ours[0]!.runMs.length}`))].sort();
  return `# In a page, against ${peer}

Made by \`node dist/bench/webPeers.js --save\` from \`webPeers.json\`; do not edit. The same weights, the same samples (JFK, 11 s), the
same threads, in the same Chromium, in turn; each visit is a browser of its own, so that nothing is cached. The server is on
the same machine. Each cell: sotto / transformers.js = how many times sotto's figure theirs is; above 1 sotto is better.
Memory is the largest resident set of the page's process with its workers; an empty page takes ${(emptyBytes / 1e6).toFixed(0)} MB of it.
Fetched is code and weights, as they are on disk: no compression. ${words}

${goals(rows)}

${webPeersTable(rows)}

${machine.date.slice(0, 10)}; ${machine.cpu}, ${machine.cores} cores; ${browser}; commit ${machine.commit}; load average ${Math.min(...rows.map((row) => row.machine.loadAverage))} to ${Math.max(...rows.map((row) => row.machine.loadAverage))}; visits of runs: ${visits.join(', ')}.
`;
}

/** Three times as fast as the peer, in a third of its memory. */
const GOAL = 3;

function goals(rows: readonly WebPeerRow[]): string {
  const missed = (of: (visits: readonly Visit[]) => number): string => {
    const slow = rows.filter(({ ours, theirs }) => of(theirs) / of(ours) < GOAL);
    return slow.length === 0 ? 'reached in every row' : `missed in ${slow.map(titleOf).join('; ')}`;
  };
  const time = missed((visits) => summarise(laterRuns(visits)).median);
  const memory = missed((visits) => summarise(visits.map(({ peakBytes }) => peakBytes)).median);
  return `The goal is ${GOAL} x. Time of later runs: ${time}. Memory: ${memory}.`;
}
