/**
 * Reductions over a workgroup, by memory and by subgroups of every size that WebGPU allows. GPUs without hardware have 4 to 16 threads
 * in a subgroup, so those are played: shuffles through workgroup memory, and numbers of threads that are not
 * `local_invocation_index`, which nothing may rely on.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defineKernel, type Fill, type KernelCase, type Reference } from '../../src/engine/kernel.ts';
import { CORE_GPU, type GpuFeatures } from '../../src/engine/wgsl/features.ts';
import { BEST, bestText, isBetterText } from '../../src/engine/wgsl/functions.ts';
import { byMemory, type Reducer, SUM } from '../../src/engine/wgsl/reducer.ts';
import { bySubgroups, type SubgroupWords } from '../../src/engine/wgsl/subgroups.ts';
import type { WgslVariant } from '../../src/engine/wgsl/variant.ts';
import { caseTitle, checkKernel } from '../../src/lab/checkKernel.ts';
import { openOrSkip } from '../support/webgpu.ts';

const ROWS = 2;
const ROUNDS = 2;
/** Played ones: as a GPU names them, and as one that names none. */
const NAMED = [32, 64];
const UNNAMED = [32, 128];

type Dims = 'threads' | 'lanes' | 'pieces';
type MadeBy = (threads: number, gpu: GpuFeatures) => Reducer;

/** Every reduction, each used twice, of values whose sums are exact. */
function variant(name: string, made: MadeBy, needs: WgslVariant['needs'] = []): WgslVariant<Dims, 'each' | 'parts'> {
  return {
    name,
    needs,
    groups: () => [1, 1, 1],
    wgsl({ dims: { threads, lanes }, params: { each, parts } }, gpu) {
      const by = made(threads, gpu);
      // Two passes.
      const slices = by.slices({
        ...{ threads, rows: ROWS, lanes, bytes: 16 * threads },
        put: `sliceSums[row * ${lanes}u + lane] = sum;`,
      });
      const neighbours = by.neighbours({
        ...{ threads, parts },
        put: `pieceSums[round * ${threads / parts}u + item] = whole;`,
      });
      return /* wgsl */ `
${isBetterText}
${bestText}
${by.team('total', threads, SUM, each)}
${by.team('best', threads, { type: 'Best', fields: BEST, combine: 'better(a, b)' }, each)}
${slices.functions}
${neighbours.functions}
${by.main(
  threads,
  `  for (var turn = 0u; turn < 2u; turn++) {
    let value = x[turn * ${threads}u + thread];
    let at = turn * ${threads}u + thread;
    teamSums[at] = total(value, thread);
    bests[at] = best(Best(value, thread), thread).id;
  }
${Array.from({ length: ROWS }, (_, row) => `  var sum${row} = vec4f(x[${row}u + thread], 1f, 0f, x[thread]);`).join('\n')}
  if (thread >= ${Math.floor(threads / lanes) * lanes}u) { ${Array.from({ length: ROWS }, (_, row) => `sum${row} = vec4f();`).join(' ')} }
${slices.statements}
  for (var round = 0u; round < ${ROUNDS}u; round++) {
    let piece = x[round + thread];
${neighbours.statements}
  }`,
)}`;
    },
  };
}

/** Subgroups of a size. */
function played(size: number, threads: number): SubgroupWords {
  const shared = (type: string): string => /* wgsl */ `
var<workgroup> played_${type}: array<${type}, ${2 * threads}>;
fn shuffle_${type}(value: ${type}, distance: u32) -> ${type} {
  // Two halves in turn, so that one barrier is enough.
  playedHalf = ${threads}u - playedHalf;
  played_${type}[playedHalf + playedThread] = value;
  workgroupBarrier();
  let other = playedThread ^ distance;
  if (other >= ${threads}u || other / ${size}u != playedThread / ${size}u) { return ${type}(77); }
  return played_${type}[playedHalf + other];
}`;
  return {
    builtins: '@builtin(local_invocation_index) local: u32',
    begin: `playedThread = ${threads - 1}u - local;
  let subgroup = playedThread / ${size}u;
  let subgroupSize = ${size}u;
  let subgroupPlace = playedThread % ${size}u;`,
    functions: /* wgsl */ `
var<private> playedThread: u32;
var<private> playedHalf: u32;
${['f32', 'u32', 'vec4f'].map(shared).join('\n')}
fn played_subgroupAdd(value: f32) -> f32 {
  workgroupBarrier();
  played_f32[playedThread] = value;
  workgroupBarrier();
  let first = playedThread / ${size}u * ${size}u;
  var whole = 0f;
  for (var other = first; other < min(first + ${size}u, ${threads}u); other++) { whole += played_f32[other]; }
  workgroupBarrier();
  return whole;
}`,
    shuffle: (type, value, distance) => `shuffle_${type}(${value}, ${distance}u)`,
    within: (name, value) => `played_${name}(${value})`,
  };
}

