/**
 * One frame of FLAC (RFC 9639): header, one subframe for each channel (constant, verbatim, fixed or linear prediction
 * with Rice coded residual), checksum. All numbers are integers in f64: sums of 32 products of 15-bit coefficients and
 * 33-bit samples stay exact there, and the loops are as fast as with int32.
 */

export interface FlacStreamInfo {
  /** Hz. */
  readonly sampleRate: number;
  /** Most samples of a channel in a frame; 0 if unknown. */
  readonly maxBlockSize: number;
  /** Bits a sample, 4 to 32. */
  readonly bits: number;
  /** Samples of a channel; 0 if unknown. */
  readonly nSamples: number;
}

export interface FlacFrame {
  /** Hz: as the frame says, else the stream. */
  readonly sampleRate: number;
  /** Samples of a channel. */
  readonly blockSize: number;
  /** In the arrays that were given; shape [nChannels][blockSize]. */
  readonly channels: readonly Float64Array[];
  /** Where the frame ends in the bytes. */
  readonly end: number;
}

/** Why there is no frame. */
export interface NoFlacFrame {
  /** Whether the bytes may end within a valid frame. */
  readonly isCut: boolean;
  /** Bytes and samples that were looked at in vain. */
  readonly work: number;
  /** Bits a sample of a frame that is not read for that reason, since they are not those of the stream. */
  readonly otherBits?: number | undefined;
}

/** What an error costs, in bytes read. */
const ERROR_WORK = 500;

/** The bytes are no valid frame, or end within it. */
class Unreadable extends Error {
  readonly isCut: boolean;
  readonly otherBits: number | undefined;

  constructor(isCut = false, otherBits?: number) {
    super();
    this.isCut = isCut;
    this.otherBits = otherBits;
  }
}

