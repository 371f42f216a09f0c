/**
 * Vorbis: packets to samples. A packet gives the samples from the middle of the block before to the middle of its own.
 * Headers may come again in mid-stream, where streams are joined: then the next block has silence before it, as in ffmpeg.
 *
 * @see Vorbis I specification, section 4.3; FFmpeg 5.1, libavcodec/vorbisdec.c (facts only: what the first block gives)
 */
import type { Channel } from '../../joinChannels.ts';
import { InverseMdct } from './inverseMdct.ts';
import { SetupBudget } from './setupBudget.ts';
import { bitLength, EndOfPacket, VorbisBits } from './vorbisBits.ts';
import {
  isVorbis,
  isVorbisSetup,
  readIdentification,
  readSetup,
  type VorbisIdentification,
  type VorbisMapping,
  type VorbisSetup,
} from './vorbisSetup.ts';

export class VorbisDecoder {
  #identification: VorbisIdentification | undefined;
  #setup: VorbisSetup | undefined;
  #blocks: BlockDecoder | undefined;
  #hasBlock = false;
  readonly #budget = new SetupBudget();

  /** Of the headers so far. */
  get identification(): VorbisIdentification | undefined {
    return this.#identification;
  }

  get setup(): VorbisSetup | undefined {
    return this.#setup;
  }

  /**
   * @returns samples in the order of the stream, none for headers and for the very first block; undefined for a packet that
   *   cannot be decoded; shape [nChannels][nSamples]
   * @throws {AudioError} `malformed` for a header that is not valid
   */
  decode(packet: Uint8Array): Channel[] | undefined {
    this.#budget.add(packet.length);
    if (((packet[0] ?? 1) & 1) === 1) return this.#readHeader(packet);
    const samples = this.#blocks?.decode(packet);
    if (!samples) return undefined;
    if (this.#hasBlock) return samples;
    this.#hasBlock = true;
    return samples.map(() => new Float32Array(0));
  }

  #readHeader(packet: Uint8Array): Channel[] | undefined {
    if (isVorbis(packet)) {
      this.#setup = undefined;
      this.#blocks = undefined;
      this.#identification = readIdentification(packet);
    } else if (isVorbisSetup(packet) && this.#identification && !this.#setup) {
      this.#setup = readSetup(packet, this.#identification, this.#budget);
      this.#blocks = new BlockDecoder(this.#identification, this.#setup);
    } else if (packet[0] !== 3) {
      return undefined;
    }
    return [];
  }
}

/** The decoder of one setup. Its sizes are 0 for short blocks and 1 for long ones. */
class BlockDecoder {
  readonly #nChannels: number;
  readonly #blockSizes: readonly [number, number];
  readonly #modes: VorbisSetup['modes'];
  readonly #transforms: readonly [InverseMdct, InverseMdct];
  /** Rising half of the window; shape [blockSize / 2] */
  readonly #windows: readonly [Float32Array, Float32Array];
  /** Third quarter of the block before, not yet windowed; shape [nChannels][blockSize / 4] */
  #saved: readonly Float32Array[];
  #sizeBefore: 0 | 1 | undefined;

  constructor({ nChannels, blockSizes }: VorbisIdentification, { modes }: VorbisSetup) {
    this.#nChannels = nChannels;
    this.#blockSizes = blockSizes;
    this.#modes = modes;
    this.#transforms = [new InverseMdct(blockSizes[0]), new InverseMdct(blockSizes[1])];
    this.#windows = [risingWindow(blockSizes[0] / 2), risingWindow(blockSizes[1] / 2)];
    this.#saved = Array.from({ length: nChannels }, () => new Float32Array(blockSizes[1] / 4));
  }

