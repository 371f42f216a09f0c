/**
 * Decoder of MPEG-1, MPEG-2 and MPEG-2.5 audio, layers I, II and III: frames to samples, within a rounding of ffmpeg's
 * decoder in f32.
 */
import { MPEG_HEADER_BYTES, mpegFrameAt } from '../../containers/mpegFrame.ts';
import { SUBBANDS } from './imdct.ts';
import { Layer3 } from './layer3.ts';
import { decodeLayer1, decodeLayer2 } from './layer12.ts';
import { MpegBits } from './mpegBits.ts';
import { SynthesisFilter } from './synthesis.ts';

const MAX_MOMENTS = 36;
/** Zeros after a frame that ends too early; layer II may ask for 36 values of 16 bits in each of 60 subbands. */
const PADDING_BYTES = 8192;

/** Frames in order, of one stream; its version, layer, rate and channels may change between them. */
export class MpegAudioDecoder {
  readonly #layer3 = new Layer3();
  readonly #filters = [new SynthesisFilter(), new SynthesisFilter()];
  readonly #subbands = [0, 1].map(() => new Float64Array(MAX_MOMENTS * SUBBANDS));
  readonly #bits = new MpegBits(new Uint8Array(1 << 14));

  /**
   * @param frame header to end; one that is cut off is decoded as far as it goes
   * @returns samples in about [-1, 1], shape [nChannels][nSamples]; undefined if the frame is damaged so that nothing of it
   *   can be read (ffmpeg drops such frames). Where only its beginning lies in lost frames, that part is silent.
   */
  decode(frame: Uint8Array): Float32Array<ArrayBuffer>[] | undefined {
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
    if (nMoments === undefined) return undefined;
    const channels: Float32Array<ArrayBuffer>[] = [];
    for (let channel = 0; channel < nChannels; channel++) {
      const samples = new Float32Array(nMoments * SUBBANDS);
      const filter = this.#filters[channel]!;
      for (let at = 0; at < samples.length; at += SUBBANDS) filter.step(subbands[channel]!, at, samples, at);
      channels.push(samples);
    }
    return channels;
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
