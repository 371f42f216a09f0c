/**
 * One frame of FLAC (RFC 9639): header, a subframe a channel (constant, verbatim, fixed or linear prediction with Rice
 * coded residual), checksum. Integers throughout, held in f64: products of 15-bit coefficients and 33-bit samples,
 * 32 of them summed, stay exact there, and the loops are as fast as with int32.
 */

export interface FlacStreamInfo {
  readonly sampleRate: number;
  readonly nChannels: number;
  /** Bits a sample, 4 to 32. */
  readonly bits: number;
  /** Samples of a channel; 0 if unknown. */
  readonly nSamples: number;
}

export interface FlacFrame {
  /** Samples by channel; shape [nChannels][blockSize] */
  readonly channels: readonly Float64Array[];
  /** Where the frame ends in the bytes. */
  readonly end: number;
}

/** Why no frame could be read: `end` if the bytes end within it, `damaged` if they cannot be one. */
export type FlacFailure = 'end' | 'damaged';

class Unreadable extends Error {
  readonly failure: FlacFailure;
  constructor(failure: FlacFailure) {
    super(failure);
    this.failure = failure;
  }
}

/** Bits of `bytes` from a byte position on, highest first. */
class BitReader {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #nBits: number;
  #at = 0;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#nBits = 8 * Math.min(bytes.length - start, 1 << 27);
  }

  /** The next 32 bits, zeros behind the end. */
  #window(): number {
    const at = this.#start + (this.#at >>> 3);
    const shift = this.#at & 7;
    const bytes = this.#bytes;
    const word = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    return shift === 0 ? word : (word << shift) | (bytes[at + 4]! >> (8 - shift));
  }

  #advance(n: number): void {
    this.#at += n;
    if (this.#at > this.#nBits) throw new Unreadable('end');
  }

  /** @param n 0 to 32 */
  unsigned(n: number): number {
    if (n === 0) return 0;
    const value = this.#window() >>> (32 - n);
    this.#advance(n);
    return value;
  }

  /** @param n 0 to 33, two's complement */
  signed(n: number): number {
    if (n > 32) return this.signed(n - 16) * 65536 + this.unsigned(16);
    if (n === 0) return 0;
    const value = this.#window() >> (32 - n);
    this.#advance(n);
    return value;
  }

  /** Zeros before the next one. */
  unary(): number {
    let count = 0;
    for (;;) {
      const zeros = Math.clz32(this.#window());
      if (zeros < 32) {
        this.#advance(zeros + 1);
        return count + zeros;
      }
      this.#advance(32);
      count += 32;
    }
  }

  /** Rice codes into out[from..end): quotient in unary, remainder of `parameter` bits, signs folded in. */
  rice(parameter: number, out: Float64Array, from: number, end: number): void {
    const unit = 2 ** parameter;
    for (let i = from; i < end; i++) {
      const word = this.#window();
      const zeros = Math.clz32(word);
      let folded: number;
      if (zeros + 1 + parameter <= 32) {
        // Both parts stand in one window, as nearly always.
        const rest = parameter === 0 ? 0 : (word << (zeros + 1)) >>> (32 - parameter);
        folded = zeros * unit + rest;
        this.#advance(zeros + 1 + parameter);
      } else {
        folded = this.unary() * unit + this.unsigned(parameter);
      }
      out[i] = folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2;
    }
  }

  alignToByte(): void {
    this.#advance(-this.#at & 7);
  }

  /** Position in the bytes, rounded up. */
  get byteAt(): number {
    return this.#start + Math.ceil(this.#at / 8);
  }
}

/** Reads the frame that starts at `at`, or says why there is none. */
export function readFlacFrame(bytes: Uint8Array, at: number, info: FlacStreamInfo): FlacFrame | FlacFailure {
  // Sync code, then two reserved bits that are 0.
  if (bytes[at] !== 0xff || (bytes[at + 1]! & 0xfe) !== 0xf8) return at + 2 > bytes.length ? 'end' : 'damaged';
  try {
    return readFrame(bytes, at, info);
  } catch (error) {
    if (error instanceof Unreadable) return error.failure;
    throw error;
  }
}

function readFrame(bytes: Uint8Array, at: number, info: FlacStreamInfo): FlacFrame {
  const reader = new BitReader(bytes, at);
  reader.unsigned(16);
  const sizeCode = reader.unsigned(4);
  const rateCode = reader.unsigned(4);
  const assignment = reader.unsigned(4);
  const bitsCode = reader.unsigned(3);
  const reserved = reader.unsigned(1);
  // The frame's or sample's number, coded as UTF-8: as many bytes more as the first one has leading ones, less one.
  const leadingOnes = Math.clz32(~(reader.unsigned(8) << 24));
  for (let i = 1; i < leadingOnes; i++) reader.unsigned(8);
  const blockSize = blockSizeOf(sizeCode, reader);
  if (rateCode === 12) reader.unsigned(8);
  else if (rateCode >= 13) reader.unsigned(16);
  const headerEnd = reader.byteAt;
  const checksum = reader.unsigned(8);
  const nChannels = assignment < 8 ? assignment + 1 : 2;
  const bits = [info.bits, 8, 12, -1, 16, 20, 24, 32][bitsCode]!;
  if (
    crc8(bytes, at, headerEnd) !== checksum ||
    reserved !== 0 ||
    leadingOnes === 1 ||
    leadingOnes > 7 ||
    assignment > 10 ||
    nChannels !== info.nChannels ||
    bits !== info.bits
  ) {
    throw new Unreadable('damaged');
  }
  const channels: Float64Array[] = [];
  for (let channel = 0; channel < nChannels; channel++) {
    // The channel that holds a difference has one bit more.
    const isSide = assignment === 9 ? channel === 0 : assignment >= 8 && channel === 1;
    channels.push(readSubframe(reader, bits + (isSide ? 1 : 0), blockSize));
  }
  reader.alignToByte();
  const bodyEnd = reader.byteAt;
  if (crc16(bytes, at, bodyEnd) !== reader.unsigned(16)) throw new Unreadable('damaged');
  restoreStereo(channels, assignment);
  return { channels, end: reader.byteAt };
}

