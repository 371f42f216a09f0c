/**
 * Writes frames of MPEG audio whose header and side information are valid and whose data is random. Any bits are codes of some
 * values, so such frames reach what encoders seldom or never write: mixed blocks, intensity stereo of MPEG-2, every Huffman
 * table, layer I.
 */

export interface FrameSpec {
  readonly version: 1 | 2 | 2.5;
  readonly layer: 1 | 2 | 3;
  /** 0 to 2: 44.1, 48, 32 kHz, or a half or quarter of them. */
  readonly rate: number;
  /** 1 to 14. */
  readonly bitRate: number;
  /** 0 stereo, 1 joint stereo, 2 two channels, 3 mono. */
  readonly mode: number;
  readonly modeExtension?: number;
  readonly hasChecksum?: boolean;
}

class BitWriter {
  readonly #bits: number[] = [];

  write(value: number, n: number): void {
    for (let bit = n - 1; bit >= 0; bit--) this.#bits.push((value >> bit) & 1);
  }

  get length(): number {
    return this.#bits.length;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#bits.length / 8);
    for (const [i, bit] of this.#bits.entries()) bytes[i >> 3]! |= bit << (7 - (i & 7));
    return bytes;
  }
}

/** Bits that stay free at the end of a frame: a decoder may read one code too many before it sees that a granule is over. */
const SPARE_BITS = 64;

/** The four bytes. */
export function writeHeader(spec: FrameSpec, padding = 0): Uint8Array<ArrayBuffer> {
  const bits = new BitWriter();
  bits.write(0x7ff, 11);
  bits.write(spec.version === 1 ? 3 : spec.version === 2 ? 2 : 0, 2);
  bits.write(4 - spec.layer, 2);
  bits.write(spec.hasChecksum ? 0 : 1, 1);
  bits.write(spec.bitRate, 4);
  bits.write(spec.rate, 2);
  bits.write(padding, 1);
  bits.write(0, 1);
  bits.write(spec.mode, 2);
  bits.write(spec.modeExtension ?? 0, 2);
  bits.write(4, 4); // original, no emphasis
  return bits.bytes();
}

/**
 * @param nBytes     length of the frame, which its header implies
 * @param random     uniform in [0, 1)
 * @param blockTypes of layer III's last granule in each channel, in place: from them follows what may come now
 */
export function randomFrame(
  spec: FrameSpec,
  nBytes: number,
  random: () => number,
  blockTypes: [number, number] = [0, 0],
): Uint8Array<ArrayBuffer> {
  const below = (n: number): number => Math.floor(random() * n);
  const bits = new BitWriter();
  for (const byte of writeHeader(spec)) bits.write(byte, 8);
  if (spec.hasChecksum) bits.write(below(1 << 16), 16);
  if (spec.layer === 3) writeSideInfo(bits, spec, nBytes, below, blockTypes);
  if (spec.layer === 1) writeAllocation(bits, spec, nBytes, below);
  while (bits.length < 8 * nBytes) bits.write(below(256), Math.min(8, 8 * nBytes - bits.length));
  return bits.bytes();
}

/** Layer I: as many bits for each subband as are left; scale factors and samples may be any bits. */
function writeAllocation(bits: BitWriter, spec: FrameSpec, nBytes: number, below: (n: number) => number): void {
  const nChannels = spec.mode === 3 ? 1 : 2;
  const bound = spec.mode === 1 ? 4 * ((spec.modeExtension ?? 0) + 1) : 32;
  let left = 8 * nBytes - bits.length - 4 * (nChannels * bound + 32 - bound);
  for (let i = 0; i < 32; i++) {
    for (let channel = 0; channel < (i < bound ? nChannels : 1); channel++) {
      const nBits = below(4) === 0 ? below(15) : 0;
      const cost = nBits === 0 ? 0 : 6 * (i < bound ? 1 : nChannels) + 12 * (nBits + 1);
      bits.write(cost <= left ? nBits : 0, 4);
      left -= cost <= left ? cost : 0;
    }
  }
}

function writeSideInfo(
  bits: BitWriter,
  spec: FrameSpec,
  nBytes: number,
  below: (n: number) => number,
  blockTypes: [number, number],
): void {
  const isMpeg1 = spec.version === 1;
  const nChannels = spec.mode === 3 ? 1 : 2;
  const nGranules = isMpeg1 ? 2 : 1;
  const sideBytes = isMpeg1 ? (nChannels === 1 ? 17 : 32) : nChannels === 1 ? 9 : 17;
  const share = Math.floor((8 * (nBytes - sideBytes) - bits.length - SPARE_BITS) / (nGranules * nChannels));
  bits.write(0, isMpeg1 ? 9 : 8); // the main data begins here
  bits.write(0, isMpeg1 ? (nChannels === 1 ? 5 : 3) : nChannels);
  if (isMpeg1) for (let channel = 0; channel < nChannels; channel++) bits.write(below(16), 4);
  for (let i = 0; i < nGranules * nChannels; i++) {
    // A right channel that ends early leaves bands to intensity stereo.
    const isShort = spec.mode === 1 && i % 2 === 1 && below(2) === 0;
    bits.write(Math.min(4095, isShort ? below(share) : share), 12);
    bits.write(below(isShort ? 30 : 289), 9);
    bits.write(100 + below(20), 8); // global gain
    bits.write(below(isMpeg1 ? 16 : 512), isMpeg1 ? 4 : 9);
    const channel = nChannels === 1 ? 0 : ((i % 2) as 0 | 1);
    // Normal or start after normal and stop, short or stop after start and short.
    const last = blockTypes[channel];
    const blockType = last === 1 || last === 2 ? 2 + below(2) : below(2);
    blockTypes[channel] = blockType;
    bits.write(blockType === 0 ? 0 : 1, 1);
    if (blockType === 0) {
      for (let k = 0; k < 3; k++) bits.write(below(32), 5);
      bits.write(below(16), 4);
      bits.write(below(8), 3);
    } else {
      bits.write(blockType, 2);
      bits.write(below(2), 1); // mixed
      for (let k = 0; k < 2; k++) bits.write(below(32), 5);
      for (let k = 0; k < 3; k++) bits.write(below(8), 3);
    }
    if (isMpeg1) bits.write(below(2), 1);
    bits.write(below(2), 1);
    bits.write(below(2), 1);
  }
}
