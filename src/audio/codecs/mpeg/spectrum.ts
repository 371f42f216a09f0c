/**
 * The spectrum of a layer III granule: Huffman codes to requantised lines, sign * |value| ** (4/3) * 2 ** (exponent / 4).
 * The low lines ("big values") come in pairs from three regions with a table each, those of size 0 or 1 in fours, the rest
 * is zero.
 *
 * @see ISO/IEC 11172-3, 2.4.2.7 and 2.4.3.4.7.1; where the data is longer than `part23Bits` says, as ffmpeg's mpegaudiodec
 */
import { type HuffmanTable, pairTables, quadTables, ROOT_BITS } from './huffman.ts';
import { type MpegBits, window32 } from './mpegBits.ts';
import { EXPONENT_BIAS } from './scaleFactors.ts';
import { type Granule, LINES } from './sideInfo.ts';

/** The largest value: 15 and 13 bits. */
const MAX_VALUE = 15 + (1 << 13);

const ROOT_SHIFT = 32 - ROOT_BITS;

/** ffmpeg keeps lines of a value above 14 as integers of 32 bits, in units of this. */
const ESCAPE_UNIT = 1.759 / 2 ** 28;

/** Such a line as ffmpeg has it. In damaged data it may be too large: without the sign bit it is negative then, or else 0. */
function escaped(line: number): number {
  const units = Math.floor(line / ESCAPE_UNIT + 0.5);
  if (units < 2 ** 31) return units * ESCAPE_UNIT;
  return units < 2 ** 32 ? (units - 2 ** 32) * ESCAPE_UNIT : 0;
}

export class SpectrumDecoder {
  readonly #pairs: readonly (HuffmanTable | undefined)[] = pairTables();
  readonly #quads: readonly Int32Array[] = quadTables();
  readonly #powers43 = new Float64Array(MAX_VALUE + 1);
  readonly #gains = new Float64Array(512);

  constructor() {
    for (let value = 0; value <= MAX_VALUE; value++) this.#powers43[value] = value * Math.cbrt(value);
    for (let exponent = 0; exponent < 512; exponent++) this.#gains[exponent] = 2 ** ((exponent - EXPONENT_BIAS) / 4);
  }

  /**
   * Reads the lines of a granule.
   *
   * @param exponents of each line (`lineExponents`); shape [576]
   * @param end where the granule says that it ends, as bit position
   * @param limit no code begins there or after; `end`, unless the data is damaged
   */
  read(bits: MpegBits, granule: Granule, exponents: Uint16Array, end: number, limit: number): void {
    const { lines } = granule;
    let line = 0;
    for (let region = 0; region < 3; region++) {
      const table = this.#pairs[granule.tables[region]!];
      const regionEnd = line + 2 * granule.regionPairs[region]!;
      if (table) {
        line = this.#readPairs(bits, table, lines, exponents, line, regionEnd, limit);
      } else {
        lines.fill(0, line, regionEnd);
        line = regionEnd;
      }
    }
    line = this.#readQuads(bits, this.#quads[granule.count1Table]!, lines, exponents, line, end, limit);
    lines.fill(0, line);
  }

  /** @returns the first line that was not read */
  #readPairs(
    bits: MpegBits,
    { entries, linearBits }: HuffmanTable,
    lines: Float32Array,
    exponents: Uint16Array,
    from: number,
    to: number,
    limit: number,
  ): number {
    const { bytes } = bits;
    const powers = this.#powers43;
    const gains = this.#gains;
    let { at } = bits;
    let line = from;
    for (; line < to && at < limit; line += 2) {
      let word = window32(bytes, at);
      let entry = entries[word >>> ROOT_SHIFT]!;
      if (entry < 0) entry = entries[(-entry >> 4) + ((word << ROOT_BITS) >>> (32 - (-entry & 15)))]!;
      const length = entry >> 8;
      at += length;
      if ((entry & 0xff) === 0) {
        lines[line] = 0;
        lines[line + 1] = 0;
        continue;
      }
      word <<= length;
      let x = (entry >> 4) & 15;
      let y = entry & 15;
      // Both lines are of one band, for bands have even widths.
      const gain = gains[exponents[line]!]!;
      if (x === 15 && linearBits > 0) {
        x += window32(bytes, at) >>> (32 - linearBits);
        at += linearBits;
        word = window32(bytes, at);
      }
      if (x === 0) {
        lines[line] = 0;
      } else {
        const value = x < 15 ? powers[x]! * gain : escaped(powers[x]! * gain);
        lines[line] = word < 0 ? -value : value;
        word <<= 1;
        at++;
      }
      if (y === 15 && linearBits > 0) {
        y += window32(bytes, at) >>> (32 - linearBits);
        at += linearBits;
        word = window32(bytes, at);
      }
      if (y === 0) {
        lines[line + 1] = 0;
      } else {
        const value = y < 15 ? powers[y]! * gain : escaped(powers[y]! * gain);
        lines[line + 1] = word < 0 ? -value : value;
        at++;
      }
    }
    bits.at = at;
    return line;
  }

  /** @returns the first line that was not read; a last four that reaches beyond `end` is padding and does not count */
  #readQuads(
    bits: MpegBits,
    entries: Int32Array,
    lines: Float32Array,
    exponents: Uint16Array,
    from: number,
    end: number,
    limit: number,
  ): number {
    const { bytes } = bits;
    const gains = this.#gains;
    let { at } = bits;
    let line = from;
    for (; line <= LINES - 4; line += 4) {
      if (at >= limit) return at > end && line > from ? line - 4 : line;
      let word = window32(bytes, at);
      const entry = entries[word >>> ROOT_SHIFT]!;
      at += entry >> 8;
      word <<= entry >> 8;
      for (let i = 0; i < 4; i++) {
        if ((entry & (8 >> i)) === 0) {
          lines[line + i] = 0;
          continue;
        }
        const gain = gains[exponents[line + i]!]!;
        lines[line + i] = word < 0 ? -gain : gain;
        word <<= 1;
        at++;
      }
    }
    return line;
  }
}
