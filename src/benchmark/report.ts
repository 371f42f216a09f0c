/**
 * What `sotto bench --json` writes: where, on what, and every single measurement, from which all figures follow.
 * docs/bench.md explains the fields to people.
 */
import { OptionsError } from '../base/errors.ts';
import { type Summary, summarise } from './statistics.ts';
import type { WordErrors } from './wordErrors.ts';

/** Changes when a field is renamed, taken away or means something else. */
export const BENCH_SCHEMA = 'sotto-bench-1';

export interface BenchMachine {
  readonly cpu: string;
  /** Cores that the runtime sees. */
  readonly cores: number;
  /** Of the processor's features those that matter here, where they can be known: `avx2`, `avx512f`, `avx_vnni` ... */
  readonly features: readonly string[];
  /** Absent in pages. */
  readonly memoryBytes?: number;
  /** `linux x64` */
  readonly platform: string;
  /** `Node 24.1.0` */
  readonly runtime: string;
  /** Processes that wanted a core, mean of a minute, before the first measurement and after the last; absent in pages. */
  readonly loadAverage?: { readonly before: number; readonly after: number };
}

/** What is measured: one row of the table. */
export interface BenchConfiguration {
  /** As it was named. */
  readonly model: string;
  readonly device: string;
  /** As asked for: `auto` is as the model's file has its weights. */
  readonly dtype: string;
  /** Of the CPU device; null on a GPU. */
  readonly threads: number | null;
  /** Windows decoded at once; 1: one after another, each with the text before it. */
  readonly batch: number;
}

/** One process: it loads the model, and transcribes twice. */
export interface BenchSample {
  /** From the files to a model that is ready. */
  readonly loadMs: number;
  /** From the start of the first run to its first segment; to its end if it has none. */
  readonly firstTextMs: number;
  /** From the recording's file to its whole text. */
  readonly firstRunMs: number;
  /** The same once more. */
  readonly laterRunMs: number;
  /** Largest resident memory of the process; null where it cannot be known. */
  readonly peakBytes: number | null;
}

export interface BenchRow extends BenchConfiguration {
  /** The device in its own words: the path of WebAssembly, or the adapter. */
  readonly description: string;
  /** A processor plays the GPU: its times say nothing of GPUs. */
  readonly isSoftware: boolean;
  readonly weightBytes: number;
  readonly text: string;
  /** Against the transcript; null without one. */
  readonly wordErrors: WordErrors | null;
  /** Words that differ from the first row's of the same model. */
  readonly differingWords: number;
  /** In the order in which they were taken. */
  readonly samples: readonly BenchSample[];
}

/** A configuration that could not be measured, with why. */
export interface BenchFailure extends BenchConfiguration {
  readonly code: string;
  readonly message: string;
}

export interface BenchReport {
  readonly schema: typeof BENCH_SCHEMA;
  /** Version of sotto. */
  readonly sotto: string;
  /** ISO 8601, UTC. */
  readonly date: string;
  readonly machine: BenchMachine;
  readonly recording: { readonly name: string; readonly seconds: number };
  readonly rows: readonly BenchRow[];
  readonly failures: readonly BenchFailure[];
}

export type Clock = 'loadMs' | 'firstTextMs' | 'firstRunMs' | 'laterRunMs';

/** Of one clock over the samples of a row. */
export function timesOf({ samples }: Pick<BenchRow, 'samples'>, clock: Clock): Summary {
  return summarise(samples.map((sample) => sample[clock]));
}

/** The largest of the samples; undefined where it is not known. */
export function peakOf({ samples }: Pick<BenchRow, 'samples'>): number | undefined {
  const peaks = samples.flatMap(({ peakBytes }) => (peakBytes === null ? [] : [peakBytes]));
  return peaks.length === 0 ? undefined : Math.max(...peaks);
}

/** e.g. `tiny, cpu, int8, 2 threads, 8 at once` */
export function titleOf({ model, device, dtype, threads, batch }: BenchConfiguration): string {
  const count = threads === null ? [] : [threads === 1 ? '1 thread' : `${threads} threads`];
  return [model, device, dtype, ...count, ...(batch === 1 ? [] : [`${batch} at once`])].join(', ');
}

/**
 * @param text of a file that `sotto bench --json` wrote
 * @param name for errors
 * @throws {OptionsError} `benchReport`
 */
export function readReport(text: string, name: string): BenchReport {
  const refuse = (what: string): OptionsError =>
    new OptionsError('benchReport', `${name} is no report of sotto bench: ${what}.`, {
      hint: 'Reports are written with: sotto bench --json report.json',
    });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse('it is not JSON');
  }
  if (!isObject(value)) throw refuse('it is not an object');
  if (value.schema !== BENCH_SCHEMA)
    throw refuse(`its schema is ${JSON.stringify(value.schema) ?? 'missing'}, not "${BENCH_SCHEMA}"`);
  for (const field of ['sotto', 'date']) if (typeof value[field] !== 'string') throw refuse(`${field} is no text`);
  const { machine, recording, rows, failures } = value;
  if (!isObject(machine) || typeof machine.cpu !== 'string') throw refuse('machine.cpu is no text');
  if (!isObject(recording) || typeof recording.name !== 'string') throw refuse('recording.name is no text');
  if (!isPositive(recording.seconds)) throw refuse('recording.seconds is no length');
  if (!Array.isArray(rows)) throw refuse('rows is no list');
  if (!Array.isArray(failures)) throw refuse('failures is no list');
  for (const [i, row] of rows.entries()) {
    const fault = faultOfRow(row);
    if (fault !== undefined) throw refuse(`rows[${i}]${fault}`);
  }
  return value as unknown as BenchReport; // its fields are as checked above, and nothing else of it is relied on
}

const TEXTS = ['model', 'device', 'dtype', 'description', 'text'];
const CLOCKS: readonly Clock[] = ['loadMs', 'firstTextMs', 'firstRunMs', 'laterRunMs'];

function faultOfRow(row: unknown): string | undefined {
  if (!isObject(row)) return ' is no object';
  for (const field of TEXTS) if (typeof row[field] !== 'string') return `.${field} is no text`;
  if (row.threads !== null && !isPositive(row.threads)) return '.threads is neither a number nor null';
  if (!isPositive(row.batch)) return '.batch is no number';
  const { samples, wordErrors } = row;
  if (wordErrors !== null && !(isObject(wordErrors) && isCount(wordErrors.words) && isCount(wordErrors.errors)))
    return '.wordErrors is neither null nor two counts';
  if (!Array.isArray(samples) || samples.length === 0) return '.samples is no list with something in it';
  for (const [i, sample] of samples.entries()) {
    const wrong = isObject(sample) ? CLOCKS.find((clock) => !isPositive(sample[clock])) : 'all of it';
    if (wrong !== undefined) return `.samples[${i}] has no time ${wrong}`;
    if (sample.peakBytes !== null && !isPositive(sample.peakBytes)) return `.samples[${i}].peakBytes is no number`;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPositive(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0;
}
