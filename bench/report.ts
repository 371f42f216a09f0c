/**
 * Makes bench/results/README.md from the JSON beside it.
 *
 *   node dist/bench/report.js
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { summarise } from '../src/benchmark/statistics.ts';
import { repoRoot } from '../test/support/paths.ts';
import type { Machine } from './machine.ts';
import {
  bestRatio,
  type EngineRow,
  type KernelTable,
  nodeOf,
  type PeerRow,
  pairRatios,
  type WhisperRow,
  warmPasses,
} from './row.ts';
import type { Stages, Time } from './stages.ts';

const folder = join(repoRoot, 'bench/results');

/** The files are written by this folder's programs, so they are what their types say. */
function readAll<T>(kind: string): T[] {
  const files = existsSync(join(folder, kind)) ? readdirSync(join(folder, kind)).sort() : [];
  return files.map((file) => JSON.parse(readFileSync(join(folder, kind, file), 'utf8')) as T);
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

function ms(value: number): string {
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

/** Median, and the least in brackets. */
function middle(values: readonly number[]): string {
  const { median, min } = summarise(values);
  return values.length > 1 ? `${ms(median)} (${ms(min)})` : ms(median);
}

const recordings = ['jfk', 'long'];
const order = <T>(list: readonly T[], value: T): number => (list.indexOf(value) + list.length + 1) % (list.length + 1);

function whisperTable(recording: string, rows: readonly WhisperRow[]): string {
  const own = rows
    .filter((row) => row.recording === recording)
    .sort(
      (a, b) =>
        order(['tiny', 'base'], a.model) - order(['tiny', 'base'], b.model) ||
        a.device.localeCompare(b.device) ||
        nodeOf(a).localeCompare(nodeOf(b)) ||
        (a.threads ?? 0) - (b.threads ?? 0),
    );
  if (own.length === 0) return '';
  const first = own[0]!.processes[0]!;
  const stages = warmPasses(own[0]!)[0]!;
  const cells = own.map((row): readonly string[] => {
    const passes = warmPasses(row);
    const each = (pick: (s: Stages) => Time, per: (s: Stages) => number = () => 1): string =>
      middle(passes.map((s) => pick(s).wallMs / per(s)));
    const { median } = summarise(passes.map((s) => s.endToEnd.wallMs));
    const heldUp =
      row.threads !== undefined &&
      wereHeldUp(
        passes.map((s) => s.endToEnd),
        row.threads,
      );
    return [
      `${row.model}, ${deviceOf(row)}${heldUp ? ' †' : ''}`,
      middle(row.processes.map(({ loadMs }) => loadMs)),
      each((s) => s.logMel),
      each(
        (s) => s.encode,
        (s) => s.windows,
      ),
      each(
        (s) => s.decode,
        (s) => s.sampledTokens,
      ),
      each((s) => s.endToEnd),
      middle(passes.map((s) => s.endToEnd.cpuMs)),
      heldUp ? '' : `${((1000 * first.audioSeconds) / median).toFixed(1)} x`,
      `${summarise(row.processes.map(({ peakMegabytes }) => peakMegabytes)).median.toFixed(0)} MB`,
    ];
  });
  const head = [
    '',
    'load',
    'log-mel',
    'encode a window',
    'decode a token',
    'end to end',
    'CPU time',
    'real time',
    'peak memory',
  ];
  const what = `${first.audioSeconds.toFixed(1)} s, ${stages.windows} ${stages.windows === 1 ? 'window' : 'windows'}, ${stages.sampledTokens} tokens (${own[0]!.model})`;
  return `## ${recording === 'jfk' ? 'JFK' : 'A long recording'}: ${what}\n\n${table(head, cells)}\n`;
}

function deviceOf(row: WhisperRow): string {
  const where = row.device === 'cpu' ? `CPU, ${row.threads} ${row.threads === 1 ? 'thread' : 'threads'}` : 'WebGPU';
  return `${where}, Node ${nodeOf(row)}`;
}

/** Did others have the cores for much of the time that these threads wanted to run? */
function wereHeldUp(times: readonly Time[], threads: number): boolean {
  return summarise(times.map(({ cpuMs, wallMs }) => cpuMs / wallMs / threads)).median < 0.7;
}

function peerTable(rows: readonly PeerRow[]): string {
  if (rows.length === 0) return '';
  const cells = [...rows]
    .sort((a, b) => a.model.localeCompare(b.model) || nodeNumber(a) - nodeNumber(b) || a.threads - b.threads)
    .map((row): readonly string[] => {
      const engine = ({ passes }: EngineRow): string => middle(passes.map(({ time }) => time.wallMs));
      const peak = ({ passes }: EngineRow): string => `${(passes.at(-1)?.peakMegabytes ?? 0).toFixed(0)} MB`;
      const { median, min, max } = summarise(pairRatios(row));
      const heldUp = wereHeldUp(
        row.ours.passes.map(({ time }) => time),
        row.threads,
      );
      return [
        `${row.model}, ${row.recording}, ${row.threads} ${row.threads === 1 ? 'thread' : 'threads'}, Node ${nodeNumber(row)}${heldUp ? ' †' : ''}`,
        engine(row.ours),
        engine(row.theirs),
        `**${median.toFixed(2)}** (${min.toFixed(2)} .. ${max.toFixed(2)})`,
        bestRatio(row).toFixed(2),
        summarise(pairRatios(row, 'cpuMs')).median.toFixed(2),
        `${ms(row.ours.loadMs)} / ${ms(row.theirs.loadMs)}`,
        `${peak(row.ours)} / ${peak(row.theirs)}`,
      ];
    });
  const head = ['', 'sotto', 'transformers.js', 'ours / theirs', 'best of each', 'CPU time', 'load', 'peak memory'];
  return `## Against ${rows[0]!.theirs.description}

The same weights in f32, the same threads, in turn (ours, theirs, ours, ...), end to end. Below 1 ours is quicker; the
ratio is the median of the pairs, with the least and the largest; beside it that of the best of each, and that of the
pairs' CPU time, all threads together.

${table(head, cells)}
`;
}

function nodeNumber({ ours }: PeerRow): number {
  return Number.parseInt(ours.machine.node.slice(1), 10);
}

function kernelTables(tables: readonly KernelTable[]): string {
  const parts = tables.map(({ machine, device, peaks, rows }) => {
    const cells = rows.map((row): readonly string[] => {
      // The nearer of the two limits is the one that holds the kernel.
      const share = Math.max(row.gflops / peaks.gflops, row.gigabytes / peaks.gigabytes);
      return [
        `${row.kernel}/${row.variant}, ${row.sizes}`,
        row.bestMs.toFixed(3),
        row.gflops.toFixed(1),
        row.gigabytes.toFixed(1),
        `${(100 * share).toFixed(0)} %`,
      ];
    });
    const limits = `Measured limits: ${peaks.gflops.toFixed(0)} GFLOP/s, ${peaks.gigabytes.toFixed(1)} GB/s.`;
    const head = ['', 'best, ms', 'GFLOP/s', 'GB/s', 'of the limit'];
    return `### ${device}, Node ${machine.node.slice(1)}\n\n${limits} ${provenance([machine])}\n\n${table(head, cells)}\n`;
  });
  return parts.length === 0 ? '' : `## Kernels\n\n${parts.join('\n')}`;
}

/** When and where some figures were taken. */
function provenance(machines: readonly Machine[]): string {
  const distinct = (pick: (m: Machine) => string): string => [...new Set(machines.map(pick))].sort().join(', ');
  const dates = machines.map(({ date }) => date.slice(0, 10)).sort();
  const loads = machines.map(({ loadAverage }) => loadAverage);
  const days = dates[0] === dates.at(-1) ? dates[0] : `${dates[0]} to ${dates.at(-1)}`;
  const where = `${distinct((m) => m.cpu)}, ${distinct((m) => String(m.cores))} cores, ${distinct((m) => m.platform)}`;
  return `${days}; ${where}; Node ${distinct((m) => m.node.slice(1))}; commit ${distinct((m) => m.commit)}; load average ${Math.min(...loads)} to ${Math.max(...loads)}.`;
}

const rows = readAll<WhisperRow>('rows');
const peers = readAll<PeerRow>('peers');
const machines = rows.flatMap(({ processes }) => processes.map(({ machine }) => machine));
const prefixes = new Set(
  [...rows, ...peers].map(({ prefix }) => (prefix ? `under \`${prefix}\`` : 'at the usual priority')),
);
const intro = `# Figures

Made by \`node dist/bench/report.js\` from the JSON in this folder; do not edit. Times are milliseconds by the wall clock
unless another unit stands there: the median, in brackets the least. Load is from the cache to a model that is ready;
end to end is from samples to text with timestamps, temperature 0, in a process that has transcribed before (the long
recording: its first). CPU time is of all threads together; † marks a row whose threads were held up by others for a
third of the time or more: go by its CPU time, and by the least. Each row has processes of its own; peak memory is the
largest resident set.

${rows.length > 0 ? `${provenance(machines)}\nTimed processes ran ${[...prefixes].join(', ')}.` : ''}
`;
const webgpu = rows.filter(({ device }) => device === 'webgpu').map(({ processes }) => processes[0]!.device);
const adapters = webgpu.length > 0 ? `WebGPU is ${[...new Set(webgpu)].join('; ')}.\n` : '';
const parts = [
  intro,
  peerTable(peers),
  ...recordings.map((name) => whisperTable(name, rows)),
  adapters,
  kernelTables(readAll<KernelTable>('kernels')),
];
writeFileSync(join(folder, 'README.md'), `${parts.filter(Boolean).join('\n').trim()}\n`);
