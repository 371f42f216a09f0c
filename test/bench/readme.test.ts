/** README's figures are those of the JSON beside the benchmarks: found there again by a calculation of the test's own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { readmeFigures, readmeReports, readmeWebPeers, withFigures } from '../../bench/readme.ts';
import { readmeRows } from '../../bench/readmeTables.ts';
import { webPeersDocument } from '../../bench/webPeersRow.ts';
import type { BenchSample } from '../../src/benchmark/report.ts';
import { repoRoot } from '../support/paths.ts';

const test = suite('README figures');
const readme = readFileSync(join(repoRoot, 'README.md'), 'utf8');
const reports = readmeReports();
const peers = readmeWebPeers();
const others = readmeRows();

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(half)]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Cells of the row of a table that begins with this cell. */
function cellsOf(title: string): readonly string[] {
  const line = readme.split('\n').find((one) => one.startsWith(`| ${title} |`));
  assert.ok(line, `README has no row "${title}"`);
  return line
    .split('|')
    .slice(2, -1)
    .map((cell) => cell.trim());
}

test('the text between the marks is what the JSON gives', () => {
  assert.is(withFigures(readme, readmeFigures(reports, peers, others)), readme);
});

test('bench/results/webPeers.md is what its JSON gives', () => {
  const text = readFileSync(join(repoRoot, 'bench/results/webPeers.md'), 'utf8');
  assert.is(webPeersDocument(peers), text);
});

test('a changed measurement changes the text', () => {
  const [first, ...rest] = reports;
  const [row, ...rows] = first!.rows;
  const samples = row!.samples.map((sample) => ({ ...sample, laterRunMs: 2 * sample.laterRunMs }));
  const changed = { ...first!, rows: [{ ...row!, samples }, ...rows] };
  assert.is.not(withFigures(readme, readmeFigures([changed, ...rest], peers, others)), readme);
});

for (const { rows, recording } of reports)
  for (const { model, device, dtype, threads, batch, samples, wordErrors } of rows) {
    const title = `${model}, ${device}, ${dtype}, ${threads} thread${threads === 1 ? '' : 's'}${batch === 1 ? '' : `, ${batch} at once`}`;
    test(title, () => {
      const all = (clock: keyof BenchSample): number[] => samples.map((sample) => sample[clock] ?? Number.NaN);
      const seconds = (ms: number): string => (ms / 1000).toFixed(2);
      const later = all('laterRunMs');
      assert.equal(cellsOf(title), [
        seconds(median(all('loadMs'))),
        seconds(median(all('firstTextMs'))),
        seconds(median(all('firstRunMs'))),
        `${seconds(median(later))} (${seconds(Math.min(...later))} .. ${seconds(Math.max(...later))})`,
        `${(recording.seconds / (median(later) / 1000)).toFixed(1)} x`,
        `${Math.round(Math.max(...all('peakBytes')) / 1e6)} MB`,
        `${((100 * wordErrors!.errors) / wordErrors!.words).toFixed(1)} %`,
      ]);
    });
  }

for (const { model, threads, ours, theirs } of peers) {
  const dtype = ours[0]!.description.split(', ').at(-1);
  const title = `${model}, ${dtype} / ${theirs[0]!.description.split(', ').at(-1)}, ${threads} thread${threads === 1 ? '' : 's'}`;
  test(title, () => {
    const pair = (of: (visits: typeof ours) => number, digits: number): string => {
      const [a, b] = [of(ours), of(theirs)];
      return `${a.toFixed(digits)} / ${b.toFixed(digits)} = **${(b / a).toFixed(2)} x**`;
    };
    const later = (visits: typeof ours): number[] => visits.flatMap(({ runMs }) => runMs.slice(1));
    assert.equal(cellsOf(title), [
      pair((visits) => median(visits.map(({ loadMs }) => loadMs)) / 1000, 2),
      pair((visits) => median(visits.map(({ runMs }) => runMs[0]!)) / 1000, 2),
      pair((visits) => median(later(visits)) / 1000, 2),
      pair((visits) => Math.min(...later(visits)) / 1000, 2),
      pair((visits) => median(visits.map(({ peakBytes }) => peakBytes)) / 1e6, 0),
      pair((visits) => median(visits.map(({ fetchedBytes }) => fetchedBytes)) / 1e6, 1),
    ]);
  });
}

