/** Reports of `sotto bench` with times that a test chooses. */
import { BENCH_SCHEMA, type BenchReport, type BenchRow, type BenchSample } from '../../src/benchmark/report.ts';

/** @param laterRunMs one a sample */
export function samples(...laterRunMs: readonly number[]): readonly BenchSample[] {
  return laterRunMs.map((ms) => ({
    loadMs: 500,
    firstTextMs: 1.5 * ms,
    firstRunMs: 2 * ms,
    laterRunMs: ms,
    peakBytes: 280e6,
  }));
}

export function benchRow(changed: Partial<BenchRow> = {}): BenchRow {
  return {
    model: 'tiny',
    device: 'cpu',
    dtype: 'f32',
    threads: 1,
    batch: 1,
    description: 'WebAssembly, 1 thread',
    isSoftware: false,
    weightBytes: 151e6,
    text: 'one two three',
    wordErrors: { words: 4, errors: 1 },
    differingWords: 0,
    samples: samples(1000, 1100, 1200),
    ...changed,
  };
}

export function benchReport(rows: readonly BenchRow[], changed: Partial<BenchReport> = {}): BenchReport {
  return {
    schema: BENCH_SCHEMA,
    sotto: '0.1.0',
    date: '2026-11-29T06:00:00.000Z',
    machine: {
      cpu: 'A processor',
      cores: 2,
      features: ['avx2'],
      memoryBytes: 8e9,
      platform: 'linux x64',
      runtime: 'Node 20.0.0',
      loadAverage: { before: 0.1, after: 1.25 },
    },
    recording: { name: 'talk.wav', seconds: 11 },
    rows,
    failures: [],
    ...changed,
  };
}