const NEEDS = ['subgroups', 'subgroup_id'] as const;
const variants = [
  variant('byMemory', () => byMemory),
  variant('bySubgroups', (_threads, gpu) => bySubgroups(gpu), NEEDS),
  variant('bySubgroups of any size', () => bySubgroups(CORE_GPU), NEEDS),
  ...NAMED.map((size) => {
    const gpu: GpuFeatures = { ...CORE_GPU, subgroupSizes: [size, size] };
    return variant(`played ${size}`, (threads) => bySubgroups(gpu, played(size, threads)));
  }),
  ...UNNAMED.map((size) =>
    variant(`played ${size} of any size`, (threads) => bySubgroups(CORE_GPU, played(size, threads))),
  ),
];

const kernel = defineKernel({
  name: 'reductions',
  args: {
    x: { access: 'read', dtype: 'f32', dims: [2, 'threads'] },
    teamSums: { access: 'write', dtype: 'f32', dims: [2, 'threads'] },
    bests: { access: 'write', dtype: 'u32', dims: [2, 'threads'] },
    sliceSums: { access: 'write', dtype: 'f32', dims: [ROWS, 'lanes', 4] },
    pieceSums: { access: 'write', dtype: 'f32', dims: [ROUNDS, 'pieces'] },
  },
  params: { each: 1, parts: 1 },
  cost: () => ({ flops: 0, bytes: 0 }),
  variants: { webgpu: variants.map((own) => ({ ...own, vec4: ['sliceSums'] })) },
});

const reference: Reference<typeof kernel> = (
  { x, teamSums, bests, sliceSums, pieceSums },
  { threads, lanes, pieces },
  { each, parts },
) => {
  const add = (values: Iterable<number>): number => [...values].reduce((sum, value) => sum + value, 0);
  for (let at = 0; at < 2 * threads; at++) {
    const first = at - (at % each);
    const team = x.subarray(first, first + each);
    teamSums[at] = add(team);
    bests[at] = (first % threads) + team.indexOf(Math.max(...team));
  }
  const slices = Math.floor(threads / lanes);
  for (let row = 0; row < ROWS; row++)
    for (let lane = 0; lane < lanes; lane++) {
      const sum = (from: number): number => add(Array.from({ length: slices }, (_, s) => x[from + s * lanes + lane]!));
      sliceSums.set([sum(row), slices, 0, sum(0)], 4 * (row * lanes + lane));
    }
  for (let round = 0; round < ROUNDS; round++)
    for (let item = 0; item < pieces; item++)
      pieceSums[round * pieces + item] = add(x.subarray(round + item * parts, round + (item + 1) * parts));
};

/** Whole numbers, many of them equal. */
const whole: Fill = (x, _dims, random) => {
  for (let i = 0; i < x.length; i++) x[i] = Math.floor(9 * random()) - 4;
};

function sizes(threads: number, each: number, lanes: number, parts: number): KernelCase {
  return { dims: { threads, lanes, pieces: threads / parts }, params: { each, parts }, fill: { x: whole } };
}

const cases = [sizes(128, 128, 16, 4), sizes(128, 32, 4, 2), sizes(64, 64, 3, 1)];

// Half as wide vectors of lavapipe compile in half the time.
process.env.LP_NATIVE_VECTOR_WIDTH ??= '128';
const device = await openOrSkip('reductions in WGSL');
if (device) {
  const only = process.argv[2] ?? '';
  const test = suite(`reductions, ${device.description}`);
  const module = { kernel, reference, cases, tolerance: () => ({ absolute: 0, relative: 0 }) };
  const has: ReadonlySet<string> = device.gpu?.features ?? new Set();
  for (const { name, needs = [] } of variants)
    if (needs.every((feature) => has.has(feature)) && name.includes(only))
      test(name, async () => {
        for (const kase of cases) {
          const { failures } = await checkKernel(device, module as never, kase, { variant: name });
          assert.is(failures.join('\n'), '', caseTitle(kase));
        }
      });
  test.after(() => device.close());
  test.run();
}
