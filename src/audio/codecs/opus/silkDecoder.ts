/**
 * SILK, the speech half of Opus, in f32 as FFmpeg decodes it: libopus rounds to 16 bits inside of its loops, and over
 * long pitch predictions the two come 38 to 56 dB apart.
 *
 * @see RFC 6716, section 4.2; FFmpeg 5.1, libavcodec/opus_silk.c (facts only: delays, what a reset clears)
 */
import type { SilkRate } from './opusPacket.ts';
import type { OpusRange } from './opusRange.ts';
import { decodeSilkFrame, type SilkFrameHead, type SilkMemory } from './silkFrame.ts';
import { SILK_HISTORY, SilkSynthesis } from './silkSynthesis.ts';
import { LOW_RATE_FLAGS, MID_ONLY, STEREO_STAGE_1, STEREO_WEIGHTS, UNIFORM_3, UNIFORM_5 } from './silkTables.ts';

/** What the packet's head says of its SILK part. */
export interface SilkFormat {
  readonly rate: SilkRate;
  readonly isStereo: boolean;
  /** 10, 20, 40 or 60. */
  readonly frameMs: number;
}

export class SilkDecoder {
  readonly #nChannels: 1 | 2;
  readonly #mid = new SilkChannel();
  readonly #side = new SilkChannel();
  #nCoded = 0;
  #weights: readonly [number, number] = [0, 0];
  #weightsBefore: readonly [number, number] = [0, 0];

  /** @param nChannels to give, whatever is coded */
  constructor(nChannels: 1 | 2) {
    this.#nChannels = nChannels;
  }

  /** Forgets the sound before, as after a frame without SILK. */
  reset(): void {
    this.#mid.reset();
    this.#side.reset();
    this.#weightsBefore = [0, 0];
  }

  /** One Opus frame: one to three SILK frames. @returns shape [nChannels][nSamples] at `format.rate`, in [-1, 1] */
  decode(range: OpusRange, format: SilkFormat): Float32Array<ArrayBuffer>[] {
    const { rate, isStereo, frameMs } = format;
    const nFrames = Math.max(frameMs / 20, 1);
    const nSubframes = frameMs === 10 ? 2 : 4;
    const nCoded = isStereo ? 2 : 1;
    if (nCoded > this.#nCoded) this.#side.reset();
    this.#nCoded = nCoded;
    const flags = Array.from({ length: nCoded }, () => {
      const isActive = Array.from({ length: nFrames }, () => range.bit(1) === 1);
      return { isActive, hasLowRate: range.bit(1) === 1 };
    });
    const lowRate = flags.map(({ hasLowRate }) => {
      if (!hasLowRate) return 0;
      return nFrames === 1 ? 1 : range.symbol(LOW_RATE_FLAGS[nFrames - 2]!) + 1;
    });
    const head = (index: number, isActive: boolean): SilkFrameHead => ({ rate, nSubframes, index, isActive });
    // Low-rate copies of an earlier packet's frames: only read over, but FFmpeg remembers their parameters.
    for (let i = 0; i < nFrames; i++) {
      let isMidOnly = false;
      for (let c = 0; c < nCoded && !isMidOnly; c++) {
        if (((lowRate[c]! >> i) & 1) === 0) continue;
        if (isStereo && c === 0) isMidOnly = this.#readStereo(range, (lowRate[1]! >> i) & 1);
        (c === 0 ? this.#mid : this.#side).read(range, head(i, true));
      }
    }
    const size = (rate / 200) * nSubframes;
    const channels = Array.from({ length: this.#nChannels }, () => new Float32Array(size * nFrames));
    for (let i = 0; i < nFrames; i++) {
      const isMidOnly = isStereo && this.#readStereo(range, flags[1]!.isActive[i] ? 1 : 0);
      this.#mid.decode(range, head(i, flags[0]!.isActive[i]!));
      if (isMidOnly) this.#side.reset();
      else if (isStereo && this.#nChannels === 2) this.#side.decode(range, head(i, flags[1]!.isActive[i]!));
      else if (isStereo) this.#side.read(range, head(i, flags[1]!.isActive[i]!));
      if (isStereo && this.#nChannels === 2) this.#toLeftRight(channels, i * size, size, rate);
      else {
        const from = SILK_HISTORY - size - 2;
        for (const channel of channels) channel.set(this.#mid.output.subarray(from, from + size), i * size);
      }
    }
    return channels;
  }

  /** @returns whether there is no side channel in this frame */
  #readStereo(range: OpusRange, isSideActive: number): boolean {
    const n = range.symbol(STEREO_STAGE_1);
    const [mid, side] = [Math.floor(n / 5), n % 5].map((coarse) => {
      const index = 3 * coarse + range.symbol(UNIFORM_3);
      const low = STEREO_WEIGHTS[index]!;
      const step = ((STEREO_WEIGHTS[index + 1]! - low) * 6554) >> 16;
      return low + step * (2 * range.symbol(UNIFORM_5) + 1);
    }) as [number, number]; // a pair is mapped
    this.#weights = [(mid - side) / 8192, side / 8192];
    return isSideActive === 0 && range.symbol(MID_ONLY) === 1;
  }

  /** Mid and side, one sample late, to left and right; the weights move over in 8 ms. */
  #toLeftRight(channels: readonly Float32Array[], at: number, size: number, rate: number): void {
    const { fround } = Math;
    const [left, right] = channels as [Float32Array, Float32Array]; // two channels are given
    const mid = this.#mid.output.subarray(SILK_HISTORY - size - 2, SILK_HISTORY);
    const side = this.#side.output.subarray(SILK_HISTORY - size - 2, SILK_HISTORY);
    const nMoving = rate / 125;
    const moving = (from: number, to: number, i: number): number =>
      i < nMoving ? fround(from + fround(fround(i * fround(to - from)) / nMoving)) : to;
    for (let i = 0; i < size; i++) {
      const w0 = moving(this.#weightsBefore[0], this.#weights[0], i);
      const w1 = moving(this.#weightsBefore[1], this.#weights[1], i);
      const smooth = 0.25 * fround(fround(mid[i]! + 2 * mid[i + 1]!) + mid[i + 2]!);
      const shared = fround(w0 * smooth);
      const sum = fround(fround(fround(fround(1 + w1) * mid[i + 1]!) + side[i + 1]!) + shared);
      const difference = fround(fround(fround(fround(1 - w1) * mid[i + 1]!) - side[i + 1]!) - shared);
      left[at + i] = Math.min(Math.max(sum, -1), 1);
      right[at + i] = Math.min(Math.max(difference, -1), 1);
    }
    this.#weightsBefore = this.#weights;
  }
}

class SilkChannel {
  readonly #synthesis = new SilkSynthesis();
  #memory: SilkMemory = freshMemory();

  get output(): Float32Array {
    return this.#synthesis.output;
  }

  reset(): void {
    if (!this.#memory.isCoded) return;
    this.#synthesis.reset();
    this.#memory = freshMemory();
  }

  decode(range: OpusRange, head: SilkFrameHead): void {
    const frame = this.read(range, head);
    this.#synthesis.run(frame);
    this.#memory.isCoded = true;
    this.#memory.wasVoiced = frame.isVoiced;
  }

  /** Without sound. */
  read(range: OpusRange, head: SilkFrameHead): ReturnType<typeof decodeSilkFrame> {
    return decodeSilkFrame(range, head, this.#memory);
  }
}

function freshMemory(): SilkMemory {
  return {
    isCoded: false,
    wasVoiced: false,
    logGain: 0,
    lag: 0,
    frequencies: new Int16Array(16),
    lpc: new Float32Array(16),
  };
}
