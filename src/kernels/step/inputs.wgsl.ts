/** What the products of a step take as inputs: a tensor as it is, the residual stream normalized, or the splits of an attention. */
import { LOWEST, unroll } from '../../engine/wgsl/functions.ts';
import { type Reducer, SUM } from '../../engine/wgsl/reducer.ts';
import { EPSILON } from '../norm/epsilon.ts';
import type { ProductInput } from './product.wgsl.ts';

/** x [rows, k]. */
export function plainInput(k: number): ProductInput {
  return {
    functions: '',
    prepare: '',
    shared: () => '',
    value: (row, i) => `x[${row * k}u + ${i}]`,
  };
}

export interface NormSize {
  readonly rows: number;
  readonly k: number;
  /** Of x: [rows, parts, k], of which the sum over parts counts. */
  readonly parts: number;
  readonly threads: number;
  readonly by: Reducer;
}

/**
 * layerNorm(x): every workgroup finds mean and deviation of all rows for itself, in two passes as layerNorm.ts has it, which costs
 * less than a launch. The threads are shared out among the rows.
 */
export function normInput({ rows, k, parts, threads, by }: NormSize): ProductInput {
  const each = threads / 2 ** Math.ceil(Math.log2(rows));
  const sumOf = (name: string, term: string): string => /* wgsl */ `
    var ${name} = 0f;
    if (row < ${rows}u) {
      for (var i = thread % ${each}u; i < ${k}u; i += ${each}u) { ${term} }
    }
    ${name} = rowSum(${name}, thread) / ${k}f;`;
  return {
    functions: /* wgsl */ `
${by.team('rowSum', threads, SUM, each)}
var<workgroup> norms: array<vec2f, ${rows}>;
fn streamOf(row: u32, i: u32) -> f32 {
  let at = row * ${parts * k}u + i;
  return ${Array.from({ length: parts }, (_, p) => `x[at + ${p * k}u]`).join(' + ')};
}`,
    prepare: /* wgsl */ `{
    let row = thread / ${each}u;
    ${sumOf('mean', 'mean += streamOf(row, i);')}
    ${sumOf('variance', 'let d = streamOf(row, i) - mean; variance += d * d;')}
    if (row < ${rows}u && thread % ${each}u == 0u) { norms[row] = vec2f(mean, inverseSqrt(variance + ${EPSILON}f)); }
    workgroupBarrier();
  }
${unroll(rows, (r) => `  let norm${r} = norms[${r}];`)}`,
    shared: (i, id) => `let gamma${id} = gamma[${i}]; let beta${id} = beta[${i}];`,
    value: (row, i, id) => `(streamOf(${row}u, ${i}) - norm${row}.x) * norm${row}.y * gamma${id} + beta${id}`,
  };
}

export interface MergeSize {
  readonly rows: number;
  readonly k: number;
  readonly nHead: number;
  /** Of the keys: partial.ts. */
  readonly splits: number;
  readonly threads: number;
}

/** Attention whose keys were split: each split's sum of values by what it has of all weights. */
export function mergedInput({ rows, k, nHead, splits, threads }: MergeSize): ProductInput {
  const headDim = k / nHead;
  const width = headDim + 4;
  return {
    functions: /* wgsl */ `
var<workgroup> shares: array<f32, ${rows * nHead * splits}>;
fn merged(row: u32, i: u32) -> f32 {
  let first = (row * ${nHead}u + i / ${headDim}u) * ${splits}u;
  var sum = 0f;
  for (var s = first; s < first + ${splits}u; s++) { sum += shares[s] * partial[s * ${width}u + i % ${headDim}u]; }
  return sum;
}`,
    prepare: /* wgsl */ `
  for (var o = thread; o < ${rows * nHead}u; o += ${threads}u) {
    let first = o * ${splits}u;
    var top = ${LOWEST};
    for (var s = first; s < first + ${splits}u; s++) { top = max(top, partial[s * ${width}u + ${headDim}u]); }
    var all = 0f;
    for (var s = first; s < first + ${splits}u; s++) {
      let share = exp(partial[s * ${width}u + ${headDim}u] - top);
      shares[s] = share;
      all += share * partial[s * ${width}u + ${headDim + 1}u];
    }
    for (var s = first; s < first + ${splits}u; s++) { shares[s] /= all; }
  }
  workgroupBarrier();`,
    shared: () => '',
    value: (row, i) => `merged(${row}u, ${i})`,
  };
}

/**
 * `inputs` of `rowsText`: as `mergedInput`, but each thread weighs the splits of what it reads, for a tile's shares of all heads would not
 * fit workgroup memory beside its sums. `partial` in fours.
 */
export function mergedFours({ k, nHead, splits }: Pick<MergeSize, 'k' | 'nHead' | 'splits'>): string {
  const vectors = k / nHead / 4;
  const each = Array.from({ length: splits }, (_, s) => s);
  const weighed = (of: (s: number) => string): string => each.map((s) => `share${s} * ${of(s)}`).join(' + ');
  return /* wgsl */ `
fn inputs(row: u32, four: u32) -> vec4f {
  let first = (row * ${nHead}u + four / ${vectors}u) * ${splits * (vectors + 1)}u;
  let own = first + four % ${vectors}u;
${unroll(splits, (s) => `  let end${s} = partial[first + ${s * (vectors + 1) + vectors}u];`)}
  let top = ${each.reduce((all, s) => (s === 0 ? 'end0.x' : `max(${all}, end${s}.x)`), '')};
${unroll(splits, (s) => `  let share${s} = exp(end${s}.x - top);`)}
  return (${weighed((s) => `partial[own + ${s * (vectors + 1)}u]`)}) / (${weighed((s) => `end${s}.y`)});
}`;
}
