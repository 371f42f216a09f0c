/** How many samples ffmpeg's parser finds in the packets of a Vorbis stream, which is what it cuts the end by. */
import type { OggPage } from '../../containers/ogg.ts';
import { bitLength } from './vorbisBits.ts';
import type { VorbisIdentification, VorbisSetup } from './vorbisSetup.ts';

export class PacketLengths {
  readonly #blockSizes: VorbisIdentification['blockSizes'];
  readonly #modes: VorbisSetup['modes'];
  #sizeBefore = 0;
  #granuleBefore = 0;

  constructor({ blockSizes }: VorbisIdentification, { modes }: VorbisSetup) {
    this.#blockSizes = blockSizes;
    this.#modes = modes;
  }

  /** Another stream begins. */
  restart(): void {
    this.#granuleBefore = 0;
  }

  /** Samples that the packets of a page have beyond the end that it states; the last page alone can have them. */
  surplus({ packets, granule, isLast }: OggPage): number {
    let end = this.#granuleBefore;
    for (const packet of packets) {
      if (!isLast) this.#sizeBefore = this.#blockSizes[0];
      end += this.#length(packet);
    }
    if (granule >= 0) this.#granuleBefore = granule;
    return isLast ? Math.max(end - granule, 0) : 0;
  }

  #length(packet: Uint8Array): number {
    const first = packet[0] ?? 1;
    if ((first & 1) === 1) return 0; // a header
    const modeBits = bitLength(this.#modes.length - 1);
    const mode = this.#modes[(first >> 1) & (2 ** modeBits - 1)];
    if (!mode) return 0;
    if (mode.isLong) this.#sizeBefore = this.#blockSizes[(first >> (1 + modeBits)) & 1]!;
    const size = this.#blockSizes[mode.isLong ? 1 : 0];
    const length = (this.#sizeBefore + size) >> 2;
    this.#sizeBefore = size;
    return length;
  }
}
