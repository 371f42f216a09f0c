/**
 * The encoder's attention for software adapters: a thread takes some queries of one head and runs over blocks of keys. The sums of
 * values stay in y between blocks: what a thread keeps in variables instead is code, of which software adapters compile a second's
 * worth a kilobyte.
 */
import { f32, LOWEST, unroll } from '../../engine/wgsl/functions.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';

type Dims = 'nCtx' | 'nState' | 'width';
type Blocks = WgslVariant<Dims, 'nHead' | 'rounded' | 'halves'>;

interface BlockShape {
  /** Of a thread, at most; a number that divides the positions, so that no thread has some to spare. */
  readonly queries: number;
  /** Of a block, in fours. */
  readonly vectors: number;
  /** Threads that load a block's keys and values for all of a subgroup; 0: each does so for itself. */
  readonly loaders: 0 | 4;
}

/** Threads of a workgroup. */
const THREADS = 16;

export const blocks: Blocks = /* @__PURE__ */ variantOf('blocks', { queries: 10, vectors: 3, loaders: 0 });

/**
 * Each key and value is loaded by one thread of four and had from there by the others: software adapters load for each thread by
 * itself, also what all of them want. So blocks can have more keys, and y is gone over less often: 1.6 times as fast on lavapipe 25.
 */
export const broadcastBlocks: Blocks = {
  .../* @__PURE__ */ variantOf('broadcastBlocks', { queries: 6, vectors: 6, loaders: 4 }),
  needs: ['subgroups'],
};

function variantOf(name: string, shape: BlockShape): Blocks {
  const queriesOf = (nCtx: number): number => {
    let queries = shape.queries;
    while (nCtx % queries !== 0) queries--;
    return queries;
  };
  return {
    name,
    suits: 'software',
    groups: ({ dims, params }) => [Math.ceil(dims.nCtx / (queriesOf(dims.nCtx) * THREADS)), params.nHead, 1],
    wgsl: ({ dims, params: { nHead } }) => textOf(dims, nHead, { ...shape, queries: queriesOf(dims.nCtx) }),
  };
}

function textOf(
  { nCtx, nState, width }: Readonly<Record<Dims, number>>,
  nHead: number,
  { queries, vectors, loaders }: BlockShape,
): string {
  const headDim = nState / nHead;
  const keys = 4 * vectors;
  const each = (line: (q: number) => string): string => unroll(queries, line);
  const eachVector = (line: (v: number) => string): string => unroll(vectors, line);
  const four = (value: (i: number) => string, v: number): string =>
    `vec4f(${[0, 1, 2, 3].map((i) => value(4 * v + i)).join(', ')})`;
  const loads = loaders === 0 ? keys : keys / loaders;
  const keyOf = (i: number): string =>
    `key + ${i * Math.max(1, loaders)}u${loaders === 0 ? '' : ` + lane % ${loaders}u`}`;
  // Statements that make vectors `name_v` of dim d of the block's keys; `column`: of keys 0, of values nState.
  const load = (name: string, column: number): string => /* wgsl */ `
${unroll(loads, (i) => `      let ${name}${i} = qkv[at${i} + ${column}u + d];`)}
${eachVector((v) => `      let ${name}_${v} = ${four((i) => (loaders === 0 ? `${name}${i}` : `subgroupBroadcast(${name}${Math.floor(i / loaders)}, ${i % loaders}u)`), v)};`)}`;
  return /* wgsl */ `
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32${loaders === 0 ? '' : ', @builtin(subgroup_invocation_id) lane: u32'}) {
  let query = (group.x * ${THREADS}u + thread) * ${queries}u;
  let head = group.y * ${headDim}u;
  // Where others have from it what it loads, a thread without queries goes on to the end.
  let isThere = query < ${nCtx}u;
${loaders === 0 ? '  if (!isThere) { return; }' : ''}
  let first = min(query, ${nCtx - queries}u);
${each((q) => `  let row${q} = first + ${q}u;\n  var top${q} = ${LOWEST};\n  var sum${q} = 0f;`)}
  if (isThere) {
    for (var d = head; d < head + ${headDim}u; d++) {
${each((q) => `      y[row${q} * ${nState}u + d] = 0f;`)}
    }
  }
  for (var key = 0u; key < ${nCtx}u; key += ${keys}u) {
${unroll(loads, (i) => `    let at${i} = min(${keyOf(i)}, ${nCtx - 1}u) * ${width}u + ${nState}u;`)}
${each((q) => eachVector((v) => `    var p${q}_${v} = vec4f();`))}
    for (var d = head; d < head + ${headDim}u; d++) {
${load('key', 0)}
${each((q) => `      let q${q} = qkv[row${q} * ${width}u + d];\n${eachVector((v) => `      p${q}_${v} += q${q} * key_${v};`)}`)}
    }
${eachVector((v) => `    let isKey${v} = key + ${four((i) => `${i}`, v).replace('vec4f', 'vec4u')} < vec4u(${nCtx}u);`)}
${each((q) => softmaxBlock(q, vectors, 1 / Math.sqrt(headDim)))}
    for (var d = head; d < head + ${headDim}u; d++) {
${load('value', nState)}
      if (isThere) {
${each((q) => `        y[row${q} * ${nState}u + d] = y[row${q} * ${nState}u + d] * shrink${q} + ${sumOf(vectors, (v) => `dot(p${q}_${v}, value_${v})`)};`)}
      }
    }
  }
  if (isThere) {
    for (var d = head; d < head + ${headDim}u; d++) {
${each((q) => `      y[row${q} * ${nState}u + d] /= sum${q};`)}
    }
  }
}`;
}

function sumOf(count: number, term: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => term(i)).join(' + ');
}

/** Scores p of a block of keys to weights, and what the sums so far shrink by. */
function softmaxBlock(q: number, vectors: number, scale: number): string {
  const highest = Array.from({ length: vectors }, (_, v) => `p${q}_${v}`).reduce((a, b) => `max(${a}, ${b})`);
  return /* wgsl */ `
${unroll(vectors, (v) => `    p${q}_${v} = select(vec4f(-1e30f), p${q}_${v} * ${f32(scale)}, isKey${v});`)}
    let four${q} = ${highest};
    let higher${q} = max(top${q}, max(max(four${q}.x, four${q}.y), max(four${q}.z, four${q}.w)));
    let shrink${q} = exp(top${q} - higher${q});
    top${q} = higher${q};
${unroll(vectors, (v) => `    p${q}_${v} = exp(p${q}_${v} - higher${q});`)}
    sum${q} = sum${q} * shrink${q} + ${sumOf(vectors, (v) => `dot(p${q}_${v}, vec4f(1f))`)};`;
}
