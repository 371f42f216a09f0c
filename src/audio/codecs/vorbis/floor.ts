/** The rough shape of a spectrum, which the fine structure (`residue.ts`) is multiplied by. */
import type { Codebook } from './codebook.ts';
import { Floor0 } from './floor0.ts';
import { Floor1 } from './floor1.ts';
import { malformedVorbis } from './malformedVorbis.ts';
import type { VorbisBits } from './vorbisBits.ts';

export interface Floor {
  /**
   * Reads what a packet says of one channel.
   * @returns a function that multiplies the spectrum by the curve; shape [blockSize / 2]; undefined for a silent channel
   * @throws {EndOfPacket}
   */
  read(bits: VorbisBits): ((spectrum: Float32Array) => void) | undefined;
}

/** @throws {AudioError} `malformed`; {EndOfPacket} */
export function readFloor(bits: VorbisBits, books: readonly Codebook[]): Floor {
  const type = bits.read(16);
  if (type === 0) return new Floor0(bits, books);
  if (type === 1) return new Floor1(bits, books);
  throw malformedVorbis(`it has a floor of type ${type}`);
}
