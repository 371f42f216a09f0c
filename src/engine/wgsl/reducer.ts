/**
 * How the threads of a workgroup put their values together. A kernel's text is written once over a `Reducer`; `byMemory` is for every
 * GPU, and subgroups.ts has the one from which a variant comes where a GPU has subgroups.
 */
import { unroll } from './functions.ts';

/** How two values become one. */
export interface Combination {
  readonly type: string;
  /** Of a struct: its fields with their types. */
  readonly fields?: Readonly<Record<string, string>>;
  /** An expression of `a` and `b`, which may be exchanged. */
  readonly combine: string;
  /** WGSL's function that does the same for all threads of a subgroup. */
  readonly within?: string;
}

export const SUM: Combination = { type: 'f32', combine: 'a + b', within: 'subgroupAdd' };
export const HIGHEST: Combination = { type: 'f32', combine: 'max(a, b)', within: 'subgroupMax' };

/**
 * Sums of which each thread has a part: `sum0`, `sum1` ... of type vec4f, one a row. Thread i has lane i % lanes and slice i / lanes;
 * the sum of a lane is that of its slices. Threads of no whole slice have zeros.
 */
export interface SliceSums {
  readonly threads: number;
  readonly rows: number;
  readonly lanes: number;
  /** Of workgroup memory, at most: a shader may have 16 KiB. */
  readonly bytes: number;
  /** Statements that take a whole one, by one thread: `row`, `lane` and `sum` are known. */
  readonly put: string;
}

/** Pieces of neighbouring threads, in a loop that counts `round` from 0. */
export interface NeighbourSums {
  readonly threads: number;
  /** Neighbours: 1, 2 or 4. */
  readonly parts: number;
  /** Statements that take a whole one, by one thread: `item`, its number of threads / parts, and `whole` are known. */
  readonly put: string;
}

/** Text outside of functions, and statements for all threads alike. */
export interface ReducerText {
  readonly functions: string;
  readonly statements: string;
}

export interface Reducer {
  /** The entry point. @param body statements; `group`, the workgroup's, and `thread`, below `threads`, are known @param more parameters */
  main(threads: number, body: string, more?: string): string;
  /**
   * `fn NAME(value: TYPE, thread: u32) -> TYPE`: what the values of a team are together, for each of its threads. A barrier for other
   * workgroup memory only where a team has all threads.
   *
   * @param each neighbouring threads of a team, a power of two; all when absent
   */
  team(name: string, threads: number, combination: Combination, each?: number): string;
  slices(sums: SliceSums): ReducerText;
  /** Of pieces that are called `piece`. */
  neighbours(sums: NeighbourSums): ReducerText;
}

/** Rows whose sums are added at a time. @param each bytes of a row */
export function slicePasses(
  { rows, bytes }: SliceSums,
  each: number,
): readonly (readonly [first: number, count: number])[] {
  const atOnce = Math.max(1, Math.min(rows, Math.floor(bytes / each)));
  return Array.from({ length: Math.ceil(rows / atOnce) }, (_, i) => [i * atOnce, Math.min(atOnce, rows - i * atOnce)]);
}

/** Through workgroup memory, in two rounds of about as many terms instead of by halves, which would be a barrier each. */
export const byMemory: Reducer = {
  main: (threads, body, more = '') => /* wgsl */ `
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32${more}) {
${body}
}`,

  // Twice sixteen-fold, which on software adapters also compiles in a tenth of the time: each barrier cuts the code in two.
  team(name, threads, { type, combine }, each = threads) {
    const few = Math.min(16, each);
    return /* wgsl */ `
var<workgroup> ${name}All: array<${type}, ${threads}>;
var<workgroup> ${name}Few: array<${type}, ${(threads / each) * few}>;
fn ${name}Of(a: ${type}, b: ${type}) -> ${type} { return ${combine}; }
fn ${name}(value: ${type}, thread: u32) -> ${type} {
  let team = thread / ${each}u;
  ${name}All[thread] = value;
  workgroupBarrier();
  if (thread % ${each}u < ${few}u) {
    var some = ${name}All[thread];
    for (var s = thread + ${few}u; s < (team + 1u) * ${each}u; s += ${few}u) { some = ${name}Of(some, ${name}All[s]); }
    ${name}Few[team * ${few}u + thread % ${each}u] = some;
  }
  workgroupBarrier();
  var whole = ${name}Few[team * ${few}u];
  for (var s = 1u; s < ${few}u; s++) { whole = ${name}Of(whole, ${name}Few[team * ${few}u + s]); }
  return whole;
}
`;
  },

  slices(sums) {
    const { threads, lanes, put } = sums;
    const slices = Math.floor(threads / lanes);
    const few = 2 ** Math.floor(Math.log2(slices) / 2);
    const passes = slicePasses(sums, 16 * (threads + lanes * few));
    const [, atOnce] = passes[0]!; // there is a row
    return {
      functions: /* wgsl */ `
var<workgroup> sums: array<vec4f, ${atOnce * threads}>;
var<workgroup> fewSums: array<vec4f, ${atOnce * lanes * few}>;`,
      statements: passes
        .map(
          ([first, count]) => /* wgsl */ `
${unroll(count, (r) => `  sums[${r * threads}u + thread] = sum${first + r};`)}
  workgroupBarrier();
  for (var o = thread; o < ${count * few * lanes}u; o += ${threads}u) {
    var sum = vec4f();
    for (var s = o / ${lanes}u % ${few}u; s < ${slices}u; s += ${few}u) {
      sum += sums[o / ${few * lanes}u * ${threads}u + s * ${lanes}u + o % ${lanes}u];
    }
    fewSums[o] = sum;
  }
  workgroupBarrier();
  for (var o = thread; o < ${count * lanes}u; o += ${threads}u) {
    let row = ${first}u + o / ${lanes}u;
    let lane = o % ${lanes}u;
    var sum = vec4f();
    for (var s = 0u; s < ${few}u; s++) { sum += fewSums[(o / ${lanes}u * ${few}u + s) * ${lanes}u + lane]; }
    ${put}
  }`,
        )
        .join('\n'),
    };
  },

  // Two halves in turn, so that one barrier a round is enough.
  neighbours: ({ threads, parts, put }) => ({
    functions: `var<workgroup> pieces: array<f32, ${2 * threads}>;`,
    statements: /* wgsl */ `
    let half = (round % 2u) * ${threads}u;
    pieces[half + thread] = piece;
    workgroupBarrier();
    if (thread < ${threads / parts}u) {
      let item = thread;
      let whole = ${Array.from({ length: parts }, (_, s) => `pieces[half + item * ${parts}u + ${s}u]`).join(' + ')};
      ${put}
    }`,
  }),
};
