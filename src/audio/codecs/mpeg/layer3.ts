/**
 * Layer III: frames whose main data may begin in frames before (the bit reservoir), to subband samples.
 *
 * @see ISO/IEC 11172-3, 2.4.1.7, 2.4.3.4; ISO/IEC 13818-3, 2.4.3.2; what is kept for the next frame, and what becomes of a
 *   frame whose main data is missing or damaged, as in ffmpeg's mpegaudiodec
 */
import type { MpegFrame } from '../../containers/mpegFrame.ts';
import { hybridSynthesis, synthesizeBlocks } from './hybrid.ts';
import { SUBBAND_LINES, SUBBANDS } from './imdct.ts';
import { MpegBits } from './mpegBits.ts';
import { lineExponents, readScaleFactors1, readScaleFactors2 } from './scaleFactors.ts';
import { Granule, LINES, readSideInfo } from './sideInfo.ts';
import { SpectrumDecoder } from './spectrum.ts';
import { decodeStereo } from './stereo.ts';

/** What a frame may refer back to is at most 511 bytes. */
const RESERVOIR_BYTES = 512;
/** Zeros after the main data: more than 288 pairs of the longest codes. */
const PADDING_BYTES = 2048;

export class Layer3 {
  readonly #granules = [0, 1].map(() => [new Granule(), new Granule()]);
  readonly #overlaps = [0, 1].map(() => new Float64Array(LINES));
  readonly #spectrum = new SpectrumDecoder();
  readonly #exponents = new Uint16Array(LINES);
  /** The reservoir, then this frame's main data, then zeros. */
  readonly #main = new MpegBits(new Uint8Array(4096));
  #reservoirBytes = 0;

  /**
   * @param frame bits of the frame, at its side information
   * @param frameBytes where it ends
   * @param subbands of each channel; shape [36, 32], of which MPEG-2 fills a half
   * @returns moments filled, 18 or 36, or undefined if the side information cannot be
   */
  decode(
    frame: MpegBits,
    frameBytes: number,
    header: MpegFrame,
    subbands: readonly Float64Array[],
  ): number | undefined {
    const sideInfo = readSideInfo(frame, header, this.#granules);
    if (!sideInfo) {
      this.#keepEnd(frame.bytes, frameBytes);
      return undefined;
    }
    const { nGranules } = sideInfo;
    const mainBytes = this.#append(frame.bytes, frame.at >> 3, frameBytes);
    const main = this.#main;
    const { nChannels } = header;
    const begin = 8 * sideInfo.mainDataBegin;
    // Granules that begin before what is there are silent, and take their share of it.
    let available = 8 * this.#reservoirBytes;
    let first = 0;
    for (; first < nGranules && available >> 3 < sideInfo.mainDataBegin; first++) {
      for (let channel = 0; channel < nChannels; channel++) {
        const granule = this.#granules[channel]![first]!;
        available += granule.part23Bits;
        granule.lines.fill(0);
        const from = first * SUBBAND_LINES * SUBBANDS;
        synthesizeBlocks(granule, this.#overlaps[channel]!, subbands[channel]!, from);
      }
    }
    main.at = Math.min(Math.max(0, available - begin), 8 * mainBytes + 8);
    for (let i = first; i < nGranules; i++) this.#decodeGranule(i, header, mainBytes, subbands);

    const read = (main.at + 7) >> 3;
    if (read > mainBytes) {
      this.#keepEnd(frame.bytes, frameBytes);
    } else {
      const kept = Math.min(mainBytes - read, RESERVOIR_BYTES);
      main.bytes.copyWithin(0, mainBytes - kept, mainBytes);
      this.#reservoirBytes = kept;
    }
    return nGranules * SUBBAND_LINES;
  }

  #decodeGranule(i: number, header: MpegFrame, mainBytes: number, subbands: readonly Float64Array[]): void {
    const main = this.#main;
    const { nChannels, rateIndex } = header;
    const mainBits = 8 * mainBytes;
    for (let channel = 0; channel < nChannels; channel++) {
      const granule = this.#granules[channel]![i]!;
      const end = main.at + granule.part23Bits;
      // A granule that claims more than there is ends with the data, or, if it began in the reservoir, runs on in zeros.
      const isFromReservoir = main.at < 8 * this.#reservoirBytes;
      const limit = !isFromReservoir ? Math.min(end, mainBits) : end <= mainBits + 8 ? end : Number.POSITIVE_INFINITY;
      if (header.version === 1) {
        readScaleFactors1(main, granule, this.#granules[channel]![0]!);
      } else {
        readScaleFactors2(main, header, granule, channel);
      }
      lineExponents(granule, rateIndex, this.#exponents);
      this.#spectrum.read(main, granule, this.#exponents, end, limit);
      main.at = Math.min(end, mainBits + 8);
    }
    if (header.isJointStereo) decodeStereo(header, this.#granules[0]![i]!, this.#granules[1]![i]!);
    for (let channel = 0; channel < nChannels; channel++) {
      const granule = this.#granules[channel]![i]!;
      const from = i * SUBBAND_LINES * SUBBANDS;
      hybridSynthesis(granule, rateIndex, this.#overlaps[channel]!, subbands[channel]!, from);
    }
  }

  /** Puts a frame's main data behind the reservoir; returns the bytes of both. */
  #append(bytes: Uint8Array, from: number, to: number): number {
    const end = this.#reservoirBytes + Math.max(0, to - from);
    if (end + PADDING_BYTES > this.#main.bytes.length) {
      const larger = new Uint8Array(2 * end + PADDING_BYTES);
      larger.set(this.#main.bytes);
      this.#main.bytes = larger;
    }
    this.#main.bytes.set(bytes.subarray(from, Math.max(from, to)), this.#reservoirBytes);
    this.#main.bytes.fill(0, end, end + PADDING_BYTES);
    return end;
  }

  /** After a frame that could not be read to its end: where the next one begins is in the bytes, whatever they were. */
  #keepEnd(bytes: Uint8Array, frameBytes: number): void {
    const kept = Math.min(RESERVOIR_BYTES, Math.max(0, frameBytes - 4));
    this.#main.bytes.set(bytes.subarray(frameBytes - kept, frameBytes));
    this.#reservoirBytes = kept;
  }
}
