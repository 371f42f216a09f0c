/**
 * WGSL of one row's head over a range of keys by a whole workgroup: what attention over a cache and its splits have in common.
 *
 * For the scores, four neighbouring threads share a key, so that they read 64 bytes side by side; then threads take four columns and
 * every slices-th key of V.
 */
import { f32, groupReduce, LOWEST, unroll } from '../../engine/wgsl/functions.ts';

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
}

/** Text outside of functions. */
export function headDeclarations({ mostKeys }: HeadOverKeys): string {
  return /* wgsl */ `
var<workgroup> scores: array<f32, ${mostKeys}>;
${groupReduce('highest', GROUP, 'f32', 'max(a, b)')}
${groupReduce('total', GROUP, 'f32', 'a + b')}
var<workgroup> pieces: array<f32, ${2 * GROUP}>;
var<workgroup> sliceSums: array<vec4f, ${GROUP}>;`;
}

/**
 * Statements, for `row`, `head` (its first four of a place), keys `begin` to `end`, thread `i`, and `fn place(row, key) -> u32`. They leave
 * `top`, the largest score (`LOWEST` without keys); `all`, the sum of exp(score - top); and in threads below `vectors` `o`, the sum
 * of exp(score - top) v for four i of the head.
 */
export function headStatements({ vectors, across, query, key, value }: HeadOverKeys): string {
  const parts = vectors % 4 === 0 ? 4 : 1;
  const keys = GROUP / parts;
  const slices = Math.floor(GROUP / vectors);
  const scale = f32(1 / Math.sqrt(4 * vectors));
  return /* wgsl */ `
  let first = i % ${parts}u;
${unroll(vectors / parts, (s) => `  let q${s} = ${query(`first + ${s * parts}u`)} * ${scale};`)}
  var best = ${LOWEST};
  for (var round = 0u; begin + round * ${keys}u < end; round++) {
    let near = min(begin + round * ${keys}u + i / ${parts}u, end - 1u);
    let at = place(row, near) * ${across}u + head + first;
    var piece = 0f;
${unroll(vectors / parts, (s) => `    piece += dot(q${s}, ${key(`at + ${s * parts}u`, `first + ${s * parts}u`, 'near')});`)}
    // Two halves in turn, so that one barrier a round is enough.
    let half = (round % 2u) * ${GROUP}u;
    pieces[half + i] = piece;
    workgroupBarrier();
    let key = round * ${keys}u + i;
    if (i < ${keys}u && begin + key < end) {
      let score = ${Array.from({ length: parts }, (_, s) => `pieces[half + i * ${parts}u + ${s}u]`).join(' + ')};
      scores[key] = score;
      best = max(best, score);
    }
  }
  let top = highest(best, i);
  var sum = 0f;
  for (var key = i; begin + key < end; key += ${GROUP}u) {
    let weight = exp(scores[key] - top);
    scores[key] = weight;
    sum += weight;
  }
  let all = total(sum, i);
  let d = i % ${vectors}u;
  var o = vec4f();
  if (i < ${slices * vectors}u) {
    for (var key = begin + i / ${vectors}u; key < end; key += ${slices}u) {
      let at = place(row, key) * ${across}u + head + d;
      o += scores[key - begin] * ${value('at', 'd', 'key')};
    }
  }
  sliceSums[i] = o;
  workgroupBarrier();
  if (i < ${vectors}u) {
    for (var s = 1u; s < ${slices}u; s++) { o += sliceSums[s * ${vectors}u + d]; }
  }`;
}
