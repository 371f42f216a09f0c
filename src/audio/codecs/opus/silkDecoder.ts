/**
 * SILK, the speech half of Opus, in f32 as FFmpeg decodes it. libopus rounds to 16 bits inside its loops: over long pitch
 * predictions the two are 38 to 56 dB apart.
 *
 * @see RFC 6716, section 4.2; FFmpeg 5.1, libavcodec/opus_silk.c (facts only: delays, what a reset clears)
 */
import type { SilkRate } from './opusPacket.ts';
import type { OpusRange } from './opusRange.ts';
import type { F32Values } from './silkFrame.ts';
import { type SilkFrameHead, SilkFrameReader } from './silkFrameReader.ts';
import { silkSyntheses } from './silkMachine.ts';
import { SILK_HISTORY, type SilkSynthesis } from './silkSynthesis.ts';
import { LOW_RATE_FLAGS, MID_ONLY, STEREO_STAGE_1, STEREO_WEIGHTS, UNIFORM_3, UNIFORM_5 } from './silkTables.ts';

/** The format of SILK's part of a packet, from its first byte. */
export interface SilkFormat {
  readonly rate: SilkRate;
  readonly isStereo: boolean;
  /** 10, 20, 40 or 60. */
  readonly frameMs: number;
}

export class SilkDecoder {
  readonly #nChannels: 1 | 2;
  readonly #mid: SilkChannel;
  readonly #side: SilkChannel;
  #hasSide = false;
  #weights: readonly [number, number] = [0, 0];
  #weightsBefore: readonly [number, number] = [0, 0];

  /** @param nChannels of the output, however many are coded */
  constructor(nChannels: 1 | 2, [mid, side] = silkSyntheses()) {
    this.#nChannels = nChannels;
    this.#mid = new SilkChannel(mid);
    this.#side = new SilkChannel(side);
  }

  /** Forgets all earlier samples, as after a frame without SILK. */
  reset(): void {
    this.#mid.reset();
    this.#side.reset();
    this.#weightsBefore = [0, 0];
  }

