/** The parts of the MPEG audio decoder against the formulas they stand for. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cosine32 } from '../../../../src/audio/codecs/mpeg/cosine32.ts';
import { fixedCosine32 } from '../../../../src/audio/codecs/mpeg/fixedCosine32.ts';
import { pairTables, quadTables, ROOT_BITS } from '../../../../src/audio/codecs/mpeg/huffman.ts';
import { LONG_WINDOWS, longBlock, shortBlocks, silentBlock } from '../../../../src/audio/codecs/mpeg/imdct.ts';
import { LONG_BANDS, LONG_STARTS, SHORT_BANDS } from '../../../../src/audio/codecs/mpeg/scaleFactorBands.ts';
import { SynthesisFilter } from '../../../../src/audio/codecs/mpeg/synthesis.ts';
import { synthesisWindow } from '../../../../src/audio/codecs/mpeg/synthesisWindow.ts';
import { noise } from '../../sounds.ts';

const test = suite('mpegParts');

function near(ours: ArrayLike<number>, wanted: ArrayLike<number>, tolerance: number, what: string): void {
  assert.is(ours.length, wanted.length, what);
  for (let i = 0; i < wanted.length; i++) {
    assert.ok(Math.abs(ours[i]! - wanted[i]!) <= tolerance, `${what}, value ${i}: ${ours[i]}, not ${wanted[i]}`);
  }
}

/** Length of the code of each value, walking through a table with every pattern of `bits` bits. */
function codeLengths(entries: Int32Array, bits: number): Map<number, number> {
  const lengths = new Map<number, number>();
  for (let pattern = 0; pattern < 1 << bits; pattern++) {
    const word = pattern << (32 - bits);
    let entry = entries[word >>> (32 - ROOT_BITS)]!;
    if (entry < 0) entry = entries[(-entry >> 4) + ((word << ROOT_BITS) >>> (32 - (-entry & 15)))]!;
    const known = lengths.get(entry & 255) ?? entry >> 8;
    assert.is(known, entry >> 8);
    lengths.set(entry & 255, known);
  }
  return lengths;
}

test('every Huffman table is complete, has each pair once, and short codes for small values', () => {
  const sizes = [0, 2, 3, 3, 0, 4, 4, 6, 6, 6, 8, 8, 8, 16, 0, 16];
  for (const [number, table] of pairTables().entries()) {
    const size = sizes[number] ?? 16;
    assert.is(table !== undefined, size > 0, `table ${number}`);
    if (!table) continue;
    const lengths = codeLengths(table.entries, 19);
    assert.is(lengths.size, size * size, `table ${number}`);
    let sum = 0;
    for (const length of lengths.values()) sum += 2 ** -length;
    assert.is(sum, 1, `table ${number}`);
    for (let x = 0; x < size; x++) for (let y = 0; y < size; y++) assert.ok(lengths.has(16 * x + y));
    assert.is(table.linearBits > 0, number >= 16, `table ${number}`);
  }
  // Some codes, as they stand in the standard.
  const lengthOf = (table: number, x: number, y: number): number | undefined =>
    codeLengths(pairTables()[table]!.entries, 19).get(16 * x + y);
  assert.equal([lengthOf(1, 0, 1), lengthOf(1, 1, 0)], [3, 2]);
  assert.equal([lengthOf(13, 0, 0), lengthOf(13, 15, 14), lengthOf(13, 15, 15)], [1, 19, 16]);
  assert.equal([lengthOf(24, 15, 15), lengthOf(24, 0, 15), lengthOf(16, 15, 15)], [4, 9, 8]);
  for (const [number, entries] of quadTables().entries()) {
    const lengths = codeLengths(entries, ROOT_BITS);
    assert.equal([lengths.size, lengths.get(0), lengths.get(15)], [16, number === 0 ? 1 : 4, number === 0 ? 6 : 4]);
  }
});

test('scale factor bands cover the spectrum', () => {
  const sum = (widths: readonly number[]): number => widths.reduce((a, b) => a + b, 0);
  for (const [index, widths] of LONG_BANDS.entries()) {
    assert.equal([widths.length, sum(widths)], [22, 576]);
    assert.equal([SHORT_BANDS[index]!.length, sum(SHORT_BANDS[index]!)], [13, 192]);
    // Mixed blocks: the long bands end where the fourth short one begins.
    assert.is(sum(widths.slice(0, index <= 2 ? 8 : 6)), 3 * sum(SHORT_BANDS[index]!.slice(0, 3)));
  }
  // As in ffmpeg to version 6; the standard has 332 (`scaleFactorBands.ts`).
  assert.is(LONG_STARTS[4]![18], 330);
});

test('cosine transform of 32', () => {
  for (let seed = 1; seed <= 4; seed++) {
    const x = Float64Array.from(noise(40, seed));
    const wanted = Array.from({ length: 32 }, (_, n) => {
      let sum = 0;
      for (let k = 0; k < 32; k++) sum += x[5 + k]! * Math.cos((Math.PI / 64) * n * (2 * k + 1));
      return sum;
    });
    const y = new Float64Array(36);
    cosine32(x, 5, y, 3);
    near(y.subarray(3, 35), wanted, 1e-12, `seed ${seed}`);
    assert.equal([...y.subarray(0, 3), y[35]], [0, 0, 0, 0]);
  }
});

