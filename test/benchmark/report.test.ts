/** Reports of `sotto bench`: read back, told as a table, drawn, and held against an earlier one. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../src/base/errors.ts';
import { chanceApart, compareRows, differencesOf, rowOf } from '../../src/benchmark/baseline.ts';
import { reportChart } from '../../src/benchmark/chart.ts';
import { peakOf, readReport, timesOf, titleOf } from '../../src/benchmark/report.ts';
import { machineLine, reportTable, wordsLine } from '../../src/benchmark/table.ts';
import { benchReport, benchRow, samples } from '../support/benchReports.ts';

const test = suite('benchmark/report');

test('a report is read back as it was written', () => {
  const report = benchReport([benchRow(), benchRow({ device: 'webgpu', threads: null, wordErrors: null })]);
  assert.equal(readReport(JSON.stringify(report), 'a.json'), report);
});

test('what is no report is refused with the field that is wrong', () => {
  const good = benchReport([benchRow()]);
  const withRow = (row: object): unknown => ({ ...good, rows: [{ ...benchRow(), ...row }] });
  const withSample = (sample: object): unknown => withRow({ samples: [{ ...samples(1)[0], ...sample }] });
  const rows: [unknown, string][] = [
    [[], 'it is not an object'],
    [{ ...good, schema: 'sotto-bench-2' }, 'its schema is "sotto-bench-2", not "sotto-bench-1"'],
    [{}, 'its schema is missing, not'],
    [{ ...good, date: 3 }, 'date is no text'],
    [{ ...good, machine: null }, 'machine.cpu is no text'],
    [{ ...good, recording: { name: 'a', seconds: 0 } }, 'recording.seconds is no length'],
    [{ ...good, rows: {} }, 'rows is no list'],
    [{ ...good, failures: undefined }, 'failures is no list'],
    [{ ...good, rows: [3] }, 'rows[0] is no object'],
    [withRow({ dtype: null }), 'rows[0].dtype is no text'],
    [withRow({ threads: 'all' }), 'rows[0].threads is neither a number nor null'],
    [withRow({ batch: 0 }), 'rows[0].batch is no number'],
    [withRow({ wordErrors: { words: 3, errors: -1 } }), 'rows[0].wordErrors is neither'],
    [withRow({ samples: [] }), 'rows[0].samples is no list'],
    [withRow({ samples: [null] }), 'rows[0].samples[0] has no time'],
    [withSample({ laterRunMs: -1 }), 'rows[0].samples[0] has no time laterRunMs'],
    [withSample({ peakBytes: 'much' }), 'rows[0].samples[0].peakBytes is no number'],
  ];
  const refused = (text: string, sentence: string): void =>
    assert.throws(
      () => readReport(text, 'a.json'),
      (error: unknown) =>
        error instanceof OptionsError && error.code === 'benchReport' && error.message.includes(sentence),
      sentence,
    );
  for (const [value, sentence] of rows) refused(JSON.stringify(value), sentence);
  refused('{', 'it is not JSON');
});

test('figures: medians, the least, the largest; the peak of all samples', () => {
  const row = benchRow({ samples: samples(1300, 1000, 1100) });
  assert.equal(timesOf(row, 'laterRunMs'), { median: 1100, min: 1000, max: 1300 });
  assert.equal(timesOf(row, 'firstRunMs'), { median: 2200, min: 2000, max: 2600 });
  const [first, second] = samples(1, 2);
  assert.is(peakOf({ samples: [first!, { ...second!, peakBytes: 300e6 }] }), 300e6);
  assert.is(peakOf({ samples: [{ ...first!, peakBytes: null }] }), undefined);
});

test('a table for a terminal and one in Markdown', () => {
  const report = benchReport([benchRow(), benchRow({ device: 'webgpu', threads: null, batch: 8, isSoftware: true })]);
  const [head, first, second, ...rest] = reportTable(report, 'text').split('\n');
  assert.equal(rest, ['']);
  assert.match(head!, /^ +load, s +first text, s +first run, s +later runs, s +real time +peak memory +word errors$/);
  assert.match(
    first!,
    /^tiny, cpu, f32, 1 thread +0\.50 +1\.65 +2\.20 +1\.10 \(1\.00 \.\. 1\.20\) +10\.0 x +280 MB +25\.0 %$/,
  );
  assert.match(second!, /^tiny, webgpu, f32, 8 at once \(software\) /);
  const lines = reportTable(benchReport([benchRow({ model: './a|b' })]), 'markdown').split('\n');
  assert.is(lines[1], '|---|---:|---:|---:|---:|---:|---:|---:|');
  assert.match(lines[2]!, /^\| \.\/a\\\|b, cpu, f32, 1 thread \| 0\.50 \| 1\.65 \|/);
});

test('two runs of one thing agree where their spreads overlap, and only there', () => {
  const of = (...ms: readonly number[]): { readonly samples: ReturnType<typeof samples> } => ({
    samples: samples(...ms),
  });
  const rows: [number[], number[], string][] = [
    [[100, 110, 120], [115, 125, 130], 'within the spread'],
    [[100, 110, 120], [120, 125, 130], 'within the spread'],
    [[100, 110, 105, 119], [120, 125, 122, 130], 'faster'],
    [[121, 110, 115, 130], [90, 95, 100, 109], 'slower'],
    // Three and three lie apart by chance once in ten times.
    [[100, 110, 119], [120, 125, 130], 'too few runs'],
    [[100], [101], 'too few runs'],
    [[100], [90, 110], 'within the spread'],
  ];
  for (const [now, then, verdict] of rows)
    assert.is(compareRows(of(...now), of(...then)).verdict, verdict, `${now} against ${then}`);
  assert.is(compareRows(of(50, 50), of(100, 100)).ratio, 0.5);
  for (const [a, b, orders] of [
    [1, 1, 2],
    [3, 3, 20],
    [4, 4, 70],
    [5, 5, 252],
    [2, 7, 36],
  ] as const)
    assert.ok(Math.abs(chanceApart(a, b) - 2 / orders) < 1e-12, `${a} and ${b}`);
});

test('a baseline adds a column; a row that it does not have is told', () => {
  const then = benchReport([benchRow({ samples: samples(2000, 2050, 2080, 2100) })]);
  const now = benchReport([benchRow({ samples: samples(1000, 1050, 1080, 1100) }), benchRow({ threads: 2 })]);
  const lines = reportTable(now, 'text', then).split('\n');
  assert.match(lines[0]!, /against the baseline$/);
  assert.match(lines[1]!, /0\.52, faster$/);
  assert.match(lines[2]!, /not in it$/);
  assert.is(rowOf(then, { model: 'tiny', device: 'cpu', dtype: 'f32', threads: 2, batch: 1 }), undefined);
  assert.equal(differencesOf(now, then), []);
  const other = { ...then, recording: { name: 'b.wav', seconds: 3 } };
  assert.equal(differencesOf(now, other), ['The baseline was measured with another recording: b.wav, not talk.wav.']);
});

test('words that differ are told with their rows', () => {
  assert.is(wordsLine(benchReport([benchRow()])), 'The words of each model are the same in all its rows.');
  const differing = benchReport([benchRow(), benchRow({ dtype: 'int8', differingWords: 2 })]);
  assert.match(wordsLine(differing), /: tiny, cpu, int8, 1 thread: 2\.$/);
});

test('the machine in one line', () => {
  assert.is(
    machineLine(benchReport([]).machine),
    'A processor, avx2, 2 cores, linux x64, Node 20.0.0; load average 0.1 before, 1.3 after',
  );
  assert.is(titleOf(benchRow({ threads: 2, batch: 8 })), 'tiny, cpu, f32, 2 threads, 8 at once');
});

/** Elements with their attributes; fails where one is not closed, or an attribute or entity is not as XML has it. */
function elements(xml: string): { readonly name: string; readonly attributes: ReadonlyMap<string, string> }[] {
  const open: string[] = [];
  const found: { name: string; attributes: Map<string, string> }[] = [];
  let at = 0;
  for (const match of xml.matchAll(/<(\/?)([a-z]+)((?: [a-zA-Z][\w:-]*="[^"<]*")*)(\/?)>/g)) {
    const between = xml.slice(at, match.index);
    assert.not.match(between, /[<>]|&(?!(amp|lt|gt|quot);)/, between);
    at = match.index + match[0].length;
    const [, isEnd, name = '', attributes = '', isEmpty] = match;
    if (isEnd) assert.is(open.pop(), name);
    else {
      found.push({
        name,
        attributes: new Map([...attributes.matchAll(/ ([\w:-]+)="([^"]*)"/g)].map((m) => [m[1]!, m[2]!])),
      });
      if (!isEmpty) open.push(name);
    }
  }
  assert.equal([open, xml.slice(at).trim()], [[], '']);
  return found;
}

test('the chart is well-formed, has a bar a row, and bars are as long as their times', () => {
  const model = '<a & "b">\u0001';
  const report = benchReport([benchRow({ model }), benchRow({ samples: samples(2200), isSoftware: true })]);
  const all = elements(reportChart(report));
  const bars = all.filter(({ attributes }) => attributes.get('class')?.startsWith('bar'));
  assert.equal(
    bars.map(({ attributes }) => attributes.get('class')),
    ['bar', 'bar software'],
  );
  const [first = 0, second = 0] = bars.map(({ attributes }) => Number(attributes.get('width')));
  assert.ok(first > 20 && Math.abs(second / first - 2) < 0.01, `${first}, ${second}`);
  const numbers = all.flatMap(({ attributes }) => ['x', 'x1', 'x2', 'y'].flatMap((name) => attributes.get(name) ?? []));
  assert.ok(
    numbers.every((text) => Number(text) >= 0 && Number(text) <= 760),
    numbers.join(' '),
  );
  elements(reportChart(benchReport([])));
});

test.run();