test('recordings with the tokens of openai/whisper', () => {
  const { rows } = others.parity;
  for (const [model, device] of [
    ['tiny', 'cpu'],
    ['base', 'cpu'],
    ['tiny', 'webgpu'],
  ] as const) {
    const [greedy, defaults, more] = cellsOf(`${model}, ${device}`);
    let [equal, clips, ways] = [0, 0, 0];
    for (const row of rows) {
      if (row.model !== model || row.device !== device) continue;
      const own = `${row.equal} of ${row.clips}`;
      if (row.kind === 'greedy') assert.is(greedy, own);
      else if (row.kind === 'default') assert.is(defaults, own);
      else {
        equal += row.equal;
        clips += row.clips;
        ways++;
      }
    }
    assert.is(more, `${equal} of ${clips} (${ways} ways)`);
  }
});

for (const { model, recording, threads, ours, theirs } of others.peers) {
  const node = ours.machine.node.slice(1, 3);
  const title = `${model}, ${recording}, ${threads} thread${threads === 1 ? '' : 's'}, Node ${node}`;
  test(title, () => {
    const times = ({ passes }: typeof ours): number[] => passes.map(({ time }) => time.wallMs);
    const peak = ({ passes }: typeof ours): string => passes.at(-1)!.peakMegabytes.toFixed(0);
    const ratios = times(ours).map((ms, i) => ms / times(theirs)[i]!);
    assert.equal(cellsOf(title), [
      `${(median(times(ours)) / 1000).toFixed(2)} / ${(median(times(theirs)) / 1000).toFixed(2)}`,
      `**${median(ratios).toFixed(2)}**`,
      `${peak(ours)} / ${peak(theirs)}`,
    ]);
  });
}

for (const { model, recording, device, threads, processes } of others.whisper) {
  if (recording !== 'long' || device !== 'cpu') continue;
  const title = `${model}, ${threads} thread${threads === 1 ? '' : 's'}, Node ${processes[0]!.machine.node.slice(1, 3)}`;
  test(title, () => {
    const [process, ...more] = processes;
    // Each long row is one process with one run.
    assert.equal([more.length, process!.passes.length], [0, 1]);
    const seconds = process!.passes[0]!.endToEnd.wallMs / 1000;
    assert.equal(cellsOf(title), [
      seconds.toFixed(1),
      `${(process!.audioSeconds / seconds).toFixed(1)} x`,
      process!.peakMegabytes.toFixed(0),
    ]);
  });
}

test('what int8 loses of tiny off the grid', () => {
  const of = (scheme: string): (typeof others.accuracy)[number]['clips'] =>
    others.accuracy
      .find((row) => row.model === 'tiny' && row.weights === 'shaken' && row.scheme === scheme)!
      .clips.filter(({ loops }) => !loops);
  let [tokens, edits, kl, steps, errors, f32Errors] = [0, 0, 0, 0, 0, 0];
  for (const clip of of('int8')) {
    tokens += clip.tokens;
    edits += clip.edits;
    kl += clip.kl;
    steps += clip.steps;
    errors += clip.errors;
  }
  for (const clip of of('f32')) f32Errors += clip.errors;
  const share = (100 - (100 * edits) / tokens).toFixed(1);
  const row = `|  | int8 | ${share} % | ${(kl / steps).toExponential(1)} | ${errors} (${f32Errors}) |`;
  const after = readme.slice(readme.indexOf('| tiny, off the grid |'));
  assert.is(after.split('\n')[1], row);
});

test.run();
