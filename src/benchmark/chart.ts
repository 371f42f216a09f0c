/**
 * A report as one SVG: a bar a row, as long as the median of the later runs, with a line from the least to the largest, and
 * a mark where the first run ended. Written as text: a bar chart needs no library, and one that needs a DOM would have to be
 * installed with the command.
 */
import { escapeXml } from '../base/xml.ts';
import { type BenchReport, timesOf, titleOf } from './report.ts';
import { machineLine } from './table.ts';

const WIDTH = 760;
const TOP = 56;
const ROW = 30;
const BAR = 16;
/** Mean width of a character of 12 px, for the column of names. */
const CHARACTER = 6.6;

const STYLE = `
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 15px; font-weight: 600 }
.quiet { fill: #59636e }
.grid { stroke: #d1d9e0 }
.bar { fill: #2f6feb }
.software { fill: #8c959f }
.spread, .first { stroke: #1f2328; stroke-width: 1.5 }
.first { stroke-dasharray: 2 2 }
.page { fill: #ffffff }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .quiet { fill: #9198a1 } .grid { stroke: #3d444d } .bar { fill: #4c8dff } .page { fill: #0d1117 }
  .software { fill: #6e7681 } .spread, .first { stroke: #f0f6fc }
}`;

export function reportChart(report: BenchReport): string {
  const bars = report.rows.map((row) => ({
    title: titleOf(row),
    isSoftware: row.isSoftware,
    later: timesOf(row, 'laterRunMs'),
    first: timesOf(row, 'firstRunMs').median,
  }));
  const left = 16 + Math.ceil(CHARACTER * Math.max(0, ...bars.map(({ title }) => title.length)));
  const right = WIDTH - 72;
  const longest = Math.max(1, ...bars.map(({ later, first }) => Math.max(later.max, first)));
  const step = tickStep(longest);
  const end = step * Math.ceil(longest / step);
  const x = (ms: number): string => (left + ((right - left) * ms) / end).toFixed(1);
  const bottom = TOP + ROW * bars.length;
  const height = bottom + 44;
  const ticks = Array.from({ length: Math.round(end / step) + 1 }, (_, i) => i * step);
  const { name, seconds } = report.recording;
  const digits = step < 100 ? 2 : step < 1000 ? 1 : 0;
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeXml(`Seconds to transcribe ${name}`)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    `<text class="title" x="8" y="22">${escapeXml(`Seconds to transcribe ${name} (${seconds.toFixed(1)} s)`)}</text>`,
    `<text class="quiet" x="8" y="40">sotto ${escapeXml(report.sotto)}; bar: later runs, median; line: least to largest; dashes: first run</text>`,
    ...ticks.flatMap((ms) => [
      `<line class="grid" x1="${x(ms)}" x2="${x(ms)}" y1="${TOP}" y2="${bottom}"/>`,
      `<text class="quiet" text-anchor="middle" x="${x(ms)}" y="${bottom + 16}">${(ms / 1000).toFixed(digits)}</text>`,
    ]),
    ...bars.flatMap(({ title, isSoftware, later, first }, i) => {
      const top = TOP + ROW * i + (ROW - BAR) / 2;
      const middle = top + BAR / 2;
      const width = (Number(x(later.median)) - left).toFixed(1);
      const labelAt = (Number(x(Math.max(later.max, first))) + 6).toFixed(1);
      return [
        `<text x="8" y="${middle + 4}">${escapeXml(title)}</text>`,
        `<rect class="bar${isSoftware ? ' software' : ''}" x="${left}" y="${top}" width="${width}" height="${BAR}" rx="2"/>`,
        `<line class="spread" x1="${x(later.min)}" x2="${x(later.max)}" y1="${middle}" y2="${middle}"/>`,
        `<line class="first" x1="${x(first)}" x2="${x(first)}" y1="${top - 3}" y2="${top + BAR + 3}"/>`,
        `<text x="${labelAt}" y="${middle + 4}">${(later.median / 1000).toFixed(2)}</text>`,
      ];
    }),
    `<text class="quiet" x="8" y="${height - 10}">${escapeXml(`${report.date.slice(0, 10)}; ${machineLine(report.machine)}`)}</text>`,
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

/** 1, 2 or 5 times a power of ten, so that there are three to eight ticks. */
function tickStep(longest: number): number {
  const rough = longest / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  return power * ([1, 2, 5].find((times) => times * power >= rough) ?? 10);
}
