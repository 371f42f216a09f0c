/**
 * The side information of a layer III frame: where its main data begins, and how each granule (576 lines of one channel)
 * is coded.
 *
 * @see ISO/IEC 11172-3, 2.4.1.7; ISO/IEC 13818-3, 2.4.1.7; the region sizes at 8 kHz as in ffmpeg's mpegaudiodec
 */
import type { MpegFrame } from '../../containers/mpegFrame.ts';
import type { MpegBits } from './mpegBits.ts';
import { LONG_STARTS } from './scaleFactorBands.ts';

export const LINES = 576;
export const SHORT_BLOCKS = 2;

/** One granule of one channel; written anew each frame. */
export class Granule {
  /** Bits of scale factors and Huffman codes together. */
  part23Bits = 0;
  /** Pairs of lines coded as big values, at most 288. */
  bigValues = 0;
  globalGain = 0;
  scaleFactorCompress = 0;
  /** 0 normal, 1 start, 2 three short windows, 3 stop. */
  blockType = 0;
  /** The lowest two subbands have long windows whatever the type says. */
  isMixed = false;
  readonly tables = new Uint8Array(3);
  /** Pairs of each of the three regions of big values. */
  readonly regionPairs = new Uint16Array(3);
  readonly subblockGain = new Uint8Array(3);
  usesPreemphasis = false;
  /** 1 or 2: a step of a scale factor is 2 ** (-shift / 2). */
  scaleFactorShift = 1;
  /** Which of the two tables codes the lines of size 1. */
  count1Table = 0;
  /** Bits 8, 4, 2, 1: groups of bands that take over the first granule's scale factors. */
  sharedGroups = 0;
  /** Long bands, and where short ones begin: 22 and 13, or 0 and 0, or between them in mixed blocks. */
  longEnd = 22;
  shortStart = 13;
  readonly scaleFactors = new Uint8Array(40);
  /** Requantised spectrum. */
  readonly lines = new Float32Array(LINES);
}

export interface SideInfo {
  /** How many bytes before this frame's main data its first granule begins. */
  readonly mainDataBegin: number;
  readonly nGranules: 1 | 2;
}

/**
 * Reads the side information into `granules` ([channel][granule]).
 *
 * @returns undefined if it cannot be: more than 576 big values, or a window switch to normal blocks
 */
export function readSideInfo(
  bits: MpegBits,
  header: MpegFrame,
  granules: readonly (readonly Granule[])[],
): SideInfo | undefined {
  const { nChannels, version } = header;
  const isMpeg1 = version === 1;
  const mainDataBegin = bits.read(isMpeg1 ? 9 : 8);
  // Private bits.
  bits.read(isMpeg1 ? (nChannels === 2 ? 3 : 5) : nChannels);
  const nGranules = isMpeg1 ? 2 : 1;
  for (let channel = 0; channel < nChannels; channel++) {
    granules[channel]![0]!.sharedGroups = 0;
    if (isMpeg1) granules[channel]![1]!.sharedGroups = bits.read(4);
  }
  for (let i = 0; i < nGranules; i++) {
    for (let channel = 0; channel < nChannels; channel++) {
      if (!readGranule(bits, header, granules[channel]![i]!)) return undefined;
    }
  }
  return { mainDataBegin, nGranules };
}

function readGranule(bits: MpegBits, header: MpegFrame, granule: Granule): boolean {
  const isMpeg1 = header.version === 1;
  granule.part23Bits = bits.read(12);
  granule.bigValues = bits.read(9);
  if (granule.bigValues > LINES / 2) return false;
  // M/S stereo without intensity is scaled by sqrt(1/2) here.
  granule.globalGain = bits.read(8) - (header.modeExtension === 2 ? 2 : 0);
  granule.scaleFactorCompress = bits.read(isMpeg1 ? 4 : 9);
  let ends: [number, number];
  if (bits.read(1) === 1) {
    granule.blockType = bits.read(2);
    if (granule.blockType === 0) return false;
    granule.isMixed = bits.read(1) === 1;
    for (let i = 0; i < 2; i++) granule.tables[i] = bits.read(5);
    for (let i = 0; i < 3; i++) granule.subblockGain[i] = bits.read(3);
    ends = [switchedRegionEnd(header.rateIndex, granule.blockType), LINES];
  } else {
    granule.blockType = 0;
    granule.isMixed = false;
    for (let i = 0; i < 3; i++) granule.tables[i] = bits.read(5);
    const [bands0, bands1] = [bits.read(4) + 1, bits.read(3) + 1];
    const starts = LONG_STARTS[header.rateIndex]!;
    ends = [starts[bands0]!, starts[Math.min(bands0 + bands1, 22)]!];
  }
  const end0 = Math.min(ends[0] / 2, granule.bigValues);
  const end1 = Math.min(ends[1] / 2, granule.bigValues);
  granule.regionPairs.set([end0, end1 - end0, granule.bigValues - end1]);
  const isShort = granule.blockType === SHORT_BLOCKS;
  granule.longEnd = !isShort ? 22 : !granule.isMixed ? 0 : isMpeg1 ? 8 : 6;
  granule.shortStart = !isShort ? 13 : granule.isMixed ? 3 : 0;
  granule.usesPreemphasis = isMpeg1 && bits.read(1) === 1;
  granule.scaleFactorShift = bits.read(1) + 1;
  granule.count1Table = bits.read(1);
  return true;
}

/** First line of the second region where windows switch. */
function switchedRegionEnd(rateIndex: number, blockType: number): number {
  if (blockType === SHORT_BLOCKS) return rateIndex === 8 ? 72 : 36;
  return rateIndex <= 2 ? 36 : rateIndex === 8 ? 108 : 54;
}
