/**
 * SILK's spectral envelope: line spectral frequencies, coded in two stages, with minimum distances between them.
 *
 * @see RFC 6716, sections 4.2.7.5.1 to 4.2.7.5.4
 */
import type { OpusRange } from './opusRange.ts';
import { LSF_EXTENSION, type LsfTables } from './silkLsfTables.ts';

const STABILIZING_PASSES = 20;

const indices = new Int32Array(16);

/** @param frequencies in Q15 of half the sample rate, rising; filled, shape [order] */
export function decodeLsf(range: OpusRange, tables: LsfTables, isVoiced: boolean, frequencies: Int16Array): void {
  const { order, codebook, selection, stage2, prediction, step } = tables;
  const vector = range.symbol(tables.stage1[isVoiced ? 1 : 0]);
  for (let i = 0; i < order; i++) {
    const index = range.symbol(stage2[choiceAt(selection, vector * order, i) >> 1]!) - 4;
    const extension = index === 4 || index === -4 ? range.symbol(LSF_EXTENSION) : 0;
    indices[i] = index < 0 ? index - extension : index + extension;
  }
  let residual = 0;
  for (let i = order - 1; i >= 0; i--) {
    const own = ((indices[i]! * 1024 - 102 * Math.sign(indices[i]!)) * step) >> 16;
    if (i === order - 1) residual = own;
    else residual = own + ((residual * prediction[choiceAt(selection, vector * order, i) & 1 ? 1 : 0][i]!) >> 8);
    const centre = codebook[vector * order + i]!;
    const before = i > 0 ? codebook[vector * order + i - 1]! : 0;
    const after = i + 1 < order ? codebook[vector * order + i + 1]! : 256;
    const shift = Math.trunc((residual * 16384) / weight(centre - before, after - centre));
    frequencies[i] = Math.min(Math.max(centre * 128 + shift, 0), 32767);
  }
  stabilize(frequencies, tables.spacing);
}

function choiceAt(selection: readonly number[], start: number, i: number): number {
  return (selection[(start + i) >> 1]! >> (4 * (i & 1))) & 15;
}

/** The residual has more weight where frequencies are far apart: the square root of 1 / below + 1 / above, in integers. */
function weight(below: number, above: number): number {
  const square = (Math.trunc(1024 / below) + Math.trunc(1024 / above)) << 16;
  const nBits = 32 - Math.clz32(square);
  const fraction = (square >> (nBits - 8)) & 127;
  const root = ((nBits & 1) !== 0 ? 32768 : 46214) >> ((32 - nBits) >> 1);
  return root + ((213 * fraction * root) >> 16);
}

/** Moves the closest pair apart until all distances are kept; after too many passes, sorts and shifts them instead. */
function stabilize(frequencies: Int16Array, spacing: readonly number[]): void {
  const order = frequencies.length;
  for (let pass = 0; pass < STABILIZING_PASSES; pass++) {
    let worst = 0;
    let at = 0;
    for (let i = 0; i <= order; i++) {
      const below = i > 0 ? frequencies[i - 1]! : 0;
      const above = i < order ? frequencies[i]! : 32768;
      const slack = above - below - spacing[i]!;
      if (slack < worst) {
        worst = slack;
        at = i;
      }
    }
    if (worst === 0) return;
    if (at === 0) frequencies[0] = spacing[0]!;
    else if (at === order) frequencies[order - 1] = 32768 - spacing[order]!;
    else moveApart(frequencies, spacing, at);
  }
  frequencies.sort();
  for (let i = 0; i < order; i++) {
    const min = (i > 0 ? frequencies[i - 1]! : 0) + spacing[i]!;
    if (frequencies[i]! < min) frequencies[i] = min;
  }
  for (let i = order - 1; i >= 0; i--) {
    const max = (i < order - 1 ? frequencies[i + 1]! : 32768) - spacing[i + 1]!;
    if (frequencies[i]! > max) frequencies[i] = max;
  }
}

/** Centres the pair `at - 1` and `at` on its middle, within the room that all other frequencies need. */
function moveApart(frequencies: Int16Array, spacing: readonly number[], at: number): void {
  const half = spacing[at]! >> 1;
  let lowest = half;
  for (let i = 0; i < at; i++) lowest += spacing[i]!;
  let highest = 32768 - half;
  for (let i = spacing.length - 1; i > at; i--) highest -= spacing[i]!;
  const sum = frequencies[at - 1]! + frequencies[at]!;
  const centre = Math.min(Math.max((sum >> 1) + (sum & 1), lowest), highest);
  frequencies[at - 1] = centre - half;
  frequencies[at] = centre - half + spacing[at]!;
}
