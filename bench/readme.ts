/**
 * README's figures, from what `sotto bench --json` and the programs of this folder wrote: nobody types a number there.
 *
 *   node dist/bench/readme.js [--write]
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BenchReport, readReport } from '../src/benchmark/report.ts';
import { machineLine, reportTable } from '../src/benchmark/table.ts';
import { repoRoot } from '../test/support/paths.ts';
import { accuracyTable, longTable, parityTable, peersTable, type ReadmeRows, readmeRows } from './readmeTables.ts';
import { type WebPeerRow, webPeersTable } from './webPeersRow.ts';

const BEGIN = '<!-- figures: written by `node dist/bench/readme.js --write` -->';
const END = '<!-- end of figures -->';

/** Reports by the names of their files. */
export function readmeReports(): readonly BenchReport[] {
  const folder = join(repoRoot, 'bench/results/readme');
  const files = readdirSync(folder).sort();
  return files.map((file) => readReport(readFileSync(join(folder, file), 'utf8'), file));
}

export function readmeWebPeers(): readonly WebPeerRow[] {
  // Written by webPeers.ts.
  return JSON.parse(readFileSync(join(repoRoot, 'bench/results/webPeers.json'), 'utf8')) as WebPeerRow[];
}

/** What stands between the two marks in README.md. */
export function readmeFigures(
  reports: readonly BenchReport[],
  peers: readonly WebPeerRow[],
  { parity, peers: nodePeers, whisper, accuracy }: ReadmeRows,
): string {
  const own = reports.map((report) => {
    const { recording, machine, date, sotto } = report;
    const where = `${recording.name}, ${recording.seconds.toFixed(1)} s; sotto ${sotto}; ${date.slice(0, 10)}; ${machineLine(machine)}.`;
    return `${where}\n\n${reportTable(report, 'markdown')}`;
  });
  const peer = peers[0]!;
  const { machine, browser } = peer;
  return `${parityTable(parity)}
\`sotto bench\` ([what it measures](docs/bench.md)):

${own.join('\n')}
In a page, against ${peer.theirs[0]!.description.split(', ').slice(0, 2).join(' on ')}: the same weights and samples, in turn, each time in a
new browser. In each cell sotto's figure / theirs = how many times theirs is ours ([how](bench/results/webPeers.md)). ${machine.date.slice(0, 10)},
${machine.cpu}, ${machine.cores} cores, ${browser}.

${webPeersTable(peers)}

${peersTable(nodePeers)}
${longTable(whisper)}
What storage types lose against f32, greedy at temperature 0, on recordings with transcripts. "Off the grid" are weights that no
8-bit export has put on a grid, as published ones are ([more schemes, and how](bench/results/accuracy.md)).

${accuracyTable(accuracy)}`;
}

/** README's text with the figures in their place. @throws if the marks are not there */
export function withFigures(readme: string, figures: string): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`README.md does not have ${BEGIN} ... ${END}`);
  return `${readme.slice(0, begin)}${BEGIN}\n${figures}${readme.slice(end)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = join(repoRoot, 'README.md');
  const figures = readmeFigures(readmeReports(), readmeWebPeers(), readmeRows());
  if (process.argv.includes('--write')) writeFileSync(path, withFigures(readFileSync(path, 'utf8'), figures));
  else console.log(figures);
}
