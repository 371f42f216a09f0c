/**
 * WGSL of one row's head over a range of keys by a whole workgroup: what attention over a cache and its splits have in common.
 *
 * For the scores, four neighbouring threads share a key, so that they read 64 bytes side by side; then threads take four columns and
 * every slices-th key of V.
 */
import { f32, LOWEST, unroll } from '../../engine/wgsl/functions.ts';
import { HIGHEST, type Reducer, type ReducerText, SUM } from '../../engine/wgsl/reducer.ts';

/** Threads of the workgroup. */
export const GROUP = 256;

export interface HeadOverKeys {
  /** Fours of numbers of a head. */
  readonly vectors: number;
  /** Fours from a place to the next. */
  readonly across: number;
  /** Keys of a range, at most. */
  readonly mostKeys: number;
  /** Four c of the head's query; `c` is an expression, as are all that follow. */
  query(c: string): string;
  /** Four c of a key, at four `at` of the cache. */
  key(at: string, c: string, key: string): string;
  value(at: string, c: string, key: string): string;
  /** Statements by one thread for four `lane` of the head: `sum` is the sum of exp(score - top) v. */
  readonly put: string;
}

/**
 * Statements, for `row`, `head` (its first four of a place), keys `begin` to `end`, `thread`, and `fn place(row, key) -> u32`. They leave
 * `top`, the largest score (`LOWEST` without keys), and `all`, the sum of exp(score - top), before `put`. The team of each is all
 * threads, so that after the first all scores are there, and after the second all weights.
 */
export function headText(
  { mostKeys, vectors, across, query, key, value, put }: HeadOverKeys,
  by: Reducer,
): ReducerText {
  const parts = vectors % 4 === 0 ? 4 : 1;
  const keys = GROUP / parts;
  const slices = Math.floor(GROUP / vectors);
  const scale = f32(1 / Math.sqrt(4 * vectors));
  const scores = by.neighbours({
    threads: GROUP,
    parts,
    put: `let key = round * ${keys}u + item;
      if (begin + key < end) {
        scores[key] = whole;
        best = max(best, whole);
      }`,
  });
  const sums = by.slices({ threads: GROUP, rows: 1, lanes: vectors, bytes: 8 * 1024, put });
  const functions = /* wgsl */ `
var<workgroup> scores: array<f32, ${mostKeys}>;
${by.team('highest', GROUP, HIGHEST)}
${by.team('total', GROUP, SUM)}
${scores.functions}
${sums.functions}`;
  const statements = /* wgsl */ `
  let first = thread % ${parts}u;
${unroll(vectors / parts, (s) => `  let q${s} = ${query(`first + ${s * parts}u`)} * ${scale};`)}
  var best = ${LOWEST};
  for (var round = 0u; begin + round * ${keys}u < end; round++) {
    let near = min(begin + round * ${keys}u + thread / ${parts}u, end - 1u);
    let at = place(row, near) * ${across}u + head + first;
    var piece = 0f;
${unroll(vectors / parts, (s) => `    piece += dot(q${s}, ${key(`at + ${s * parts}u`, `first + ${s * parts}u`, 'near')});`)}
    ${scores.statements}
  }
  let top = highest(best, thread);
  var sum = 0f;
  for (var key = thread; begin + key < end; key += ${GROUP}u) {
    let weight = exp(scores[key] - top);
    scores[key] = weight;
    sum += weight;
  }
  let all = total(sum, thread);
  var sum0 = vec4f();
  if (thread < ${slices * vectors}u) {
    let d = thread % ${vectors}u;
    for (var key = begin + thread / ${vectors}u; key < end; key += ${slices}u) {
      let at = place(row, key) * ${across}u + head + d;
      sum0 += scores[key - begin] * ${value('at', 'd', 'key')};
    }
  }
  ${sums.statements}`;
  return { functions, statements };
}
