/** The table of what schemes lose, from what `accuracy.ts` saved: bench/results/accuracy.md. */

import { wordErrorRate } from '../src/benchmark/wordErrors.ts';
import type { AccuracyRow, ClipResult } from './accuracyRow.ts';
import { SCHEMES, WEIGHTS, type WeightsName } from './accuracySchemes.ts';

/** Of f16's tokens, which are to be f32's. */
const F16_TOKENS = 0.995;
/** Word errors more than f32's, as a share of those. */
const INT8_ERRORS = 0.01;
const INT8_KL = 3e-3;

const HEAD = `# What storage types lose

\`node dist/bench/accuracy.js\` makes this from \`accuracy/*.json\`, which it fills; do not edit. Each scheme decodes the
recordings greedily, at temperature 0, with timestamps, in the language that f32 finds, and is held against f32 on the same
weights:

- **tokens as f32's**: 1 - edits / f32's tokens (insertions, deletions, exchanges), text and timestamps; recordings all equal.
- **mean KL**, **same best**: led along f32's tokens step by step, KL(f32 || scheme) of the next token's distribution in nats,
  and how often both hold the same token for the best; **flip**: where they do not, how much more probable f32 held its own, by
  log-probability, at most. Raw logits, without decoding's rules.
- **word errors** against the transcripts that came with the recordings, lower case, without punctuation; of Chinese and
  Japanese, characters. Numbers that the one writes as words and the other as digits count as errors, for all alike. **Better,
  worse**: errors fewer and more than f32 has, recording by recording: their sum says how much of the difference is chance.

Recordings of which f32 repeats itself in a window (compression ratio above 2.4; openai's defaults decode it again, at a higher
temperature) are left out of these, since one more turn of a loop outweighs all else; **with loops** has them.

Weights are those of 8-bit exports (npm \`sts-whisper-*\`): on a grid, which int8 keeps where it finds it. *Shaken off the grid*
moves each weight by up to half a step of it, at random but the same for all schemes: so they are as far from any grid as those of
published checkpoints.

Goals: f16 ${(100 * F16_TOKENS).toFixed(1)} % of the tokens; int8 at most ${(100 * INT8_ERRORS).toFixed(0)} % more word errors than f32, and a mean KL below ${INT8_KL}. What misses
one is not the default of any model.
`;

export function accuracyReport(rows: readonly AccuracyRow[]): string {
  const models = [...new Set(rows.map(({ model }) => model))].sort(bySize);
  return [HEAD, ...models.map((model) => modelPart(rows.filter((row) => row.model === model)))].join('\n');
}

const SIZES = ['tiny', 'base', 'small', 'medium', 'large', 'turbo'];
function bySize(a: string, b: string): number {
  const place = (name: string): number => SIZES.findIndex((size) => name.includes(size));
  return place(a) - place(b) || a.localeCompare(b);
}

function modelPart(rows: readonly AccuracyRow[]): string {
  const parts = Object.keys(WEIGHTS).flatMap((weights) => {
    const own = rows.filter((row) => row.weights === weights);
    const f32 = own.find(({ scheme }) => scheme === 'f32');
    if (!f32) return [];
    const order = Object.keys(SCHEMES);
    const sorted = [...own].sort((a, b) => order.indexOf(a.scheme) - order.indexOf(b.scheme));
    return [weightsPart(f32, sorted)];
  });
  return `## ${rows[0]!.model}\n\n${parts.join('\n')}`;
}

function weightsPart(f32: AccuracyRow, rows: readonly AccuracyRow[]): string {
  const head = [
    '',
    'tokens as f32’s',
    'with loops',
    'recordings equal',
    'mean KL',
    'same best',
    'flip',
    'word errors',
    'against f32',
    'better, worse',
    'goal',
  ];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const lines = [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:')))];
  for (const row of rows) lines.push(line(cellsOf(f32, row)));
  const looping = f32.clips.filter(({ loops }) => loops).map(({ clip }) => clip.replace(/\.\w+$/, ''));
  const { machine } = rows.at(-1)!;
  const what = WEIGHTS[f32.weights as WeightsName].what;
  const loops = looping.length > 0 ? ` f32 repeats itself in ${looping.map((clip) => `\`${clip}\``).join(', ')}.` : '';
  return `Weights ${what}, ${f32.clips.length} recordings.${loops} ${machine.date.slice(0, 10)}, commit ${machine.commit}, Node ${machine.node.slice(1)}.

