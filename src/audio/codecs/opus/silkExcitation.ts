/**
 * SILK's excitation: pulses, counted for blocks of 16 and split in halves down to each sample, their low bits and signs.
 *
 * @see RFC 6716, sections 4.2.7.7 and 4.2.7.8
 */
import type { OpusRange } from './opusRange.ts';
import type { F32Values } from './silkFrame.ts';
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

export const BLOCK_SIZE = 16;
export const MAX_LOW_BITS = 10;
/** The symbol in place of a count: one more low bit for each pulse, and the count follows. */
export const MORE_LOW_BITS = 17;

export const MAX_BLOCKS = 20;
/** `PULSE_COUNT_WITH_LOW_BITS` after the last low bit, when the symbol for one more is not coded. */
export const PULSE_COUNT_WITH_ALL_LOW_BITS = PULSE_COUNT_WITH_LOW_BITS.slice(1);

/** Of one channel; its arrays are used for every frame. */
export class SilkExcitation {
  readonly #nPulses = new Uint8Array(MAX_BLOCKS);
  readonly #nLowBits = new Uint8Array(MAX_BLOCKS);
  readonly #values = new Int32Array(MAX_BLOCKS * BLOCK_SIZE);

  /**
   * @param signal    0: inactive, 1: unvoiced, 2: voiced
   * @param hasOffset the larger quantization offset
   * @param out       about [-1, 1] before the gain; the first `nSamples`, at most 320
   */
  read(range: OpusRange, nSamples: number, signal: 0 | 1 | 2, hasOffset: 0 | 1, out: F32Values): void {
    const voiced = signal === 2 ? 1 : 0;
    const values = this.#values;
    let seed = range.symbol(UNIFORM_4);
    this.#readPulses(range, Math.ceil(nSamples / BLOCK_SIZE), PULSE_COUNT[range.symbol(EXCITATION_RATE[voiced])]!);
    this.#readSigns(range, nSamples, MINUS_SIGN[signal][hasOffset]);
    const offset = QUANTIZATION_OFFSET[voiced][hasOffset];
    for (let i = 0; i < nSamples; i++) {
      const value = values[i]!;
      const level = value * 256 + offset - (value > 0 ? 20 : value < 0 ? -20 : 0);
      seed = (Math.imul(seed, 196314165) + 907633515) | 0;
      out[i] = (seed < 0 ? -level : level) / 2 ** 23;
      seed = (seed + value) | 0;
    }
  }

  #readPulses(range: OpusRange, nBlocks: number, counts: readonly number[]): void {
    const values = this.#values;
    const nPulses = this.#nPulses;
    const nLowBits = this.#nLowBits;
    for (let b = 0; b < nBlocks; b++) {
      let pulses = range.symbol(counts);
      let bits = 0;
      while (pulses === MORE_LOW_BITS) {
        pulses = range.symbol(++bits === MAX_LOW_BITS ? PULSE_COUNT_WITH_ALL_LOW_BITS : PULSE_COUNT_WITH_LOW_BITS);
      }
      nPulses[b] = pulses;
      nLowBits[b] = bits;
    }
    values.fill(0);
    for (let b = 0; b < nBlocks; b++) split(range, values, b * BLOCK_SIZE, 0, nPulses[b]!);
    for (let b = 0; b < nBlocks; b++) {
      if (nLowBits[b] === 0) continue;
      for (let i = b * BLOCK_SIZE; i < (b + 1) * BLOCK_SIZE; i++) {
        for (let bit = nLowBits[b]!; bit > 0; bit--) values[i] = 2 * values[i]! + range.symbol(LOW_BIT);
      }
    }
  }

  /** The last block may be longer than the frame. @param chances of a minus, by the pulses in a block */
  #readSigns(range: OpusRange, nSamples: number, chances: readonly number[]): void {
    const values = this.#values;
    for (let from = 0; from < nSamples; from += BLOCK_SIZE) {
      const chance = chances[Math.min(this.#nPulses[from / BLOCK_SIZE]!, 6)]!;
      for (let i = from; i < from + BLOCK_SIZE; i++) {
        if (values[i] !== 0 && range.binary(chance) === 0) values[i] = -values[i]!;
      }
    }
  }
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
