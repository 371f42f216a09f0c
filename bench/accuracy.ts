/**
 * What do storage types lose? Schemes against f32 on recordings: tokens, distributions of the next token, word errors.
 *
 *   node dist/bench/accuracy.js [--model tiny,base] [--weights stored,shaken] [--schemes f16,int8,...] [--clips REGEX]
 *       [--threads 1] [--again]
 *
 * A model is a name or a folder. The schemes are the rows of `accuracySchemes.ts`, those that tell something on such weights
 * when none are named; all of a model are loaded at once. Recordings are those of ../shared/speech. A recording's results are
 * saved when they are found, under bench/results/accuracy, and what is there is not measured again, except with `--again`: a
 * run can be stopped and gone on with, and a new scheme costs its own time and f32's. At the end bench/results/accuracy.md is
 * written from all that is there; `--clips '^$'` does no more than that.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { AudioError } from '../src/base/errors.ts';
import { editDistance, spokenDigits, wordErrors } from '../src/benchmark/wordErrors.ts';
import { readAudio } from '../src/index.node.ts';
import { repoRoot, sharedDir } from '../test/support/paths.ts';
import { locateModel } from '../weights/locate.ts';
import { type Decoded, SchemeModel } from './accuracyModel.ts';
import { accuracyReport, totalsOf } from './accuracyReport.ts';
import { type AccuracyRow, type ClipResult, savedClips, savedRows, saveRow } from './accuracyRow.ts';
import { SCHEMES, type Scheme, WEIGHTS, type WeightsName } from './accuracySchemes.ts';
import { describeMachine } from './machine.ts';
import { noDivergence } from './teacherForcing.ts';

interface Recording {
  readonly file: string;
  readonly transcript: string | null;
}

/** A scheme's results, which it adds to. */
class Row {
  readonly model: SchemeModel;
  readonly #head: Omit<AccuracyRow, 'machine' | 'clips'>;
  readonly #clips: Map<string, ClipResult>;

  constructor(head: Omit<AccuracyRow, 'machine' | 'clips'>, model: SchemeModel, again: boolean) {
    this.#head = head;
    this.model = model;
    this.#clips = new Map((again ? [] : savedClips(head)).map((clip) => [clip.clip, clip]));
  }

  has(clip: string): boolean {
    return this.#clips.has(clip);
  }

  add(result: ClipResult): void {
    this.#clips.set(result.clip, result);
    saveRow({ ...this.#head, machine: describeMachine(), clips: [...this.#clips.values()] });
  }

  toString(): string {
    const { tokens, edits, steps, kl, errors, words } = totalsOf(
      [...this.#clips.values()].filter(({ loops }) => !loops),
    );
    const { model, weights, scheme } = this.#head;
    const share = (100 * (1 - edits / Math.max(1, tokens))).toFixed(2);
    const meanKl = (kl / Math.max(1, steps)).toExponential(2);
    return `${model} ${weights} ${scheme}: ${share} % of ${tokens} tokens, KL ${meanKl}, ${errors} of ${words} words wrong`;
  }
}

function errorsOf({ file, transcript }: Recording, { text }: Decoded): Pick<ClipResult, 'words' | 'errors'> {
  if (transcript === null || transcript === '') return { words: 0, errors: 0 };
  return file.startsWith('digits')
    ? wordErrors(spokenDigits(transcript), spokenDigits(text))
    : wordErrors(transcript, text);
}

async function measure(recording: Recording, samples: Float32Array, f32: Row, rows: readonly Row[]): Promise<void> {
  const { file: clip } = recording;
  const lead = await f32.model.lead(samples);
  const loops = f32.model.loops(lead);
  const head = { clip, loops, tokens: lead.tokens.length };
  f32.add({ ...head, edits: 0, ...noDivergence(), ...errorsOf(recording, lead) });
  for (const row of rows) {
    // Of a loop only the tokens are told.
    const followed = await row.model.follow(samples, loops ? { ...lead, windows: [] } : lead);
    const edits = editDistance(lead.tokens, followed.tokens);
    row.add({ ...head, edits, ...followed.divergence, ...errorsOf(recording, followed) });
  }
}

/** Nothing of what cannot be read, as some of the shared recordings are meant to be. */
async function samplesOf(path: string): Promise<Float32Array | undefined> {
  try {
    return await readAudio(path);
  } catch (error) {
    if (error instanceof AudioError) return undefined;
    throw error;
  }
}

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'tiny,base' },
    weights: { type: 'string', default: Object.keys(WEIGHTS).join(',') },
    schemes: { type: 'string', default: '' },
    clips: { type: 'string', default: '' },
    threads: { type: 'string', default: '1' },
    again: { type: 'boolean', default: false },
  },
});
if (!sharedDir) throw new Error('the recordings are in ../shared, which is not here');
const speech = join(sharedDir, 'speech');
// Our own index: its shape is known. Those with most words in their transcripts tell most, and come first.
const recordings = (JSON.parse(readFileSync(join(speech, 'index.json'), 'utf8')) as Recording[])
  .filter(({ file }) => new RegExp(values.clips).test(file))
  .sort((a, b) => (b.transcript?.length ?? 0) - (a.transcript?.length ?? 0));

function isWeights(name: string): name is WeightsName {
  return name in WEIGHTS;
}

function schemeOf(name: string): Scheme {
  const scheme = SCHEMES[name];
  if (!scheme) throw new Error(`${name} is none of ${Object.keys(SCHEMES).join(', ')}`);
  return scheme;
}

async function measureModel(given: string, weights: WeightsName): Promise<void> {
  const folder = await locateModel(given);
  const model = basename(given);
  const open = async (scheme: string): Promise<Row> => {
    const loaded = await SchemeModel.open(folder, weights, schemeOf(scheme), Number(values.threads));
    return new Row({ model, weights, scheme }, loaded, values.again);
  };
  const names = values.schemes === '' ? WEIGHTS[weights].schemes : values.schemes.split(',');
  const f32 = await open('f32');
  const rows: Row[] = [];
  for (const name of names) if (name !== 'f32') rows.push(await open(name));
  try {
    for (const [i, recording] of recordings.entries()) {
      const { file } = recording;
      const missing = rows.filter((row) => !row.has(file));
      if (missing.length === 0 && f32.has(file)) continue;
      const samples = await samplesOf(join(speech, file));
      if (!samples) continue;
      const before = process.cpuUsage();
      await measure(recording, samples, f32, missing);
      const { user, system } = process.cpuUsage(before);
      const place = `${i + 1}/${recordings.length}`;
      console.log(`${model} ${weights} ${place} ${file}: ${((user + system) / 1e6).toFixed(1)} s of CPU time`);
    }
    for (const row of [f32, ...rows]) console.log(String(row));
  } finally {
    for (const row of [f32, ...rows]) await row.model.close();
  }
}

for (const model of values.model.split(','))
  for (const weights of values.weights.split(',')) {
    if (!isWeights(weights)) throw new Error(`${weights} is none of ${Object.keys(WEIGHTS).join(', ')}`);
    if (recordings.length > 0) await measureModel(model, weights);
  }
writeFileSync(join(repoRoot, 'bench/results/accuracy.md'), accuracyReport(savedRows()));