${lines.join('\n')}
`;
}

export interface Totals {
  readonly tokens: number;
  readonly edits: number;
  readonly clips: number;
  readonly equal: number;
  readonly steps: number;
  readonly sameBest: number;
  readonly kl: number;
  readonly flippedGap: number;
  readonly words: number;
  readonly errors: number;
}

export function totalsOf(clips: readonly ClipResult[]): Totals {
  const sum = (pick: (clip: ClipResult) => number): number => clips.reduce((total, clip) => total + pick(clip), 0);
  return {
    tokens: sum((clip) => clip.tokens),
    edits: sum((clip) => clip.edits),
    clips: clips.length,
    equal: sum((clip) => (clip.edits === 0 ? 1 : 0)),
    steps: sum((clip) => clip.steps),
    sameBest: sum((clip) => clip.sameBest),
    kl: sum((clip) => clip.kl),
    flippedGap: Math.max(0, ...clips.map((clip) => clip.flippedGap)),
    words: sum((clip) => clip.words),
    errors: sum((clip) => clip.errors),
  };
}

function cellsOf(f32: AccuracyRow, row: AccuracyRow): readonly string[] {
  const { what, goal } = SCHEMES[row.scheme] ?? { what: row.scheme };
  const all = totalsOf(row.clips);
  const own = totalsOf(row.clips.filter(({ loops }) => !loops));
  const words = `${wordErrorRate(own).toFixed(2)} % (${own.errors} of ${own.words})`;
  if (row.scheme === 'f32')
    return [what, String(own.tokens), String(all.tokens), String(own.clips), '', '', '', words, '', '', ''];
  // Those that both have: a row may be of fewer recordings, for a while.
  const ofF32 = new Map(f32.clips.map((clip) => [clip.clip, clip]));
  const differences = row.clips
    .filter(({ loops }) => !loops)
    .map(({ clip, errors }) => errors - (ofF32.get(clip)?.errors ?? errors));
  const more = differences.reduce((sum, n) => sum + Math.max(0, n), 0);
  const fewer = differences.reduce((sum, n) => sum + Math.max(0, -n), 0);
  const f32Errors = own.errors - more + fewer;
  const relative = (own.errors - f32Errors) / Math.max(1, f32Errors);
  const same = 1 - own.edits / Math.max(1, own.tokens);
  const kl = own.kl / Math.max(1, own.steps);
  const misses =
    goal === 'f16'
      ? [same < F16_TOKENS && `tokens by ${(100 * (F16_TOKENS - same)).toFixed(2)} %`]
      : [
          relative > INT8_ERRORS && `word errors by ${(100 * (relative - INT8_ERRORS)).toFixed(1)} %`,
          kl >= INT8_KL && `KL by ${scientific(kl - INT8_KL)}`,
        ];
  const missed = misses.filter((miss) => miss !== false);
  return [
    what,
    `${(100 * same).toFixed(2)} % (${own.edits} edits)`,
    `${(100 * (1 - all.edits / Math.max(1, all.tokens))).toFixed(2)} %`,
    `${own.equal} of ${own.clips}`,
    scientific(kl),
    `${((100 * own.sameBest) / Math.max(1, own.steps)).toFixed(2)} % (${own.steps - own.sameBest} of ${own.steps} not)`,
    own.flippedGap.toFixed(3),
    words,
    `${relative >= 0 ? '+' : '−'}${(100 * Math.abs(relative)).toFixed(2)} %`,
    `${fewer}, ${more}`,
    goal === undefined ? '' : missed.length === 0 ? 'met' : `missed: ${missed.join(', ')}`,
  ];
}

function scientific(value: number): string {
  return value === 0 ? '0' : value.toExponential(1).replace('e-', 'e−').replace('e+', 'e');
}
