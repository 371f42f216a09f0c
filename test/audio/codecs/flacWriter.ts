/** Writes FLAC files bit by bit, with every kind of subframe that the tests want. */

/** Bits, highest first. */
class BitWriter {
  readonly bytes: number[] = [];
  #filled = 8;

  put(value: number, n: number): void {
    for (let i = n - 1; i >= 0; i--) {
      if (this.#filled === 8) {
        this.bytes.push(0);
        this.#filled = 0;
      }
      const bit = Math.floor(value / 2 ** i) & 1; // two's complement for negative values, too
      this.bytes[this.bytes.length - 1]! |= bit << (7 - this.#filled++);
    }
  }

  unary(n: number): void {
    for (let i = 0; i < n; i++) this.put(0, 1);
    this.put(1, 1);
  }

  align(): void {
    this.#filled = 8;
  }
}

export interface Subframe {
  readonly kind: 'constant' | 'verbatim' | 'fixed' | 'linear';
  /** For fixed and linear prediction; the coefficients make the prediction, newest sample first. */
  readonly coefficients?: readonly number[];
  readonly shift?: number;
  /** Rice parameter of each partition, or -1 for plain integers of `escapeBits`. */
  readonly parameters?: readonly number[];
  readonly escapeBits?: number;
  readonly wasted?: number;
}

export interface FlacSpec {
  readonly sampleRate: number;
  readonly bits: number;
  /** Channels as they are coded: for a stereo assignment above 7, mid or side is already formed. */
  readonly coded: readonly (readonly number[])[];
  readonly subframes: readonly Subframe[];
  /** 8 left/side, 9 side/right, 10 mid/side; else channels - 1. */
  readonly assignment?: number;
  /** Samples a frame. */
  readonly blockSize: number;
  readonly nSamples?: number;
  /** Hz that every frame says, in place of the header alone. */
  readonly frameRate?: number;
  /** Bits that every frame says. */
  readonly frameBits?: 16 | 24;
}

export function flacFile(spec: FlacSpec): Uint8Array {
  const header = new BitWriter();
  for (const c of 'fLaC') header.put(c.charCodeAt(0), 8);
  header.put(0x80, 8);
  header.put(34, 24);
  header.put(spec.blockSize, 16);
  header.put(spec.blockSize, 16);
  header.put(0, 48);
  header.put(spec.sampleRate, 20);
  header.put(spec.coded.length - 1, 3);
  header.put(spec.bits - 1, 5);
  header.put(spec.nSamples ?? spec.coded[0]!.length, 36);
  for (let i = 0; i < 16; i++) header.put(0, 8);
  const parts = [...header.bytes];
  for (let at = 0, frame = 0; at < spec.coded[0]!.length; at += spec.blockSize, frame++) {
    for (const byte of frameBytes(spec, at, frame)) parts.push(byte);
  }
  return Uint8Array.from(parts);
}

function frameBytes(spec: FlacSpec, at: number, number: number): number[] {
  const writer = new BitWriter();
  const block = spec.coded.map((channel) => channel.slice(at, at + spec.blockSize));
  const assignment = spec.assignment ?? spec.coded.length - 1;
  writer.put(0xfff8, 16);
  writer.put(7, 4); // the size follows in 16 bits
  writer.put(spec.frameRate === undefined ? 0 : 13, 4); // sample rate as in the header, or in 16 bits
  writer.put(assignment, 4);
  // Bits as in the header, or by a code; reserved bit.
  writer.put(spec.frameBits === undefined ? 0 : { 16: 4, 24: 6 }[spec.frameBits] * 2, 4);
  writer.put(number, 8);
  writer.put(block[0]!.length - 1, 16);
  if (spec.frameRate !== undefined) writer.put(spec.frameRate, 16);
  writer.put(crc(writer.bytes, 0x07, 8), 8);
  for (const [channel, values] of block.entries()) {
    const isSide = assignment === 9 ? channel === 0 : assignment >= 8 && channel === 1;
    putSubframe(writer, spec.subframes[channel]!, values, spec.bits + (isSide ? 1 : 0));
  }
  writer.align();
  writer.put(crc(writer.bytes, 0x8005, 16), 16);
  return writer.bytes;
}

function putSubframe(writer: BitWriter, subframe: Subframe, given: readonly number[], bits: number): void {
  const { kind, coefficients = [], shift = 0, wasted = 0 } = subframe;
  const values = given.map((v) => v / 2 ** wasted);
  const width = bits - wasted;
  const order = coefficients.length;
  const type = { constant: 0, verbatim: 1, fixed: 8 + order, linear: 31 + order }[kind];
  writer.put(type, 7);
  writer.put(wasted > 0 ? 1 : 0, 1);
  if (wasted > 0) writer.unary(wasted - 1);
  if (kind === 'constant' || kind === 'verbatim') {
    for (const value of kind === 'constant' ? values.slice(0, 1) : values) writer.put(value, width);
    return;
  }
  for (const value of values.slice(0, order)) writer.put(value, width);
  if (kind === 'linear') {
    writer.put(15 - 1, 4); // 15 bits a coefficient
    writer.put(shift, 5);
    for (const coefficient of coefficients) writer.put(coefficient, 15);
  }
  const residual = values.map((v, i) => {
    let sum = 0;
    for (let j = 0; j < order; j++) sum += coefficients[j]! * (values[i - 1 - j] ?? 0);
    return v - Math.floor(sum / 2 ** shift);
  });
  putResidual(writer, residual, order, subframe);
}

function putResidual(writer: BitWriter, residual: readonly number[], order: number, subframe: Subframe): void {
  const { parameters = [4], escapeBits = 0 } = subframe;
  writer.put(0, 2);
  writer.put(Math.log2(parameters.length), 4);
  const partition = residual.length / parameters.length;
  for (const [p, parameter] of parameters.entries()) {
    writer.put(parameter < 0 ? 15 : parameter, 4);
    if (parameter < 0) writer.put(escapeBits, 5);
    for (let i = Math.max(p * partition, order); i < (p + 1) * partition; i++) {
      const value = residual[i]!;
      if (parameter < 0) {
        writer.put(value, escapeBits);
        continue;
      }
      const folded = value >= 0 ? 2 * value : -2 * value - 1;
      writer.unary(Math.floor(folded / 2 ** parameter));
      writer.put(folded % 2 ** parameter, parameter);
    }
  }
}

function crc(bytes: readonly number[], polynomial: number, width: number): number {
  let value = 0;
  for (const byte of bytes) {
    value ^= byte << (width - 8);
    for (let i = 0; i < 8; i++) value = (value << 1) ^ (value & (1 << (width - 1)) ? polynomial : 0);
    value &= 2 ** width - 1;
  }
  return value;
}
