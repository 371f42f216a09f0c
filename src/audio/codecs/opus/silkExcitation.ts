/**
 * SILK's excitation: pulses, counted for blocks of 16 and split in halves down to each sample, their low bits and signs.
 *
 * @see RFC 6716, sections 4.2.7.7 and 4.2.7.8
 */
import type { OpusRange } from './opusRange.ts';
import {
  EXCITATION_RATE,
  LOW_BIT,
  MINUS_SIGN,
  PULSE_COUNT,
  PULSE_COUNT_WITH_LOW_BITS,
  PULSE_SPLIT,
  QUANTIZATION_OFFSET,
} from './silkPulseTables.ts';
import { UNIFORM_4 } from './silkTables.ts';

const BLOCK_SIZE = 16;
const MAX_LOW_BITS = 10;
/** The symbol in place of a count: one more low bit for each pulse, and the count follows. */
const MORE_LOW_BITS = 17;

/**
 * @param signal    0: inactive, 1: unvoiced, 2: voiced
 * @param hasOffset the larger quantization offset
 * @returns about [-1, 1] before the gain; shape [nSamples]
 */
export function decodeExcitation(
  range: OpusRange,
  nSamples: number,
  signal: 0 | 1 | 2,
  hasOffset: 0 | 1,
): Float32Array<ArrayBuffer> {
  const voiced = signal === 2 ? 1 : 0;
  let seed = range.symbol(UNIFORM_4);
  const rate = range.symbol(EXCITATION_RATE[voiced]);
  const nBlocks = Math.ceil(nSamples / BLOCK_SIZE);
  const nPulses = new Uint8Array(nBlocks);
  const nLowBits = new Uint8Array(nBlocks);
  for (let b = 0; b < nBlocks; b++) {
    let pulses = range.symbol(PULSE_COUNT[rate]!);
    while (pulses === MORE_LOW_BITS) {
      const isLast = ++nLowBits[b]! === MAX_LOW_BITS;
      // After the last low bit the symbol for one more is not coded: the table without its first entry.
      pulses = range.symbol(isLast ? PULSE_COUNT_WITH_LOW_BITS.slice(1) : PULSE_COUNT_WITH_LOW_BITS);
    }
    nPulses[b] = pulses;
  }
  const values = new Int32Array(nBlocks * BLOCK_SIZE);
  for (let b = 0; b < nBlocks; b++) split(range, values, b * BLOCK_SIZE, 0, nPulses[b]!);
  for (let i = 0; i < values.length; i++) {
    for (let bit = nLowBits[Math.floor(i / BLOCK_SIZE)]!; bit > 0; bit--) {
      values[i] = 2 * values[i]! + range.symbol(LOW_BIT);
    }
  }
  for (let i = 0; i < values.length; i++) {
    if (values[i] === 0) continue;
    const chance = MINUS_SIGN[signal][hasOffset][Math.min(nPulses[Math.floor(i / BLOCK_SIZE)]!, 6)]!;
    if (range.symbol([chance, 0]) === 0) values[i] = -values[i]!;
  }
  const excitation = new Float32Array(nSamples);
  for (let i = 0; i < nSamples; i++) {
    const value = values[i]!;
    const level = value * 256 + QUANTIZATION_OFFSET[voiced][hasOffset] - 20 * Math.sign(value);
    seed = (Math.imul(seed, 196314165) + 907633515) | 0;
    excitation[i] = (seed < 0 ? -level : level) / 2 ** 23;
    seed = (seed + value) | 0;
  }
  return excitation;
}

/** Splits `nPulses` between the halves of a part of a block that begins at `at`; `level` 0 is the block, 4 one sample. */
function split(range: OpusRange, values: Int32Array, at: number, level: number, nPulses: number): void {
  if (nPulses === 0) return;
  const tables = PULSE_SPLIT[level];
  if (!tables) {
    values[at] = nPulses;
    return;
  }
  const inFirst = range.symbol(tables[nPulses - 1]!);
  split(range, values, at, level + 1, inFirst);
  split(range, values, at + (BLOCK_SIZE >> (level + 1)), level + 1, nPulses - inFirst);
}