test('cosine transform of 32 in integers', () => {
  const x = Float64Array.from(noise(32, 9), (v) => Math.round(v * 2 ** 23) / 2 ** 23);
  const [exact, rounded] = [new Float64Array(32), new Float64Array(32)];
  cosine32(x, 0, exact, 0);
  fixedCosine32(x, 0, rounded, 0);
  for (const value of rounded) assert.is(value * 2 ** 23, Math.round(value * 2 ** 23));
  // A product loses up to one unit, which later divisors make 10 * 5 * 2.6 * 1.3 * 0.7 at most; two of them meet in a sum.
  near(rounded, exact, 250 * 2 ** -23, 'in units of 2 ** -23');
  assert.not.equal(rounded, exact);
});

/** x[n] = sum of X[k] cos(pi / (2 N) (2n + 1 + N / 2)(2k + 1)), N = 2 * lines. */
function plainImdct(lines: readonly number[]): number[] {
  const n2 = 2 * lines.length;
  return Array.from({ length: n2 }, (_, n) =>
    lines.reduce((sum, x, k) => sum + x * Math.cos((Math.PI / (2 * n2)) * (2 * n + 1 + n2 / 2) * (2 * k + 1)), 0),
  );
}

function plainWindow(type: number, n: number): number {
  const long = Math.sin((Math.PI / 36) * (n + 0.5));
  if (type === 1) return n < 18 ? long : n < 24 ? 1 : n < 30 ? Math.sin((Math.PI / 12) * (n - 18 + 0.5)) : 0;
  if (type === 3) return n >= 18 ? long : n >= 12 ? 1 : n >= 6 ? Math.sin((Math.PI / 12) * (n - 6 + 0.5)) : 0;
  return long;
}

test('windowed, overlapped transforms of a subband', () => {
  const lines = noise(576, 1);
  for (const subband of [0, 1, 7, 30]) {
    const own = Array.from(lines.subarray(18 * subband, 18 * subband + 18));
    for (const type of [0, 1, 2, 3]) {
      const x = new Array<number>(36).fill(0);
      if (type === 2) {
        for (let block = 0; block < 3; block++) {
          const short = plainImdct(own.filter((_, i) => i % 3 === block));
          for (let n = 0; n < 12; n++) x[6 + 6 * block + n]! += short[n]! * Math.sin((Math.PI / 12) * (n + 0.5));
        }
      } else {
        for (const [n, value] of plainImdct(own).entries()) x[n] = value * plainWindow(type, n);
      }
      const signed = x.map((value, n) => (subband % 2 === 1 && n % 2 === 1 ? -value : value));
      const overlap = Float64Array.from(noise(576, 2));
      // Before short windows there is nothing here.
      if (type === 2) for (let n = 12; n < 18; n++) overlap[18 * subband + n] = 0;
      const before = overlap.slice(18 * subband, 18 * subband + 18);
      const out = new Float64Array(2 * 576);
      if (type === 2) shortBlocks(lines, subband, overlap, out, 576);
      else longBlock(lines, subband, LONG_WINDOWS[4 * (subband & 1) + type]!, overlap, out, 576);
      const what = `subband ${subband}, type ${type}`;
      const first = Array.from({ length: 18 }, (_, n) => out[576 + 32 * n + subband]!);
      near(
        first,
        signed.slice(0, 18).map((value, n) => value + before[n]!),
        1e-12,
        what,
      );
      near(overlap.slice(18 * subband, 18 * subband + 18), signed.slice(18), 1e-12, `${what}, overlap`);
      silentBlock(subband, overlap, out, 0);
      near(
        Array.from({ length: 18 }, (_, n) => out[32 * n + subband]!),
        signed.slice(18),
        1e-12,
        `${what}, silent`,
      );
      assert.ok(overlap.subarray(18 * subband, 18 * subband + 18).every((value) => value === 0));
    }
  }
});

test('synthesis filter bank, by the flow chart of the standard', () => {
  const nMoments = 40;
  const subbands = Float64Array.from(noise(32 * nMoments, 5));
  const filter = new SynthesisFilter();
  const v = new Float64Array(1024);
  for (let moment = 0; moment < nMoments; moment++) {
    v.copyWithin(64, 0, 960);
    for (let i = 0; i < 64; i++) {
      v[i] = 0;
      for (let k = 0; k < 32; k++) {
        v[i]! += Math.cos(((16 + i) * (2 * k + 1) * Math.PI) / 64) * subbands[32 * moment + k]!;
      }
    }
    const wanted = Array.from({ length: 32 }, (_, j) => {
      let sum = 0;
      for (let i = 0; i < 8; i++) {
        sum += v[128 * i + j]! * synthesisWindow(64 * i + j) + v[128 * i + 96 + j]! * synthesisWindow(64 * i + 32 + j);
      }
      return sum;
    });
    near(filter.step(subbands, 32 * moment), wanted, 1e-12, `moment ${moment}`);
  }
});

test.run();
