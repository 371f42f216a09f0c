/**
 * WGSL of the products of a step: few rows, whose inputs are made on the way (normalized, or merged from the splits of an
 * attention) and whose outputs are finished by the kernel.
 *
 * A workgroup takes 4 to 64 outputs of one part of the inputs. Neighbouring threads read neighbouring fours of a panel, the
 * next ones the next input; each sums every slices-th input, then the slices are added.
 */
import { unroll } from '../../engine/wgsl/functions.ts';
import type { Reducer } from '../../engine/wgsl/reducer.ts';
import { groupsAlong } from './cut.ts';

/** Where the inputs come from. */
export interface ProductInput {
  /** Text outside of functions. */
  readonly functions: string;
  /** Statements before the loop, for all threads alike, so that barriers are allowed. `thread` is the thread's number. */
  readonly prepare: string;
  /** Statements that all rows share for an input; `i` is its number, `id` a suffix for names. */
  shared(i: string, id: string): string;
  /** The input of a row, an f32. */
  value(row: number, i: string, id: string): string;
}

export interface StepProduct {
  readonly rows: number;
  /** Inputs. */
  readonly k: number;
  /** Outputs. */
  readonly n: number;
  readonly panelWidth: number;
  readonly parts: number;
  readonly lanes: number;
  readonly input: (threads: number) => ProductInput;
  readonly by: Reducer;
  /**
   * `fn put(row: u32, column: u32, part: u32, sum: vec4f)` takes outputs 4 column to 4 column + 3, the last four perhaps with
   * some that are not there; and what it needs.
   */
  readonly put: string;
  /** Statements after all outputs were put, after a barrier. `group` and `thread` are known. */
  readonly after?: string;
}

/** Inputs that are summed side by side, so that as many loads are on their way; many rows have loads of their own. */
function inputsAhead(rows: number): number {
  return rows > 2 ? 2 : 4;
}

/** Bytes of workgroup memory for the sums; a shader may have 16 KiB, and the inputs want some. */
const SUMS_BYTES = 10 * 1024;

/** Threads of a workgroup: as many as have two inputs each, or nearly. */
function threadsOf({ k, parts, lanes }: StepProduct): number {
  const inputs = Math.ceil(k / parts);
  return [256, 128].find((threads) => (2 * threads) / lanes <= inputs) ?? 64;
}

export function productGroups(n: number, lanes: number, parts: number): readonly [number, number, number] {
  return [groupsAlong(n, lanes), parts, 1];
}

export function productText(p: StepProduct): string {
  const { rows, k, n, panelWidth, parts, lanes, by } = p;
  const threads = threadsOf(p);
  const ahead = inputsAhead(rows);
  const sliceCount = threads / lanes;
  const perPart = Math.ceil(k / parts);
  const input = p.input(threads);
  const across = panelWidth / 4;
  const lastColumn = Math.ceil(n / panelWidth) * across - 1;
  const slices = by.slices({
    ...{ threads, rows, lanes, bytes: SUMS_BYTES },
    put: `let column = group.x * ${lanes}u + lane;
    if (column < ${Math.ceil(n / 4)}u) { put(row, column, group.y, sum); }`,
  });
  const add = (i: string, id: string): string => `{
      ${input.shared(i, id)}
${unroll(rows, (r) => `      sum${r} += (${input.value(r, i, id)}) * w${id};`)}
    }`;
  return /* wgsl */ `
${input.functions}
${p.put}
${slices.functions}
${by.main(
  threads,
  `  ${input.prepare}
  let column = min(group.x * ${lanes}u + thread % ${lanes}u, ${lastColumn}u);
  let wAt = (column / ${across}u) * ${k * across}u + column % ${across}u;
  let begin = group.y * ${perPart}u;
  let end = min(begin + ${perPart}u, ${k}u);
${unroll(rows, (r) => `  var sum${r} = vec4f();`)}
  var i = begin + thread / ${lanes}u;
  for (; i + ${(ahead - 1) * sliceCount}u < end; i += ${ahead * sliceCount}u) {
${unroll(ahead, (a) => `    let w${a} = load4_w(wAt + (i + ${a * sliceCount}u) * ${across}u);`)}
${unroll(ahead, (a) => `    ${add(`(i + ${a * sliceCount}u)`, String(a))}`)}
  }
  for (; i < end; i += ${sliceCount}u) {
    let w = load4_w(wAt + i * ${across}u);
    ${add('i', '')}
  }
${slices.statements}
${p.after === undefined ? '' : `  workgroupBarrier();\n${p.after}`}`,
)}`;
}

/**
 * `put` of products whose outputs are stored in parts: the first part has the bias and the residual, all of whose parts it adds up.
 * `bias`, `residual` and `y` in groups of four.
 */
export function putParts({
  n,
  parts,
  residualParts = 0,
  gelu = '',
}: {
  readonly n: number;
  readonly parts: number;
  /** 0: there is no residual. */
  readonly residualParts?: number;
  /** Its text, where it is wanted. */
  readonly gelu?: string;
}): string {
  const at = (part: string, count: number): string => `(row * ${count}u + ${part}) * ${n / 4}u + column`;
  return /* wgsl */ `
${gelu}
fn put(row: u32, column: u32, part: u32, sum: vec4f) {
  var value = sum;
  if (part == 0u) {
    value += bias[column];
    ${residualParts > 0 ? `for (var p = 0u; p < ${residualParts}u; p++) { value += residual[${at('p', residualParts)}]; }` : ''}
  }
  ${gelu === '' ? '' : 'value = gelu4(value);'}
  y[${at('part', parts)}] = value;
}`;
}
