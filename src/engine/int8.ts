/**
 * Weights as int8 with scales, for matrices in panels of P outputs (kernels/matmul/panels.ts): value = int8 * scale.
 *
 *   int8 [panels, ceil(k / 2), P, 2]   two inputs of an output side by side, which integer dot products take at once; an
 *                                      odd k is filled up with zeros
 *   f32  [panels, blocks, P]           the scales: an output has one for each block of its inputs
 *
 * An integer is in [-127, 127]. A block whose values lie on a grid of that many steps keeps them: what was quantised before
 * (8-bit exports, our own files) loses nothing by it. Any other block has the step absmax / 127, and is rounded to the
 * nearest.
 */

const MAX = 127;
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
  readonly bytes: number;
}

/** @param shape [panels, k, P], P a multiple of 4 on devices; `scaleBlock`: even, or infinite for one a row */
export function int8Layout(shape: readonly number[], scaleBlock: number): Int8Layout {
  const [panels = 1, k = 1, width = 1] = shape;
  const blockSize = Math.min(scaleBlock, k);
  const blocks = Math.ceil(k / blockSize);
  const groups = Math.ceil(k / INTERLEAVED);
  const scales = panels * groups * width * INTERLEAVED;
  return { panels, k, width, groups, blocks, blockSize, scales, bytes: scales + 4 * panels * blocks * width };
}

/** @param values of panels [panels, k, P], in their order */
export function quantize(values: Float32Array, shape: readonly number[], scaleBlock: number): Int8Array {
  const layout = int8Layout(shape, scaleBlock);
  const { width } = layout;
  const stored = new Int8Array(layout.bytes);
  const scales = new Float32Array(stored.buffer, layout.scales);
  const block = new Float32Array(layout.blockSize);
  eachBlock(layout, (at, count, panelAt, begin, scaleAt) => {
    for (let i = 0; i < count; i++) block[i] = values[at + i * width]!;
    const step = stepOf(block, 0, count);
    scales[scaleAt] = step;
    if (step === 0) return;
    for (let i = 0; i < count; i++) stored[placeOf(panelAt, begin + i, width)] = inSteps(block[i]!, step);
  });
  return stored;
}

/** Rows of weights, one after the other, each with one scale. */
export interface ScaledRows {
  /** [rows, k], as `values`. */
  readonly integers: Int8Array<ArrayBuffer>;
  /** [rows] */
  readonly scales: Float32Array<ArrayBuffer>;
}

/** @param values [rows, k], row-major */
export function quantizeRows(values: Float32Array, rows: number): ScaledRows {
  const k = values.length / rows;
  const integers = new Int8Array(values.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const step = stepOf(values, row * k, (row + 1) * k);
    scales[row] = step;
    if (step === 0) continue;
    for (let at = row * k; at < (row + 1) * k; at++) integers[at] = inSteps(values[at]!, step);
  }
  return { integers, scales };
}

/** @returns values of panels [panels, k, P], in their order */
export function dequantize(stored: ArrayBufferView, shape: readonly number[], scaleBlock: number): Float32Array {
  const layout = int8Layout(shape, scaleBlock);
  const { panels, k, width } = layout;
  const values = new Float32Array(panels * k * width);
  // A copy: the scales may lie at an odd address.
  const bytes = new Int8Array(layout.bytes);
  bytes.set(new Int8Array(stored.buffer, stored.byteOffset, layout.bytes));
  const scales = new Float32Array(bytes.buffer, layout.scales);
  eachBlock(layout, (at, count, panelAt, begin, scaleAt) => {
    for (let i = 0; i < count; i++)
      values[at + i * width] = bytes[placeOf(panelAt, begin + i, width)]! * scales[scaleAt]!;
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

/** The byte of an input. */
function placeOf(panelAt: number, input: number, width: number): number {
  return panelAt + (input >> 1) * width * INTERLEAVED + (input & 1);
}

function inSteps(value: number, step: number): number {
  return Math.max(-MAX, Math.min(MAX, Math.round(value / step)));
}

/** How far from a whole number of steps an f32 on a grid may be: 127 times its rounding, and the step's. */
const NEAR = 1e-4;

/** The step of the grid that the values `begin` to `end` lie on, or the one that the largest asks for; 0 for zeros. */
function stepOf(values: Float32Array, begin: number, end: number): number {
  let largest = 0;
  for (let i = begin; i < end; i++) largest = Math.max(largest, Math.abs(values[i]!));
  if (largest === 0) return 0;
  for (let steps = 1; steps <= MAX; steps++) {
    const perStep = steps / largest;
    if (!areWhole(values, begin, end, perStep)) continue;
    // What rounded least, over all of them: the step that the values were made with, to the last bit or next to it.
    let product = 0;
    let square = 0;
    for (let i = begin; i < end; i++) {
      const whole = Math.round(values[i]! * perStep);
      product += values[i]! * whole;
      square += whole * whole;
    }
    return Math.fround(product / square);
  }
  return Math.fround(largest / MAX);
}

function areWhole(values: Float32Array, begin: number, end: number, perStep: number): boolean {
  for (let i = begin; i < end; i++) {
    const value = values[i]! * perStep;
    if (!(Math.abs(value - Math.round(value)) < NEAR)) return false;
  }
  return true;
}
