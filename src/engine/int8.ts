/**
 * Weights as int8 with scales, for matrices in panels of P outputs (kernels/matmul/panels.ts):
 *
 *   value = (int8 - zero) * scale
 *
 *   int8 [panels, ceil(k / 2), P, 2]   two inputs of an output side by side, which integer dot products take at once; an
 *                                      odd k is filled up with zeros
 *   f32  [panels, blocks, P]           the scales: an output has one for each block of its inputs
 *   f32  [panels, blocks, P]           the zeros, whole numbers: the integer that stands for 0
 *
 * A block whose values lie on a grid of at most 256 steps keeps them: what was quantised before (8-bit exports, our own files)
 * loses nothing by it. Its zero is 0 where 127 steps to both sides are enough; an export by tensors has a row or two that reach
 * farther to one side. Any other block has the step absmax / 127 and the zero 0, and is rounded to the nearest.
 */

const MAX = 127;
/** Of an integer, and of the difference of two. */
const LEAST = -128;
const SPAN = MAX - LEAST;
/** Inputs of an output that lie side by side. */
export const INTERLEAVED = 2;

export interface Int8Layout {
  readonly panels: number;
  readonly k: number;
  /** Outputs of a panel, each with scales of its own. */
  readonly width: number;
  /** Of inputs that lie side by side. */
  readonly groups: number;
  /** Of inputs that share a scale. */
  readonly blocks: number;
  /** Inputs in one. */
  readonly blockSize: number;
  /** Byte offset of the scales. */
  readonly scales: number;
  /** The same of the zeros. */
  readonly zeros: number;
  readonly bytes: number;
}

/** @param shape [panels, k, P], P a multiple of 4 on devices; `scaleBlock`: even, or infinite for one a row */
export function int8Layout(shape: readonly number[], scaleBlock: number): Int8Layout {
  const [panels = 1, k = 1, width = 1] = shape;
  const blockSize = Math.min(scaleBlock, k);
  const blocks = Math.ceil(k / blockSize);
  const groups = Math.ceil(k / INTERLEAVED);
  const scales = panels * groups * width * INTERLEAVED;
  const zeros = scales + 4 * panels * blocks * width;
  return { panels, k, width, groups, blocks, blockSize, scales, zeros, bytes: 2 * zeros - scales };
}

/** @param values of panels [panels, k, P], in their order */
export function quantize(values: Float32Array, shape: readonly number[], scaleBlock: number): Int8Array {
  const layout = int8Layout(shape, scaleBlock);
  const { width } = layout;
  const stored = new Int8Array(layout.bytes);
  const { scales, zeros } = floatsOf(stored.buffer, layout);
  const block = new Float32Array(layout.blockSize);
  const integers = new Int8Array(layout.blockSize);
  eachBlock(layout, (at, count, panelAt, begin, scaleAt) => {
    for (let i = 0; i < count; i++) block[i] = values[at + i * width]!;
    const { scale, zero } = quantizeRow(block, 0, count, integers, 0);
    scales[scaleAt] = scale;
    zeros[scaleAt] = zero;
    for (let i = 0; i < count; i++) stored[placeOf(panelAt, begin + i, width)] = integers[i]!;
  });
  return stored;
}

/** Scales and zeros of stored weights. */
export function floatsOf(
  buffer: ArrayBuffer,
  { scales, zeros }: Int8Layout,
): Readonly<Record<'scales' | 'zeros', Float32Array<ArrayBuffer>>> {
  const count = (zeros - scales) / 4;
  return { scales: new Float32Array(buffer, scales, count), zeros: new Float32Array(buffer, zeros, count) };
}

/** How the integers of a row are values: (integer - zero) * scale. */
export interface RowScale {
  /** 0 where all are zeros. */
  readonly scale: number;
  /** In int8. */
  readonly zero: number;
}

/** Rows of weights, one after the other, each with one scale. */
export interface ScaledRows {
  /** [rows, k], as `values`. */
  readonly integers: Int8Array<ArrayBuffer>;
  /** [rows] */
  readonly scales: Float32Array<ArrayBuffer>;
  /** [rows] */
  readonly zeros: Int8Array<ArrayBuffer>;
}