  decode(packet: Uint8Array): Channel[] | undefined {
    const bits = new VorbisBits(packet);
    try {
      bits.advance(1);
      const mode = this.#modes[bits.read(bitLength(this.#modes.length - 1))];
      if (!mode) return undefined;
      const size = mode.isLong ? 1 : 0;
      let sizeBefore: 0 | 1 = this.#sizeBefore ?? 0;
      if (mode.isLong) {
        sizeBefore = bits.flag() ? 1 : 0;
        bits.advance(1); // the size of the next block
      }
      const spectra = this.#readSpectra(bits, mode.mapping, this.#blockSizes[size] / 2);
      const middle = new Float32Array(this.#blockSizes[size] / 2);
      const samples = spectra.map((spectrum, c) => {
        this.#transforms[size].run(spectrum, middle);
        const out = this.#overlap(this.#saved[c]!, middle, sizeBefore, size);
        this.#saved[c]!.set(middle.subarray(middle.length / 2));
        return out;
      });
      this.#sizeBefore = size;
      return samples;
    } catch (error) {
      if (error instanceof EndOfPacket) return undefined;
      throw error;
    }
  }

  #readSpectra(bits: VorbisBits, mapping: VorbisMapping, nBins: number): Float32Array[] {
    const { couplings, submapOf, submaps } = mapping;
    const curves = submapOf.map((index) => {
      try {
        return submaps[index]!.floor.read(bits); // checked with the header
      } catch (error) {
        if (error instanceof EndOfPacket) return undefined;
        throw error;
      }
    });
    const isCoded = curves.map((curve) => curve !== undefined);
    for (const [magnitude, angle] of couplings) {
      if (isCoded[magnitude] || isCoded[angle]) [isCoded[magnitude], isCoded[angle]] = [true, true];
    }
    const spectra = Array.from({ length: this.#nChannels }, () => new Float32Array(nBins));
    for (const [index, { residue }] of submaps.entries()) {
      const isOfSubmap = (_: unknown, channel: number): boolean => submapOf[channel] === index;
      residue.read(bits, spectra.filter(isOfSubmap), isCoded.filter(isOfSubmap));
    }
    for (const [magnitude, angle] of couplings.toReversed()) decouple(spectra[magnitude]!, spectra[angle]!);
    for (const [c, spectrum] of spectra.entries()) {
      const curve = curves[c];
      if (curve) curve(spectrum);
      else spectrum.fill(0);
    }
    return spectra;
  }

  /** The second half of the block before and the first half of this one, each with its window, where they overlap. */
  #overlap(saved: Float32Array, middle: Float32Array, sizeBefore: 0 | 1, size: 0 | 1): Channel {
    const [before, own] = [this.#blockSizes[sizeBefore], this.#blockSizes[size]];
    const out = new Float32Array((before + own) / 4);
    const window = this.#windows[size === 1 && sizeBefore === 1 ? 1 : 0];
    const slope = Math.min(before, own) / 2;
    const start = Math.max(before - own, 0) / 4;
    out.set(saved.subarray(0, start));
    const half = slope / 2;
    for (let i = 0, j = slope - 1; i < half; i++, j--) {
      const [a, b] = [saved[start + i]!, middle[j - half]!];
      const [rising, falling] = [window[i]!, window[j]!];
      out[start + i] = a * falling - b * rising;
      out[start + j] = a * rising + b * falling;
    }
    if (own > before) out.set(middle.subarray(before / 4, before / 4 + (own - before) / 4), slope);
    return out;
  }
}

/** sin(pi/2 sin^2(pi (i + 1/2) / (2 length))); shape [length] */
function risingWindow(length: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => {
    const angle = (Math.PI * (i + 0.5)) / (2 * length);
    return Math.sin((Math.PI / 2) * Math.sin(angle) ** 2);
  });
}

/** Magnitude and angle to two channels, in place. Section 4.3.5 */
function decouple(magnitudes: Float32Array, angles: Float32Array): void {
  for (let i = 0; i < magnitudes.length; i++) {
    const magnitude = magnitudes[i]!;
    const angle = angles[i]!;
    const isPositive = magnitude > 0;
    if (angle > 0) {
      angles[i] = isPositive ? magnitude - angle : magnitude + angle;
    } else {
      angles[i] = magnitude;
      magnitudes[i] = isPositive ? magnitude + angle : magnitude - angle;
    }
  }
}
