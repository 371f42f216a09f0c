/** A report as a table: aligned for a terminal, or in Markdown to paste. */
import { compareRows, rowOf } from './baseline.ts';
import { type BenchMachine, type BenchReport, type BenchRow, peakOf, timesOf, titleOf } from './report.ts';
import { spread } from './statistics.ts';
import { wordErrorRate } from './wordErrors.ts';

const HEAD = [
  '',
  'load, s',
  'first text, s',
  'first run, s',
  'later runs, s',
  'real time',
  'peak memory',
  'word errors',
];

/** @param baseline adds a column: time / that of the baseline */
export function reportTable(report: BenchReport, form: 'text' | 'markdown', baseline?: BenchReport): string {
  const { head, rows: cells } = reportCells(report, baseline);
  return form === 'markdown' ? markdown(head, cells) : aligned(head, cells);
}

/** The texts of the table, for who draws it otherwise. */
export function reportCells(
  report: BenchReport,
  baseline?: BenchReport,
): { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] } {
  const rows = report.rows.map((row) => [
    ...cellsOf(row, report.recording.seconds),
    ...(baseline ? [againstBaseline(row, baseline)] : []),
  ]);
  return { head: baseline ? [...HEAD, 'against the baseline'] : HEAD, rows };
}

function cellsOf(row: BenchRow, seconds: number): string[] {
  const later = timesOf(row, 'laterRunMs');
  const inSeconds = { median: later.median / 1000, min: later.min / 1000, max: later.max / 1000 };
  const peak = peakOf(row);
  const median = (clock: 'loadMs' | 'firstTextMs' | 'firstRunMs'): string =>
    (timesOf(row, clock).median / 1000).toFixed(2);
  return [
    row.isSoftware ? `${titleOf(row)} (software)` : titleOf(row),
    median('loadMs'),
    median('firstTextMs'),
    median('firstRunMs'),
    spread(inSeconds, 2),
    `${((1000 * seconds) / later.median).toFixed(1)} x`,
    peak === undefined ? '' : `${(peak / 1e6).toFixed(0)} MB`,
    row.wordErrors === null ? '' : `${wordErrorRate(row.wordErrors).toFixed(1)} %`,
  ];
}

function againstBaseline(row: BenchRow, baseline: BenchReport): string {
  const then = rowOf(baseline, row);
  if (!then) return 'not in it';
  const { ratio, verdict } = compareRows(row, then);
  return `${ratio.toFixed(2)}, ${verdict}`;
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  // A model may be a folder with a bar in its name.
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = `|${head.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`;
  return `${[line(head), rule, ...rows.map(line)].join('\n')}\n`;
}

function aligned(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((cells) => cells[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  return `${[head, ...rows].map(line).join('\n')}\n`;
}

/** e.g. `AMD EPYC, avx2, 2 cores, linux x64, Node 20.1.0; load average 0.1 before, 1.9 after` */
export function machineLine({ cpu, features, cores, platform, runtime, loadAverage }: BenchMachine): string {
  const parts = [cpu, ...features, `${cores} cores`, platform, runtime].join(', ');
  if (!loadAverage) return parts;
  return `${parts}; load average ${loadAverage.before.toFixed(1)} before, ${loadAverage.after.toFixed(1)} after`;
}

/** What a reader must know before taking the rows for alike: whose words differ from the first row's of the model. */
export function wordsLine({ rows }: BenchReport): string {
  const differing = rows.filter(({ differingWords }) => differingWords > 0);
  if (differing.length === 0) return 'The words of each model are the same in all its rows.';
  const list = differing.map((row) => `${titleOf(row)}: ${row.differingWords}`);
  return `Words that differ from the first row's of the same model: ${list.join('; ')}.`;
}
