import type { KernelContext } from '../../engine/variant.ts';
import { f32, LOWEST, unroll } from '../../engine/wgsl/functions.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';
import { scoreTiles } from './scoreTiles.wgsl.ts';

type Dims = 'nCtx' | 'nState' | 'width';

export const variants: readonly WgslVariant<Dims, 'nHead' | 'rounded' | 'halves'>[] = [
  scoreTiles,
  {
    // For heads of any size: a workgroup takes 64 queries of one head, a thread one; 16 keys and values at a time lie in workgroup memory.
    name: 'sharedKeys',
    suits: 'hardware',
    vec4: ['qkv', 'y'],
    groups: ({ dims, params }) => [Math.ceil(dims.nCtx / 64), params.nHead, 1],
    wgsl: ({ dims: { nCtx, nState, width }, params: { nHead } }) => {
      const vectors = nState / nHead / 4;
      const each = (line: (d: number) => string): string => unroll(vectors, line);
      return /* wgsl */ `
var<workgroup> keyTile: array<array<vec4f, ${vectors}>, 16>;
var<workgroup> valueTile: array<array<vec4f, ${vectors}>, 16>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let query = group.x * 64u + thread;
  let head = group.y * ${vectors}u;
  let at = min(query, ${nCtx - 1}u) * ${width / 4}u + head;
${each((d) => `  let q${d} = qkv[at + ${d}u] * ${f32(1 / Math.sqrt(4 * vectors))};\n  var o${d} = vec4f();`)}
  var top = ${LOWEST};
  var sum = 0f;
  for (var key0 = 0u; key0 < ${nCtx}u; key0 += 16u) {
    for (var i = thread; i < ${16 * vectors}u; i += 64u) {
      let keyAt = min(key0 + i / ${vectors}u, ${nCtx - 1}u) * ${width / 4}u + ${nState / 4}u + head + i % ${vectors}u;
      keyTile[i / ${vectors}u][i % ${vectors}u] = qkv[keyAt];
      valueTile[i / ${vectors}u][i % ${vectors}u] = qkv[keyAt + ${nState / 4}u];
    }
    workgroupBarrier();
    for (var key = 0u; key < min(16u, ${nCtx}u - key0); key++) {
      var score = 0f;
${each((d) => `      score += dot(q${d}, keyTile[key][${d}]);`)}
      if (score > top) {
        let shrink = exp(top - score);
        top = score;
        sum *= shrink;
${each((d) => `        o${d} *= shrink;`)}
      }
      let weight = exp(score - top);
      sum += weight;
${each((d) => `      o${d} += weight * valueTile[key][${d}];`)}
    }
    workgroupBarrier();
  }
  if (query >= ${nCtx}u) { return; }
  let to = query * ${nState / 4}u + head;
${each((d) => `  y[to + ${d}u] = o${d} / sum;`)}
}`;
    },
  },
  {
    // A thread takes up to 10 queries of one head and runs over blocks of 12 keys. The sums of values stay in y between blocks:
    // what a thread keeps in variables instead is code, of which software adapters compile a second's worth a kilobyte.
    name: 'blocks',
    suits: 'software',
    groups: ({ dims, params }) => [Math.ceil(dims.nCtx / (queriesOf(dims) * 16)), params.nHead, 1],
    wgsl: ({ dims, params: { nHead } }) => {
      const { nCtx, nState, width } = dims;
      const headDim = nState / nHead;
      const queries = queriesOf(dims);
      const vectors = 3;
      const keys = 4 * vectors;
      const each = (line: (q: number) => string): string => unroll(queries, line);
      const four = (value: (i: number) => string, v: number): string =>
        `vec4f(${[0, 1, 2, 3].map((i) => value(4 * v + i)).join(', ')})`;
      return /* wgsl */ `
@compute @workgroup_size(16)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let query = id.x * ${queries}u;
  let head = id.y * ${headDim}u;
  if (query >= ${nCtx}u) { return; }
${each((q) => `  let row${q} = query + ${q}u;\n  var top${q} = ${LOWEST};\n  var sum${q} = 0f;`)}
  for (var d = head; d < head + ${headDim}u; d++) {
${each((q) => `    y[row${q} * ${nState}u + d] = 0f;`)}
  }
  for (var key = 0u; key < ${nCtx}u; key += ${keys}u) {
${unroll(keys, (i) => `    let k${i} = min(key + ${i}u, ${nCtx - 1}u) * ${width}u + ${nState}u;`)}
${each((q) => unroll(vectors, (v) => `    var p${q}_${v} = vec4f();`))}
    for (var d = head; d < head + ${headDim}u; d++) {
${unroll(vectors, (v) => `      let k_${v} = ${four((i) => `qkv[k${i} + d]`, v)};`)}
${each((q) => `      let q${q} = qkv[row${q} * ${width}u + d];\n${unroll(vectors, (v) => `      p${q}_${v} += q${q} * k_${v};`)}`)}
    }
${unroll(vectors, (v) => `    let isKey${v} = key + ${four((i) => `${i}`, v).replace('vec4f', 'vec4u')} < vec4u(${nCtx}u);`)}
${each((q) => softmaxBlock(q, vectors, 1 / Math.sqrt(headDim)))}
    for (var d = head; d < head + ${headDim}u; d++) {
${unroll(vectors, (v) => `      let v_${v} = ${four((i) => `qkv[k${i} + ${nState}u + d]`, v)};`)}
${each(
  (q) =>
    `      y[row${q} * ${nState}u + d] = y[row${q} * ${nState}u + d] * shrink${q} + ${Array.from(
      { length: vectors },
      (_, v) => `dot(p${q}_${v}, v_${v})`,
    ).join(' + ')};`,
)}
    }
  }
  for (var d = head; d < head + ${headDim}u; d++) {
${each((q) => `    y[row${q} * ${nState}u + d] /= sum${q};`)}
  }
}`;
    },
  },
];

/** Queries a thread of `blocks` takes: as many as divide the positions, so that no thread has some to spare. */
function queriesOf({ nCtx }: KernelContext<Dims>['dims']): number {
  return [10, 8, 6, 5, 4, 3, 2].find((count) => nCtx % count === 0) ?? 1;
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
    sum${q} = sum${q} * shrink${q} + ${Array.from({ length: vectors }, (_, v) => `dot(p${q}_${v}, vec4f(1f))`).join(' + ')};`;
}