function blockSizeOf(code: number, reader: BitReader): number {
  if (code === 0) throw new Unreadable('damaged');
  if (code === 1) return 192;
  if (code <= 5) return 144 << code;
  if (code === 6) return reader.unsigned(8) + 1;
  if (code === 7) return reader.unsigned(16) + 1;
  return 1 << code;
}

function readSubframe(reader: BitReader, bits: number, blockSize: number): Float64Array {
  if (reader.unsigned(1) !== 0) throw new Unreadable('damaged');
  const type = reader.unsigned(6);
  const wasted = reader.unsigned(1) === 1 ? reader.unary() + 1 : 0;
  const width = bits - wasted;
  if (width < 1) throw new Unreadable('damaged');
  const out = new Float64Array(blockSize);
  if (type === 0) out.fill(reader.signed(width));
  else if (type === 1) for (let i = 0; i < blockSize; i++) out[i] = reader.signed(width);
  else if (type >= 8 && type <= 12) readFixed(reader, type - 8, width, out);
  else if (type >= 32) readLinear(reader, type - 31, width, out);
  else throw new Unreadable('damaged');
  if (wasted > 0) for (let i = 0; i < blockSize; i++) out[i] = out[i]! * 2 ** wasted;
  return out;
}

/** Prediction by differences: a sample is the residual plus these multiples of those before it. */
const fixedCoefficients = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]];

function readFixed(reader: BitReader, order: number, width: number, out: Float64Array): void {
  if (order > out.length) throw new Unreadable('damaged');
  for (let i = 0; i < order; i++) out[i] = reader.signed(width);
  readResidual(reader, order, out);
  predict(out, fixedCoefficients[order]!, 0);
}

function readLinear(reader: BitReader, order: number, width: number, out: Float64Array): void {
  if (order > out.length) throw new Unreadable('damaged');
  for (let i = 0; i < order; i++) out[i] = reader.signed(width);
  const precision = reader.unsigned(4) + 1;
  const shift = reader.signed(5);
  if (precision === 16 || shift < 0) throw new Unreadable('damaged');
  const coefficients = Array.from({ length: order }, () => reader.signed(precision));
  readResidual(reader, order, out);
  predict(out, coefficients, shift);
}

function predict(out: Float64Array, coefficients: readonly number[], shift: number): void {
  const order = coefficients.length;
  const scale = 2 ** -shift;
  const reversed = Float64Array.from(coefficients).reverse();
  for (let i = order; i < out.length; i++) {
    let sum = 0;
    for (let j = 0, at = i - order; j < order; j++, at++) sum += reversed[j]! * out[at]!;
    out[i] = out[i]! + Math.floor(sum * scale);
  }
}

/** Rice codes in 2^order partitions, each with its own parameter; the highest parameter means plain integers. */
function readResidual(reader: BitReader, order: number, out: Float64Array): void {
  const method = reader.unsigned(2);
  if (method > 1) throw new Unreadable('damaged');
  const parameterBits = method === 0 ? 4 : 5;
  const partitionOrder = reader.unsigned(4);
  const partition = out.length >> partitionOrder;
  if (partition << partitionOrder !== out.length || partition < order) throw new Unreadable('damaged');
  for (let start = 0; start < out.length; start += partition) {
    const parameter = reader.unsigned(parameterBits);
    const end = start + partition;
    const from = start === 0 ? order : start;
    if (parameter === (1 << parameterBits) - 1) {
      const width = reader.unsigned(5);
      for (let i = from; i < end; i++) out[i] = reader.signed(width);
      continue;
    }
    reader.rice(parameter, out, from, end);
  }
}

/** Left/side, side/right and mid/side to left and right. */
function restoreStereo(channels: readonly Float64Array[], assignment: number): void {
  const [a, b] = channels;
  if (assignment < 8 || !a || !b) return;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    if (assignment === 8) b[i] = x - y;
    else if (assignment === 9) a[i] = x + y;
    else {
      const right = x - Math.floor(y / 2); // the lowest bit that mid has lost is that of side
      a[i] = right + y;
      b[i] = right;
    }
  }
}

const crc8Table = crcTable(0x07, 8);
const crc16Table = crcTable(0x8005, 16);

/** Remainders of the polynomial for every byte. */
function crcTable(polynomial: number, width: number): Uint16Array {
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    let value = byte << (width - 8);
    for (let i = 0; i < 8; i++) value = (value << 1) ^ (value & (1 << (width - 1)) ? polynomial : 0);
    return value & ((1 << width) - 1);
  });
}

function crc8(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = crc8Table[value ^ bytes[i]!]!;
  return value;
}

function crc16(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = ((value << 8) & 0xffff) ^ crc16Table[(value >> 8) ^ bytes[i]!]!;
  return value;
}