  /**
   * One Opus frame: one to three SILK frames.
   *
   * @param channels filled from `at` on, at `format.rate`, in [-1, 1]; shape [nChannels][at + nSamples] or more
   */
  decode(range: OpusRange, format: SilkFormat, channels: readonly Float32Array[], at = 0): void {
    const { rate, isStereo, frameMs } = format;
    const nFrames = Math.max(frameMs / 20, 1);
    const nSubframes = frameMs === 10 ? 2 : 4;
    if (isStereo && !this.#hasSide) this.#side.reset();
    this.#hasSide = isStereo;
    const mid = readFlags(range, nFrames);
    const side = isStereo ? readFlags(range, nFrames) : undefined;
    const midLowRate = readLowRateFlags(range, nFrames, mid.hasLowRate);
    const sideLowRate = readLowRateFlags(range, nFrames, side?.hasLowRate ?? false);
    const head = (index: number, isActive: boolean): SilkFrameHead => ({ rate, nSubframes, index, isActive });
    const size = (rate / 200) * nSubframes;
    // Low-rate copies of an earlier packet's frames are not used, but FFmpeg keeps their parameters.
    for (let i = 0; i < nFrames; i++) {
      let isMidOnly = false;
      if (isSet(midLowRate, i)) {
        isMidOnly = isStereo && this.#readStereo(range, isSet(sideLowRate, i));
        this.#mid.read(range, head(i, true));
      }
      if (isSet(sideLowRate, i) && !isMidOnly) this.#side.read(range, head(i, true));
    }
    for (let i = 0; i < nFrames; i++) {
      const isSideActive = isSet(side?.activity ?? 0, i);
      const isMidOnly = isStereo && this.#readStereo(range, isSideActive);
      this.#mid.decode(range, head(i, isSet(mid.activity, i)));
      if (isMidOnly) this.#side.reset();
      else if (isStereo && this.#nChannels === 2) this.#side.decode(range, head(i, isSideActive));
      else if (isStereo) this.#side.read(range, head(i, isSideActive));
      if (isStereo && this.#nChannels === 2) this.#toLeftRight(channels, at + i * size, size, rate);
      else {
        for (const channel of channels) copyOutput(this.#mid.output, channel, at + i * size, size);
      }
    }
  }

  /** @returns whether this frame has no side channel */
  #readStereo(range: OpusRange, isSideActive: boolean): boolean {
    const n = range.symbol(STEREO_STAGE_1);
    const mid = readStereoWeight(range, Math.floor(n / 5));
    const side = readStereoWeight(range, n % 5);
    this.#weights = [(mid - side) / 8192, side / 8192];
    return !isSideActive && range.symbol(MID_ONLY) === 1;
  }

  /** Mid and side, one sample late, to left and right; the weights change over 8 ms. */
  #toLeftRight(channels: readonly Float32Array[], at: number, size: number, rate: number): void {
    const { fround } = Math;
    const [left, right] = channels as [Float32Array, Float32Array]; // called for two channels only
    const mid = this.#mid.output;
    const side = this.#side.output;
    const nChanging = rate / 125;
    const [before0, before1] = this.#weightsBefore;
    const [now0, now1] = this.#weights;
    for (let i = 0, from = SILK_HISTORY - size - 2; i < size; i++, from++) {
      const w0 = i < nChanging ? between(before0, now0, i, nChanging) : now0;
      const w1 = i < nChanging ? between(before1, now1, i, nChanging) : now1;
      const smooth = 0.25 * fround(fround(mid[from]! + 2 * mid[from + 1]!) + mid[from + 2]!);
      const shared = fround(w0 * smooth);
      const sum = fround(fround(fround(fround(1 + w1) * mid[from + 1]!) + side[from + 1]!) + shared);
      const difference = fround(fround(fround(fround(1 - w1) * mid[from + 1]!) - side[from + 1]!) - shared);
      left[at + i] = Math.min(Math.max(sum, -1), 1);
      right[at + i] = Math.min(Math.max(difference, -1), 1);
    }
    this.#weightsBefore = this.#weights;
  }
}

function readStereoWeight(range: OpusRange, coarse: number): number {
  const index = 3 * coarse + range.symbol(UNIFORM_3);
  const low = STEREO_WEIGHTS[index]!;
  const step = ((STEREO_WEIGHTS[index + 1]! - low) * 6554) >> 16;
  return low + step * (2 * range.symbol(UNIFORM_5) + 1);
}

/** The weight of sample `i` of `nChanging`. */
function between(from: number, to: number, i: number, nChanging: number): number {
  const { fround } = Math;
  return fround(from + fround(fround(i * fround(to - from)) / nChanging));
}

/** The last `size` samples but two. */
function copyOutput(output: F32Values, channel: Float32Array, at: number, size: number): void {
  const end = SILK_HISTORY - 2;
  channel.set(output.subarray(end - size, end), at);
}

/** Flags of a channel: one bit of voice activity for each frame, and whether there are low-rate copies. */
function readFlags(range: OpusRange, nFrames: number): { readonly activity: number; readonly hasLowRate: boolean } {
  let activity = 0;
  for (let i = 0; i < nFrames; i++) activity |= range.bit(1) << i;
  return { activity, hasLowRate: range.bit(1) === 1 };
}

/** @returns one bit for each frame that has a low-rate copy */
function readLowRateFlags(range: OpusRange, nFrames: number, hasLowRate: boolean): number {
  if (!hasLowRate) return 0;
  const distribution = LOW_RATE_FLAGS[nFrames - 2];
  return distribution ? range.symbol(distribution) + 1 : 1;
}

function isSet(bits: number, index: number): boolean {
  return ((bits >> index) & 1) === 1;
}

class SilkChannel {
  readonly #synthesis: SilkSynthesis;
  readonly #reader: SilkFrameReader;

  constructor(synthesis: SilkSynthesis) {
    this.#synthesis = synthesis;
    this.#reader = new SilkFrameReader(synthesis);
  }

  get output(): F32Values {
    return this.#synthesis.output;
  }

  reset(): void {
    if (!this.#reader.isCoded) return;
    this.#synthesis.reset();
    this.#reader.reset();
  }

  decode(range: OpusRange, head: SilkFrameHead): void {
    this.read(range, head);
    this.#synthesis.run();
    this.#reader.isCoded = true;
    this.#reader.wasVoiced = this.#synthesis.frame.isVoiced;
  }

  /** Reads the parameters alone. */
  read(range: OpusRange, head: SilkFrameHead): void {
    this.#reader.read(range, head);
  }
}
