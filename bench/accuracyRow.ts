/** What `accuracy.ts` saves: a file for each model, kind of weights and scheme, a line for each recording. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../test/support/paths.ts';
import type { WeightsName } from './accuracySchemes.ts';
import type { Machine } from './machine.ts';
import type { Divergence } from './teacherForcing.ts';

export interface ClipResult extends Divergence {
  readonly clip: string;
  /** f32 repeats itself in one of its windows: with openai's defaults that would be decoded otherwise. */
  readonly loops: boolean;
  /** That f32 decoded. */
  readonly tokens: number;
  /** To insert, take away or exchange to make this scheme's tokens of them. */
  readonly edits: number;
  /** Of the transcript; 0 where there is none. */
  readonly words: number;
  readonly errors: number;
}

export interface AccuracyRow {
  readonly model: string;
  readonly weights: WeightsName;
  /** Its name in `SCHEMES`. */
  readonly scheme: string;
  /** Of the last run that added to it. */
  readonly machine: Machine;
  readonly clips: readonly ClipResult[];
}

const folder = join(repoRoot, 'bench/results/accuracy');

function fileOf({ model, weights, scheme }: Omit<AccuracyRow, 'machine' | 'clips'>): string {
  return join(folder, `${model}-${weights}-${scheme}.json`);
}

/** What is there of a row. */
export function savedClips(row: Omit<AccuracyRow, 'machine' | 'clips'>): readonly ClipResult[] {
  const file = fileOf(row);
  return existsSync(file) ? read(file).clips : [];
}

export function saveRow(row: AccuracyRow): void {
  mkdirSync(folder, { recursive: true });
  const { clips, ...head } = row;
  const lines = [...clips].sort((a, b) => (a.clip < b.clip ? -1 : 1)).map((clip) => JSON.stringify(clip));
  // A line a recording, so that a change of one shows as one.
  const text = `${JSON.stringify(head, undefined, 1).slice(0, -2)},\n "clips": [\n  ${lines.join(',\n  ')}\n ]\n}\n`;
  writeFileSync(fileOf(row), text);
}

export function savedRows(): readonly AccuracyRow[] {
  return existsSync(folder) ? readdirSync(folder).map((file) => read(join(folder, file))) : [];
}

/** Files of `saveRow`. */
function read(file: string): AccuracyRow {
  return JSON.parse(readFileSync(file, 'utf8')) as AccuracyRow;
}
