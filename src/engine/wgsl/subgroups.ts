/**
 * The variants by subgroups: threads that run in step and read one another's registers, 4 to 128 of them. What is put together within
 * one needs neither workgroup memory nor a barrier. Loaded where a GPU has subgroups, so that no other page has it.
 *
 * Which threads make up a subgroup is the GPU's choice, so a thread's number here is not `local_invocation_index`: it is made of those
 * of its subgroup and of its place in that. How many a subgroup has may be known at run time alone; the bounds that the GPU names are
 * all that the text depends on.
 */
import type { Feature, GpuFeatures } from './features.ts';
import { unroll } from './functions.ts';
import { byMemory, type Reducer, slicePasses } from './reducer.ts';
import type { WgslVariant } from './variant.ts';

const NEEDS = ['subgroups', 'subgroup_id'] as const satisfies readonly Feature[];

/** Sizes that WebGPU allows, where a GPU does not say more. */
const ANY_SIZE = [4, 128] as const;

/**
 * The variants, and before each that puts values together by a `Reducer` the same by subgroups, named after it. For hardware: on
 * software adapters those without any barrier are faster.
 */
export function withSubgroups(variants: readonly WgslVariant[]): readonly WgslVariant[] {
  return variants.flatMap((variant) => {
    if (!variant.reduces) return [variant];
    const own: WgslVariant = {
      ...variant,
      name: `${variant.name}BySubgroups`,
      suits: 'hardware',
      reduces: false,
      needs: [...(variant.needs ?? []), ...NEEDS],
      wgsl: (c, gpu) => variant.wgsl(c, gpu, bySubgroups(gpu)),
    };
    return [own, variant];
  });
}

/** What a shader says to a GPU that has subgroups; tests play them where sizes are others. */
export interface SubgroupWords {
  /** Parameters of the entry point, and its first statements: `subgroup`, a number; `subgroupSize`; `subgroupPlace` of the thread in it. */
  readonly builtins: string;
  readonly begin: string;
  /** Text outside of functions. */
  readonly functions: string;
  /** The value of the thread whose place differs in one bit; any where there is none. */
  shuffle(type: string, value: string, distance: number): string;
  within(name: string, value: string): string;
}

const WORDS: SubgroupWords = {
  builtins:
    '@builtin(subgroup_id) subgroup: u32, @builtin(subgroup_size) subgroupSize: u32, @builtin(subgroup_invocation_id) subgroupPlace: u32',
  begin: '',
  functions: '',
  shuffle: (_type, value, distance) => `subgroupShuffleXor(${value}, ${distance}u)`,
  within: (name, value) => `${name}(${value})`,
};

export function bySubgroups({ subgroupSizes = ANY_SIZE }: GpuFeatures, words = WORDS): Reducer {
  const [least, most] = subgroupSizes;
  // Distances that may lie within a subgroup.
  const distances = (from: number, below: number): readonly number[] => {
    const all: number[] = [];
    for (let d = from; d < Math.min(below, most); d *= 2) all.push(d);
    return all;
  };
  /** Statements: puts `value` together with that of the thread at the distance, if it is in the subgroup. */
  const meet = (type: string, value: string, other: string, d: number, combined: string): string =>
    d < least
      ? `  ${value} = ${combined.replace('OTHER', other)};`
      : `  { let other: ${type} = ${other}; if (${d}u < subgroupWidth) { ${value} = ${combined.replace('OTHER', 'other')}; } }`;

  return {
    main: (threads, body, more = '') => /* wgsl */ `
${words.functions}
// Threads of a subgroup that are in the workgroup.
var<private> subgroupWidth: u32;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3u, ${words.builtins}${more}) {
  ${words.begin}
  subgroupWidth = min(subgroupSize, ${threads}u);
  let thread = subgroup * subgroupWidth + subgroupPlace;
${body}
}`,

    team(name, threads, { type, fields, combine, within }, each = threads) {
      const shuffle = (d: number): string =>
        fields
          ? `${type}(${Object.entries(fields)
              .map(([field, own]) => words.shuffle(own, `whole.${field}`, d))
              .join(', ')})`
          : words.shuffle(type, 'whole', d);
      const head = /* wgsl */ `
fn ${name}Of(a: ${type}, b: ${type}) -> ${type} { return ${combine}; }
fn ${name}(value: ${type}, thread: u32) -> ${type} {
  var whole = ${within && each >= most ? words.within(within, 'value') : 'value'};
${
  within && each >= most
    ? ''
    : distances(1, each)
        .map((d) => meet(type, 'whole', shuffle(d), d, `${name}Of(whole, OTHER)`))
        .join('\n')
}`;
      // A subgroup has whole teams.
      if (each <= least && each < threads) return `${head}\n  return whole;\n}`;
      const left = threads / Math.min(each, least);
      // Two halves in turn: whoever writes the next time may do so while others still read.
      return /* wgsl */ `
var<workgroup> ${name}Each: array<${type}, ${2 * left}>;
var<private> ${name}Half: u32;
${head}
  let width = min(subgroupWidth, ${each}u);
  let half = ${name}Half;
  ${name}Half = ${left}u - half;
  if (thread % width == 0u) { ${name}Each[half + thread / width] = whole; }
  workgroupBarrier();
  let first = half + thread / ${each}u * (${each}u / width);
  whole = ${name}Each[first];
  for (var s = 1u; s < ${each}u / width; s++) { whole = ${name}Of(whole, ${name}Each[first + s]); }
  return whole;
}`;
    },

    slices(sums) {
      const { threads, lanes, put } = sums;
      // Lanes of a subgroup are whole slices.
      if (Math.log2(lanes) % 1 > 0) return byMemory.slices(sums);
      const left = (threads / Math.max(Math.min(least, threads), lanes)) * lanes;
      const passes = slicePasses(sums, 16 * left);
      const [[, atOnce] = [0, 1]] = passes;
      const add = (sum: string): string =>
        distances(lanes, threads)
          .map((d) => meet('vec4f', sum, words.shuffle('vec4f', sum, d), d, `${sum} + OTHER`))
          .join('\n');
      return {
        functions: `var<workgroup> sums: array<vec4f, ${atOnce * left}>;`,
        statements: `  let wide = max(subgroupWidth, ${lanes}u);\n${passes
          .map(
            ([first, count], pass) => /* wgsl */ `
${unroll(count, (r) => add(`sum${first + r}`))}
${pass > 0 ? '  workgroupBarrier();' : ''}
  if (thread % wide < ${lanes}u) {
    let at = thread / wide * ${lanes}u + thread % ${lanes}u;
${unroll(count, (r) => `    sums[${r * left}u + at] = sum${first + r};`)}
  }
  workgroupBarrier();
  for (var o = thread; o < ${count * lanes}u; o += ${threads}u) {
    let row = ${first}u + o / ${lanes}u;
    let lane = o % ${lanes}u;
    var sum = vec4f();
    for (var s = 0u; s < ${threads}u / wide; s++) { sum += sums[o / ${lanes}u * ${left}u + s * ${lanes}u + lane]; }
    ${put}
  }`,
          )
          .join('\n')}`,
      };
    },

    // Neighbours are always in one subgroup.
    neighbours: ({ parts, put }) => ({
      functions: '',
      statements: /* wgsl */ `
    var whole = piece;
${distances(1, parts)
  .map((d) => meet('f32', 'whole', words.shuffle('f32', 'whole', d), d, 'whole + OTHER'))
  .join('\n')}
    if (thread % ${parts}u == 0u) {
      let item = thread / ${parts}u;
      ${put}
    }`,
    }),
  };
}
