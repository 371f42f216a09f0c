/**
 * The headers of a Vorbis stream: identification, and the codebooks, floors, residues, mappings and modes that its packets
 * are coded with.
 *
 * @see Vorbis I specification, sections 4.2.2 and 4.2.4
 */
import { startsWith } from '../../../base/bytes.ts';
import { Codebook } from './codebook.ts';
import { type Floor, readFloor } from './floor.ts';
import { malformedVorbis } from './malformedVorbis.ts';
import { Residue } from './residue.ts';
import type { SetupBudget } from './setupBudget.ts';
import { bitLength, EndOfPacket, VorbisBits } from './vorbisBits.ts';

/** Kind of the packet, then "vorbis". */
const MAGIC_BYTES = 7;
const MIN_BLOCK_BITS = 6;
const MAX_BLOCK_BITS = 13;

export interface VorbisIdentification {
  readonly nChannels: number;
  /** Hz. */
  readonly sampleRate: number;
  /** Samples of a short and a long block. */
  readonly blockSizes: readonly [short: number, long: number];
}

export interface VorbisMapping {
  /** Pairs of channels that are coded as magnitude and angle. */
  readonly couplings: readonly (readonly [magnitude: number, angle: number])[];
  /** Of each channel the index in `submaps`. */
  readonly submapOf: readonly number[];
  readonly submaps: readonly { readonly floor: Floor; readonly residue: Residue }[];
}

export interface VorbisMode {
  readonly isLong: boolean;
  readonly mapping: VorbisMapping;
}

export interface VorbisSetup {
  readonly modes: readonly VorbisMode[];
}

export function isVorbis(head: Uint8Array): boolean {
  return startsWith(head, '\x01vorbis');
}

export function isVorbisSetup(packet: Uint8Array): boolean {
  return startsWith(packet, '\x05vorbis');
}

/**
 * Identification: 7 magic, 4 version, 1 channels, 4 sample rate, 12 bit rates, 4 bits each log2 of the two block sizes.
 *
 * @throws {AudioError} `malformed`
 */
export function readIdentification(packet: Uint8Array): VorbisIdentification {
  return untilEnd(packet, (bits) => {
    const version = bits.read(32);
    const nChannels = bits.read(8);
    const sampleRate = bits.read(32);
    for (let i = 0; i < 3; i++) bits.read(32);
    const [short, long] = [bits.read(4), bits.read(4)];
    if (version !== 0) throw malformedVorbis(`it has version ${version}`);
    if (nChannels === 0 || sampleRate === 0) throw malformedVorbis('it has no channel or no sample rate');
    if (short < MIN_BLOCK_BITS || long > MAX_BLOCK_BITS || short > long) {
      throw malformedVorbis(`it has blocks of 2^${short} and 2^${long} samples`);
    }
    return { nChannels, sampleRate, blockSizes: [2 ** short, 2 ** long] };
  });
}

/** @throws {AudioError} `malformed` */
export function readSetup(
  packet: Uint8Array,
  { nChannels, blockSizes }: VorbisIdentification,
  budget: SetupBudget,
): VorbisSetup {
  // The tables of the transforms and windows, and what is kept of each channel.
  budget.takeNumbers((4 + nChannels) * blockSizes[1]);
  return untilEnd(packet, (bits) => {
    const list = <T>(read: () => T, countBits = 6): T[] => Array.from({ length: bits.read(countBits) + 1 }, read);
    const books = list(() => new Codebook(bits, budget), 8);
    for (const transform of list(() => bits.read(16))) {
      if (transform !== 0) throw malformedVorbis('it has a transform of the time domain, of which there is none');
    }
    const floors = list(() => readFloor(bits, books));
    const residues = list(() => new Residue(bits, books));
    const mappings = list(() => readMapping(bits, nChannels, floors, residues));
    const modes = list(() => {
      const isLong = bits.flag();
      const kinds = bits.read(32);
      const mapping = mappings[bits.read(8)];
      if (kinds !== 0 || !mapping) throw malformedVorbis('it has a mode of an unknown kind');
      return { isLong, mapping };
    });
    return { modes };
  });
}

function readMapping(
  bits: VorbisBits,
  nChannels: number,
  floors: readonly Floor[],
  residues: readonly Residue[],
): VorbisMapping {
  if (bits.read(16) !== 0) throw malformedVorbis('it has a mapping of an unknown kind');
  const nSubmaps = bits.flag() ? bits.read(4) + 1 : 1;
  const channelBits = bitLength(nChannels - 1);
  const couplings = Array.from({ length: bits.flag() ? bits.read(8) + 1 : 0 }, () => {
    const [magnitude, angle] = [bits.read(channelBits), bits.read(channelBits)];
    if (magnitude === angle || magnitude >= nChannels || angle >= nChannels) {
      throw malformedVorbis(`it couples the channels ${magnitude} and ${angle} of ${nChannels}`);
    }
    return [magnitude, angle] as const;
  });
  if (bits.read(2) !== 0) throw malformedVorbis('it has a mapping with reserved bits');
  const submapOf = Array.from({ length: nChannels }, () => (nSubmaps > 1 ? bits.read(4) : 0));
  const submaps = Array.from({ length: nSubmaps }, () => {
    bits.read(8); // a transform of the time domain
    const [floor, residue] = [floors[bits.read(8)], residues[bits.read(8)]];
    if (!floor || !residue) throw malformedVorbis('it has a mapping without floor or residue');
    return { floor, residue };
  });
  if (submapOf.some((index) => index >= nSubmaps)) throw malformedVorbis('it has a channel without a mapping');
  return { couplings, submapOf, submaps };
}

function untilEnd<T>(packet: Uint8Array, read: (bits: VorbisBits) => T): T {
  try {
    return read(new VorbisBits(packet, MAGIC_BYTES));
  } catch (error) {
    if (error instanceof EndOfPacket) throw malformedVorbis('a header ends too early');
    throw error;
  }
}
