/**
 * libopus in WebAssembly (`opus-decoder`), loaded only here, for packets that may be damaged: some make it trap, which
 * leaves its memory as it happens to be, so another one takes its place. Packets that break the rules it must not be given:
 * it would print them.
 */
import type { OpusDecoder } from 'opus-decoder';
import { AudioError } from '../../../base/errors.ts';
import type { Channel } from '../../joinChannels.ts';

export interface LibopusOptions {
  readonly channels: number;
  readonly streamCount?: number;
  readonly coupledStreamCount?: number;
  readonly channelMappingTable?: number[];
  /** Hz; 48000 when absent. */
  readonly sampleRate?: 16000 | 48000;
}

/** After so many traps a stream is given up: each costs milliseconds. */
const MAX_TRAPS = 100;
/** What the decoder's buffer for a packet holds, for each channel. */
const MAX_PACKET_BYTES = 3840;

/** What is used of `opus-decoder`. */
export type PacketDecoder = Pick<OpusDecoder<16000 | 48000>, 'decodeFrame' | 'free'>;

export class Libopus {
  readonly #options: LibopusOptions;
  readonly #open: typeof openDecoder;
  #decoder: PacketDecoder | undefined;
  #nTraps = 0;

  /** @param open another decoder in place of libopus */
  constructor(options: LibopusOptions, open = openDecoder) {
    this.#options = options;
    this.#open = open;
  }

  /**
   * @param packet one that `parseOpusPacket` takes
   * @returns shape [nChannels][nSamples], in the order of the stream; undefined for a packet that cannot be decoded
   * @throws {AudioError} `malformed` if too many packets make the decoder trap
   */
  async decode(packet: Uint8Array): Promise<Channel[] | undefined> {
    if (packet.length > MAX_PACKET_BYTES * this.#options.channels) return undefined;
    this.#decoder ??= await this.#open(this.#options);
    try {
      const { channelData, samplesDecoded } = this.#decoder.decodeFrame(packet);
      // It gives new arrays each time.
      return samplesDecoded > 0 ? (channelData as Channel[]) : undefined;
    } catch (cause) {
      this.#decoder = undefined;
      if (++this.#nTraps < MAX_TRAPS) return undefined;
      throw new AudioError('malformed', `The Opus decoder failed on ${MAX_TRAPS} packets: the file is damaged.`, {
        cause,
      });
    }
  }

  close(): void {
    try {
      this.#decoder?.free();
    } catch {
      // It may trap here too; its memory is not used any more.
    }
    this.#decoder = undefined;
  }
}

async function openDecoder(options: LibopusOptions): Promise<PacketDecoder> {
  // The package, by way of `imports` in package.json: bundlers are to follow it for pages only (opusDecoder.node.ts).
  const { OpusDecoder: Decoder } = await import('#opus-decoder');
  const decoder = new Decoder<16000 | 48000>({ sampleRate: 48000, ...options });
  await decoder.ready;
  return decoder;
}
