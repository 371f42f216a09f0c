import { INTERLEAVED } from '../../engine/int8.ts';
import type { WgslVariant } from '../../engine/wgsl/variant.ts';

/** Pairs of rows side by side, which write neighbouring words, and groups of columns, of which each thread takes one. */
const PAIRS = 32;
const GROUPS = 2;
/** Columns of a group: neighbours in the rows, so that what is fetched for the first serves the others. */
const EACH = 8;

interface Sizes {
  readonly rows: number;
  readonly k: number;
  readonly panelWidth: number;
}

/** How words of the panels are made for one storage type. */
interface Moves {
  columns(k: number): number;
  /** Functions, among them `put(to, row, i, isPair)`: value (or pair of values) i of a row and of the next one, from `to` on. */
  text(sizes: Sizes): string;
  /** What else belongs to a pair of rows, in terms of `row`, `first` (its place among all rows) and `isPair`. */
  rest?(sizes: Sizes): string;
}

const f32: Moves = {
  columns: (k) => k,
  text: ({ k }) => /* wgsl */ `
fn put(to: u32, row: u32, i: u32, isPair: bool) {
  let at = row * ${k}u + source(i);
  w[to] = staged[at];
  w[to + 1u] = select(0u, staged[at + ${k}u], isPair);
}`,
};

/** Two rows in a word. @param half text of a function that gives 16 bits */
function moveHalves(half: string): string {
  return /* wgsl */ `
${half}
fn put(to: u32, row: u32, i: u32, isPair: bool) {
  w[to / 2u] = half(row, i) | (select(0u, half(row + 1u, i), isPair) << 16u);
}`;
}

const f16: Moves = {
  columns: (k) => k,
  text: ({ k }) =>
    moveHalves(/* wgsl */ `
fn half(row: u32, i: u32) -> u32 {
  let at = row * ${k}u + source(i);
  return (staged[at / 2u] >> (16u * (at % 2u))) & 0xffffu;
}`),
};

const int8: Moves = {
  columns: (k) => Math.ceil(k / INTERLEAVED),
  text: ({ k }) =>
    moveHalves(/* wgsl */ `
fn byte(row: u32, i: u32) -> u32 {
  if (i >= ${k}u) { return 0u; }
  let at = row * ${int8.columns(k) * INTERLEAVED}u + source(i);
  return (staged[at / 4u] >> (8u * (at % 4u))) & 0xffu;
}
fn half(row: u32, i: u32) -> u32 { return byte(row, 2u * i) | (byte(row, 2u * i + 1u) << 8u); }`),
  rest: ({ rows, k, panelWidth }) => {
    // In words. The panels are counted, so that matrices with the same k have the same text.
    const integersEach = (int8.columns(k) * panelWidth * INTERLEAVED) / 4;
    const integers = (rows * int8.columns(k) * INTERLEAVED) / 4;
    return /* wgsl */ `
  if (begin > 0u) { return; }
  let panels = arrayLength(&w) / ${integersEach + 2 * panelWidth}u;
  for (var zeros = 0u; zeros < 2u; zeros++) {
    let at = ${integers}u + zeros * ${rows}u + row;
    let to = panels * (${integersEach}u + zeros * ${panelWidth}u) + first;
    w[to] = staged[at];
    w[to + 1u] = select(0u, staged[at + 1u], isPair);
  }`;
  },
};

const MOVES: Readonly<Record<string, Moves>> = { f32, f16, int8 };

function movesOf(c: { dtype(arg: string): string }): Moves {
  return MOVES[c.dtype('w')] ?? f32;
}

export const variants: readonly WgslVariant<'rows' | 'k' | 'panelWidth', 'taps'>[] = [
  {
    // No workgroup memory: what a model is loaded from is slower than any cache.
    name: 'threadPerPair',
    takes: { staged: ['f32', 'f16', 'int8'], w: ['f32', 'f16', 'int8'] },
    words: ['staged', 'w'],
    groups: (c, liveRows) => [
      Math.ceil(movesOf(c).columns(c.dims.k) / (GROUPS * EACH)),
      Math.ceil(liveRows / (2 * PAIRS)),
      1,
    ],
    wgsl: (c) => {
      const { k, panelWidth } = c.dims;
      const { taps } = c.params;
      const moves = movesOf(c);
      const columns = moves.columns(k);
      return /* wgsl */ `
fn source(i: u32) -> u32 { return ${taps === 1 ? 'i' : `i % ${k / taps}u * ${taps}u + i / ${k / taps}u`}; }
${moves.text(c.dims)}
@compute @workgroup_size(${PAIRS * GROUPS})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = 2u * (group.y * ${PAIRS}u + thread % ${PAIRS}u);
  let count = place[1];
  if (row >= count) { return; }
  let isPair = row + 1u < count;
  let first = place[0] + row;
  let begin = ${EACH}u * (group.x * ${GROUPS}u + thread / ${PAIRS}u);
  let panel = first / ${panelWidth}u * ${columns * panelWidth}u + first % ${panelWidth}u;
  for (var i = begin; i < min(begin + ${EACH}u, ${columns}u); i++) { put(panel + i * ${panelWidth}u, row, i, isPair); }
${moves.rest?.(c.dims) ?? ''}
}`;
    },
  },
];
