/**
 * The encoder's attention for hardware: a workgroup of 256 threads takes 64 queries of one head over tiles of 32 keys.
 *
 * Thread (ty, tx) has queries 4 ty .. 4 ty + 3 all along. Of a tile's scores it computes those of keys tx and tx + 16, of the
 * weighted sums of values the four dims 4 tx .. 4 tx + 3, so that each number read is used four times, and sums so far are
 * rescaled once a tile where they are, in registers. Keys and values come into the same place, one after the other, and are on
 * their way in registers while the other are worked on: with the weights that is 16 KiB, all that WebGPU promises.
 *
 * Dao et al. 2022, "FlashAttention".
 */
import { f32, LOWEST, unroll } from '../../engine/wgsl/functions.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';

const QUERIES = 64;
const KEYS = 32;
const THREADS = 256;
/** vec4f of a head that the tiles have room for, and threads beside one another. */
const ACROSS = 16;

export const scoreTiles: WgslVariant<'nCtx' | 'nState' | 'width', 'nHead' | 'rounded' | 'halves'> = {
  name: 'scoreTiles',
  suits: 'hardware',
  when: ({ dims, params }) => dims.nState / params.nHead <= 4 * ACROSS,
  vec4: ['qkv', 'y'],
  groups: ({ dims, params }) => [Math.ceil(dims.nCtx / QUERIES), params.nHead, 1],
  wgsl: ({ dims: { nCtx, nState, width }, params: { nHead } }) => {
    const vectors = nState / nHead / 4;
    const parts = Math.ceil((KEYS * vectors) / THREADS);
    const eachQuery = (line: (q: number) => string): string => unroll(4, line);
    const lastKey = nCtx - 1;
    // Part s of this thread: vector `part % vectors` of key `part / vectors` in the tile.
    const fetch = (into: string, key0: string, column: number): string =>
      unroll(
        parts,
        (s) =>
          `    ${into}${s} = qkv[min(${key0} + part${s} / ${vectors}u, ${lastKey}u) * ${width / 4}u + ${column}u + head + part${s} % ${vectors}u];`,
      );
    const keep = (line: (s: number) => string): string =>
      unroll(parts, (s) => `    if (part${s} < ${KEYS * vectors}u) { ${line(s)} }`);
    // `tile` has keys [vector, key], those of every vector in another order, so that neither who stores nor who reads them meets a
    // bank twice; or values [key, vector]; or something of each thread. `weights` are of four queries each, [ty, key]. `groups.z` is
    // 1, so that Mesa's compiler cannot know it: it would unroll the loops whole, which takes it five times as long.
    return /* wgsl */ `
var<workgroup> tile: array<vec4f, ${KEYS * ACROSS}>;
var<workgroup> weights: array<vec4f, ${KEYS * (QUERIES / 4)}>;
fn keyAt(vector: u32, key: u32) -> u32 { return vector * ${KEYS}u + (key ^ (vector & 7u)); }
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32) {
  let one = groups.z;
  let head = group.y * ${vectors}u;
  let tx = thread % ${ACROSS}u;
  let ty = thread / ${ACROSS}u;
  let query = group.x * ${QUERIES}u + 4u * ty;
${eachQuery((q) => `  let q${q}At = min(query + ${q}u, ${lastKey}u) * ${width / 4}u + head;\n  var o${q} = vec4f();`)}
  var top = vec4f(${LOWEST});
  var sum = vec4f();
${unroll(parts, (s) => `  let part${s} = thread + ${s * THREADS}u;\n  var keys${s} = vec4f();\n  var values${s} = vec4f();`)}
${fetch('keys', '0u', nState / 4)}
  for (var key0 = 0u; key0 < ${nCtx}u; key0 += ${KEYS}u) {
${keep((s) => `tile[keyAt(part${s} % ${vectors}u, part${s} / ${vectors}u)] = keys${s};`)}
    workgroupBarrier();
${fetch('values', 'key0', nState / 2)}
    var near = vec4f();
    var far = vec4f();
    for (var v = 0u; v < ${vectors}u * one; v++) {
      let a = tile[keyAt(v, tx)];
      let b = tile[keyAt(v, tx + 16u)];
${eachQuery((q) => `      let q${q} = qkv[q${q}At + v];\n      near[${q}] += dot(q${q}, a);\n      far[${q}] += dot(q${q}, b);`)}
    }
    near = select(vec4f(-1e30f), near * ${f32(1 / Math.sqrt(4 * vectors))}, key0 + tx < ${nCtx}u);
    far = select(vec4f(-1e30f), far * ${f32(1 / Math.sqrt(4 * vectors))}, key0 + tx + 16u < ${nCtx}u);
    workgroupBarrier();
    tile[thread] = max(near, far);
    workgroupBarrier();
    var higher = top;
    for (var x = 0u; x < ${ACROSS}u * one; x++) { higher = max(higher, tile[${ACROSS}u * ty + x]); }
    let shrink = exp(top - higher);
    top = higher;
    near = exp(near - higher);
    far = exp(far - higher);
    sum = sum * shrink + near + far;
    weights[${KEYS}u * ty + tx] = near;
    weights[${KEYS}u * ty + tx + 16u] = far;
${eachQuery((q) => `    o${q} *= shrink[${q}];`)}
    workgroupBarrier();
${keep((s) => `tile[part${s}] = values${s};`)}
    workgroupBarrier();
${fetch('keys', `(key0 + ${KEYS}u)`, nState / 4)}
    if (tx < ${vectors}u) {
      for (var key = 0u; key < ${KEYS}u * one; key += 4u) {
${unroll(
  4,
  (s) => `        let weight${s} = weights[${KEYS}u * ty + key + ${s}u];
        let value${s} = tile[(key + ${s}u) * ${vectors}u + tx];`,
)}
${eachQuery((q) => unroll(4, (s) => `        o${q} += weight${s}[${q}] * value${s};`))}
      }
    }
    workgroupBarrier();
  }
  tile[thread] = sum;
  workgroupBarrier();
  var whole = vec4f();
  for (var x = 0u; x < ${ACROSS}u * one; x++) { whole += tile[${ACROSS}u * ty + x]; }
  if (tx >= ${vectors}u) { return; }
${eachQuery((q) => `  if (query + ${q}u < ${nCtx}u) { y[(query + ${q}u) * ${nState / 4}u + head + tx] = o${q} / whole[${q}]; }`)}
}`;
  },
};
