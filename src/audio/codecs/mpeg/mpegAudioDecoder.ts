/**
 * Decoder of MPEG-1, MPEG-2 and MPEG-2.5 audio, layers I, II and III: frames to samples, as ffmpeg's decoders give them but for
 * the rounding of their f32.
 */
import { MPEG_HEADER_BYTES, mpegFrameAt } from '../../containers/mpegFrame.ts';
import { FixedSynthesis } from './fixedSynthesis.ts';
import { SUBBANDS } from './imdct.ts';
import { Layer3 } from './layer3.ts';
import { decodeLayer1, decodeLayer2 } from './layer12.ts';
import { MpegBits } from './mpegBits.ts';
import { SynthesisFilter } from './synthesis.ts';

const MAX_MOMENTS = 36;
/** Zeros after a frame that ends too early; layer II may ask for 36 values of 16 bits in each of 60 subbands. */
const PADDING_BYTES = 8192;

interface Subbands {
  readonly nChannels: 1 | 2;
  /** Times 32 subbands are samples of a channel. */
  readonly nMoments: number;
}

/** Frames in order, of one stream; its version, layer, rate and channels may change between them. */
export class MpegAudioDecoder {
  readonly #layer3 = new Layer3();
  readonly #filters = [new SynthesisFilter(), new SynthesisFilter()];
  readonly #fixedSynthesis = new FixedSynthesis();
  readonly #subbands = [0, 1].map(() => new Float64Array(MAX_MOMENTS * SUBBANDS));
  readonly #bits = new MpegBits(new Uint8Array(1 << 14));
  /** What is given: for every frame again. */
  readonly #samples = [0, 1].map(() => new Float32Array(MAX_MOMENTS * SUBBANDS));
  readonly #samples16 = [0, 1].map(() => new Int16Array(MAX_MOMENTS * SUBBANDS));

  /**
   * @param frame header to end; one that is cut off is decoded as far as it goes
   * @returns samples in about [-1, 1], valid until the next call, shape [nChannels][nSamples]; undefined if the frame is
   *   damaged so that nothing of it can be read (ffmpeg drops such frames). Where only its beginning lies in lost frames, that
   *   part is silent.
   */
  decode(frame: Uint8Array): Float32Array<ArrayBuffer>[] | undefined {
    const read = this.#read(frame);
    if (!read) return undefined;
    const channels: Float32Array<ArrayBuffer>[] = [];
    for (let channel = 0; channel < read.nChannels; channel++) {
      const samples = this.#samples[channel]!.subarray(0, read.nMoments * SUBBANDS);
      const filter = this.#filters[channel]!;
      const subbands = this.#subbands[channel]!;
      for (let at = 0; at < samples.length; at += SUBBANDS) {
        const values = filter.step(subbands, at);
        for (let i = 0; i < SUBBANDS; i++) samples[at + i] = values[i]!;
      }
      channels.push(samples);
    }
    return channels;
  }

  /** As `decode`, in 16 bits: as ffmpeg decodes recordings of layers I and II, to the bit. A stream has one or the other. */
  decode16(frame: Uint8Array): Int16Array<ArrayBuffer>[] | undefined {
    const read = this.#read(frame);
    if (!read) return undefined;
    const channels: Int16Array<ArrayBuffer>[] = [];
    for (const channel of read.nChannels === 1 ? ([0] as const) : ([0, 1] as const)) {
      const samples = this.#samples16[channel]!.subarray(0, read.nMoments * SUBBANDS);
      const subbands = this.#subbands[channel]!;
      for (let at = 0; at < samples.length; at += SUBBANDS)
        this.#fixedSynthesis.step(channel, subbands, at, samples, at);
      channels.push(samples);
    }
    return channels;
  }

  /** Reads a frame into `#subbands`. */
  #read(frame: Uint8Array): Subbands | undefined {
    const header = mpegFrameAt(frame, 0);
    if (!header) return undefined;
    const { layer, nChannels } = header;
    const bits = this.#load(frame);
    bits.at = 8 * (MPEG_HEADER_BYTES + (header.hasChecksum ? 2 : 0));
    const subbands = this.#subbands;
    const nMoments =
      layer === 3
        ? this.#layer3.decode(bits, frame.length, header, subbands)
        : layer === 2
          ? decodeLayer2(bits, header, subbands)
          : decodeLayer1(bits, header, subbands);
    return nMoments === undefined ? undefined : { nChannels, nMoments };
  }

  /** The frame with zeros after it. */
  #load(frame: Uint8Array): MpegBits {
    const bits = this.#bits;
    const needed = frame.length + PADDING_BYTES;
    if (bits.bytes.length < needed) bits.bytes = new Uint8Array(needed);
    bits.bytes.set(frame);
    bits.bytes.fill(0, frame.length, needed);
    return bits;
  }
}