/** @param values [rows, k], row-major */
export function quantizeRows(values: Float32Array, rows: number): ScaledRows {
  const k = values.length / rows;
  const integers = new Int8Array(values.length);
  const scales = new Float32Array(rows);
  const zeros = new Int8Array(rows);
  for (let row = 0; row < rows; row++) {
    const { scale, zero } = quantizeRow(values, row * k, (row + 1) * k, integers, row * k);
    scales[row] = scale;
    zeros[row] = zero;
  }
  return { integers, scales, zeros };
}

/** Values `begin` to `end` as integers from `to` on. */
export function quantizeRow(
  values: Float32Array,
  begin: number,
  end: number,
  integers: Int8Array,
  to: number,
): RowScale {
  let largest = 0;
  for (let i = begin; i < end; i++) largest = Math.max(largest, Math.abs(values[i]!));
  if (largest === 0) {
    integers.fill(0, to, to + end - begin);
    return { scale: 0, zero: 0 };
  }
  for (let steps = 1; steps <= SPAN; steps++) {
    const found = onGrid(values, begin, end, steps / largest, integers, to);
    if (found) return found;
  }
  const step = Math.fround(largest / MAX);
  for (let i = begin; i < end; i++)
    integers[to + i - begin] = Math.max(-MAX, Math.min(MAX, Math.round(values[i]! / step)));
  return { scale: step, zero: 0 };
}

/** How far from a whole number of steps an f32 on a grid may be: 255 times its rounding, and the step's. */
const NEAR = 1e-4;

/**
 * Values on a grid of so many steps to 1, as its integers, moved into those of int8 if they are not.
 *
 * @returns the step that the values were made with, to the last bit or next to it: over all of them it rounds least. Undefined
 *   if they lie on no such grid
 */
function onGrid(
  values: Float32Array,
  begin: number,
  end: number,
  perStep: number,
  integers: Int8Array,
  to: number,
): RowScale | undefined {
  let product = 0;
  let square = 0;
  let least = 0;
  let most = 0;
  for (let i = begin; i < end; i++) {
    const value = values[i]! * perStep;
    const whole = Math.round(value);
    if (!(Math.abs(value - whole) < NEAR)) return undefined;
    integers[to + i - begin] = whole;
    product += values[i]! * whole;
    square += whole * whole;
    least = Math.min(least, whole);
    most = Math.max(most, whole);
  }
  if (most - least > SPAN) return undefined;
  const zero = least < -MAX ? LEAST - least : Math.min(0, MAX - most);
  if (zero !== 0) for (let i = begin; i < end; i++) integers[to + i - begin] = Math.round(values[i]! * perStep) + zero;
  return { scale: Math.fround(product / square), zero };
}

/** @returns values of panels [panels, k, P], in their order */
export function dequantize(stored: ArrayBufferView, shape: readonly number[], scaleBlock: number): Float32Array {
  const layout = int8Layout(shape, scaleBlock);
  const { panels, k, width } = layout;
  const values = new Float32Array(panels * k * width);
  // A copy: the floats may lie at an odd address.
  const bytes = new Int8Array(layout.bytes);
  bytes.set(new Int8Array(stored.buffer, stored.byteOffset, layout.bytes));
  const { scales, zeros } = floatsOf(bytes.buffer, layout);
  eachBlock(layout, (at, count, panelAt, begin, scaleAt) => {
    for (let i = 0; i < count; i++)
      values[at + i * width] = (bytes[placeOf(panelAt, begin + i, width)]! - zeros[scaleAt]!) * scales[scaleAt]!;
  });
  return values;
}

/**
 * Visits each block: its first value (the next ones are P apart), its length, where the bytes of its output begin, its first
 * input, and its scale.
 */
function eachBlock(
  { panels, k, width, groups, blocks, blockSize }: Int8Layout,
  visit: (at: number, count: number, panelAt: number, begin: number, scaleAt: number) => void,
): void {
  for (let panel = 0; panel < panels; panel++)
    for (let block = 0; block < blocks; block++)
      for (let lane = 0; lane < width; lane++) {
        const begin = block * blockSize;
        const at = (panel * k + begin) * width + lane;
        const panelAt = (panel * groups * width + lane) * INTERLEAVED;
        visit(at, Math.min(blockSize, k - begin), panelAt, begin, (panel * blocks + block) * width + lane);
      }
}

/** The byte of an input. @param panelAt where the first of its output is */
export function placeOf(panelAt: number, input: number, width: number): number {
  return panelAt + (input >> 1) * width * INTERLEAVED + (input & 1);
}