/** Reads bits, highest first, from byte `start` on. */
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

  /** The next 32 bits, with zeros after the end. */
  #window(): number {
    const at = this.#start + (this.#at >>> 3);
    const shift = this.#at & 7;
    const bytes = this.#bytes;
    const word = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    return shift === 0 ? word : (word << shift) | (bytes[at + 4]! >> (8 - shift));
  }

  #advance(n: number): void {
    this.#at += n;
    if (this.#at > this.#nBits) throw new Unreadable(true);
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

  /** The number of 0 bits before the next 1 bit, which is consumed too. */
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

  /** Rice codes into out[from..end): quotient in unary, then `parameter` bits of remainder; even codes are positive. */
  rice(parameter: number, out: Float64Array, from: number, end: number): void {
    const unit = 2 ** parameter;
    for (let i = from; i < end; i++) {
      const word = this.#window();
      const zeros = Math.clz32(word);
      let folded: number;
      if (zeros + 1 + parameter <= 32) {
        // Both parts are in one window, as nearly always.
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

  /** The byte position, rounded up. */
  get byteAt(): number {
    return this.#start + Math.ceil(this.#at / 8);
  }
}

/** Arrays that samples of frames are read into, one for each channel: longer ones take their place as they are needed. */
export type FlacMemory = Float64Array<ArrayBuffer>[];

/** Reads the frame at byte `at`. */
export function readFlacFrame(
  bytes: Uint8Array,
  at: number,
  info: FlacStreamInfo,
  memory: FlacMemory,
): FlacFrame | NoFlacFrame {
  if (!mayBeHeader(bytes, at)) return { isCut: false, work: 1 };
  const reader = new BitReader(bytes, at);
  const channels: Float64Array[] = [];
  let nSamples = 0;
  try {
    const { sampleRate, blockSize, nChannels, assignment, bits } = readFrameHeader(reader, bytes, at, info);
    for (let channel = 0; channel < nChannels; channel++) {
      // A difference of two channels needs one bit more.
      const isSide = assignment === 9 ? channel === 0 : assignment >= 8 && channel === 1;
      nSamples += blockSize;
      let samples = memory[channel];
      if (!samples || samples.length < blockSize) {
        samples = new Float64Array(blockSize);
        memory[channel] = samples;
      }
      channels.push(samples.subarray(0, blockSize));
      readSubframe(reader, bits + (isSide ? 1 : 0), channels[channel]!);
    }
    reader.alignToByte();
    const bodyEnd = reader.byteAt;
    if (crc16(bytes, at, bodyEnd) !== reader.unsigned(16)) throw new Unreadable();
    restoreStereo(channels, assignment);
    return { sampleRate, blockSize, channels, end: reader.byteAt };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const { isCut, otherBits } = error;
    return { isCut, otherBits, work: ERROR_WORK + reader.byteAt - at + nSamples };
  }
}

/** Whether the fields of the first four bytes, as far as they are there, have values that mean something. */
function mayBeHeader(bytes: Uint8Array, at: number): boolean {
  // Sync code, then two bits that must be 0.
  if (bytes[at] !== 0xff) return false;
  const second = bytes[at + 1] ?? 0xf8;
  const [third, fourth] = [bytes[at + 2] ?? 0x10, bytes[at + 3] ?? 0];
  const isSizeKnown = third >> 4 !== 0;
  const isRateKnown = (third & 15) !== 15;
  return (second & 0xfe) === 0xf8 && isSizeKnown && isRateKnown && fourth >> 4 <= 10 && (fourth & 1) === 0;
}

/** Depth is that of the stream, as in ffmpeg; rate and channels may be the frame's own. */
function readFrameHeader(reader: BitReader, bytes: Uint8Array, at: number, info: FlacStreamInfo) {
  reader.unsigned(16);
  const sizeCode = reader.unsigned(4);
  const rateCode = reader.unsigned(4);
  const assignment = reader.unsigned(4);
  const bitsCode = reader.unsigned(3);
  const reserved = reader.unsigned(1);
  // The number of the frame or sample, coded as UTF-8: leading ones of the first byte are the count of bytes.
  const leadingOnes = Math.clz32(~(reader.unsigned(8) << 24));
  for (let i = 1; i < leadingOnes; i++) reader.unsigned(8);
  const blockSize = blockSizeOf(sizeCode, reader);
  const sampleRate = sampleRateOf(rateCode, reader) || info.sampleRate;
  const headerEnd = reader.byteAt;
  const checksum = reader.unsigned(8);
  const nChannels = assignment < 8 ? assignment + 1 : 2;
  const { bits } = info;
  if (
    crc8(bytes, at, headerEnd) !== checksum ||
    reserved !== 0 ||
    leadingOnes === 1 ||
    leadingOnes > 7 ||
    assignment > 10 ||
    (info.maxBlockSize > 0 && blockSize > info.maxBlockSize) ||
    bitsCode === 3
  ) {
    throw new Unreadable();
  }
  const ownBits = [bits, 8, 12, bits, 16, 20, 24, 32][bitsCode];
  if (ownBits !== bits) throw new Unreadable(false, ownBits);
  return { sampleRate, blockSize, nChannels, assignment, bits };
}

/** kHz by code. */
const SAMPLE_RATES = [0, 88.2, 176.4, 192, 8, 16, 22.05, 24, 32, 44.1, 48, 96];

/** @returns 0 for that of the stream */
function sampleRateOf(code: number, reader: BitReader): number {
  if (code === 12) return 1000 * reader.unsigned(8);
  if (code === 13) return reader.unsigned(16);
  if (code === 14) return 10 * reader.unsigned(16);
  if (code === 15) throw new Unreadable();
  return 1000 * SAMPLE_RATES[code]!;
}

function blockSizeOf(code: number, reader: BitReader): number {
  if (code === 0) throw new Unreadable();
  if (code === 1) return 192;
  if (code <= 5) return 144 << code;
  if (code === 6) return reader.unsigned(8) + 1;
  if (code === 7) return reader.unsigned(16) + 1;
  return 1 << code;
}

function readSubframe(reader: BitReader, bits: number, out: Float64Array): void {
  if (reader.unsigned(1) !== 0) throw new Unreadable();
  const type = reader.unsigned(6);
  const wasted = reader.unsigned(1) === 1 ? reader.unary() + 1 : 0;
  const width = bits - wasted;
  if (width < 1) throw new Unreadable();
  const blockSize = out.length;
  const fixed = FIXED_COEFFICIENTS[type - 8];
  if (type === 0) out.fill(reader.signed(width));
  else if (type === 1) for (let i = 0; i < blockSize; i++) out[i] = reader.signed(width);
  else if (fixed) readFixed(reader, fixed, width, out);
  else if (type >= 32) readLinear(reader, type - 31, width, out);
  else throw new Unreadable();
  if (wasted > 0) for (let i = 0; i < blockSize; i++) out[i] = out[i]! * 2 ** wasted;
}

/** By order: a sample is the residual plus these multiples of the samples before it, the last one first. */
const FIXED_COEFFICIENTS: readonly (readonly number[])[] = [[], [1], [2, -1], [3, -3, 1], [4, -6, 4, -1]];

function readFixed(reader: BitReader, coefficients: readonly number[], width: number, out: Float64Array): void {
  const order = coefficients.length;
  if (order > out.length) throw new Unreadable();
  for (let i = 0; i < order; i++) out[i] = reader.signed(width);
  readResidual(reader, order, out);
  predict(out, coefficients, 0);
}

function readLinear(reader: BitReader, order: number, width: number, out: Float64Array): void {
  if (order > out.length) throw new Unreadable();
  for (let i = 0; i < order; i++) out[i] = reader.signed(width);
  const precision = reader.unsigned(4) + 1;
  const shift = reader.signed(5);
  if (precision === 16 || shift < 0) throw new Unreadable();
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

/** Rice codes in 2^n partitions, each with its own parameter; the highest parameter stands for plain integers. */
function readResidual(reader: BitReader, order: number, out: Float64Array): void {
  const method = reader.unsigned(2);
  if (method > 1) throw new Unreadable();
  const parameterBits = method === 0 ? 4 : 5;
  const partitionOrder = reader.unsigned(4);
  const partition = out.length >> partitionOrder;
  if (partition << partitionOrder !== out.length || partition < order) throw new Unreadable();
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

/** Left/side (8), side/right (9) and mid/side (10) to left and right. */
function restoreStereo(channels: readonly Float64Array[], assignment: number): void {
  const [a, b] = channels;
  if (assignment < 8 || !a || !b) return;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    const y = b[i]!;
    if (assignment === 8) b[i] = x - y;
    else if (assignment === 9) a[i] = x + y;
    else {
      const right = x - Math.floor(y / 2); // mid has lost its lowest bit, which is that of side
      a[i] = right + y;
      b[i] = right;
    }
  }
}

const CRC8_TABLE = crcTable(0x07, 8);
const CRC16_TABLE = crcTable(0x8005, 16);

/** The checksum of every byte by itself. */
function crcTable(polynomial: number, width: number): Uint16Array {
  return Uint16Array.from({ length: 256 }, (_, byte) => {
    let value = byte << (width - 8);
    for (let i = 0; i < 8; i++) value = (value << 1) ^ (value & (1 << (width - 1)) ? polynomial : 0);
    return value & ((1 << width) - 1);
  });
}

function crc8(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = CRC8_TABLE[value ^ bytes[i]!]!;
  return value;
}

function crc16(bytes: Uint8Array, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) value = ((value << 8) & 0xffff) ^ CRC16_TABLE[(value >> 8) ^ bytes[i]!]!;
  return value;
}
