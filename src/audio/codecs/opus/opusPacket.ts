/**
 * The header of an Opus packet, and its frames.
 *
 * @see RFC 6716, section 3
 */

export type SilkRate = 8000 | 12000 | 16000;
export type OpusMode = 'silk' | 'hybrid' | 'celt';

export interface OpusPacket {
  readonly mode: OpusMode;
  /** Hz of the part that SILK codes; meaningless in CELT packets. */
  readonly silkRate: SilkRate;
  readonly isStereo: boolean;
  /** Milliseconds of a frame: 2.5 to 60. */
  readonly frameMs: number;
  readonly frames: readonly Uint8Array[];
}

const MAX_PACKET_MS = 120;
/** Of a frame. */
export const MAX_FRAME_BYTES = 1275;

/** @returns undefined for a packet that breaks the rules of section 3.4 */
export function parseOpusPacket(packet: Uint8Array): OpusPacket | undefined {
  const head = packet[0];
  if (head === undefined) return undefined;
  const { mode, silkRate, frameMs } = KINDS[head >> 3]!;
  const frames = packetFrames(packet, head & 3);
  if (!frames || frames.length * frameMs > MAX_PACKET_MS) return undefined;
  if (frames.some((frame) => frame.length > MAX_FRAME_BYTES)) return undefined;
  // Without the spread of an object, which takes Node 20 a microsecond.
  return { mode, silkRate, isStereo: (head & 4) !== 0, frameMs, frames };
}

const KINDS = Array.from({ length: 32 }, (_, configuration) => packetKind(configuration));

/** @param configuration 0 to 31, table 2 */
function packetKind(configuration: number): Pick<OpusPacket, 'mode' | 'silkRate' | 'frameMs'> {
  const size = configuration & 3;
  if (configuration >= 16) return { mode: 'celt', silkRate: 16000, frameMs: 2.5 * 2 ** size };
  if (configuration >= 12) return { mode: 'hybrid', silkRate: 16000, frameMs: (size & 1) === 0 ? 10 : 20 };
  const silkRate = configuration < 4 ? 8000 : configuration < 8 ? 12000 : 16000;
  return { mode: 'silk', silkRate, frameMs: size === 0 ? 10 : 20 * size };
}

/** @param code 0: one frame, 1: two of the same size, 2: two, 3: a count follows */
function packetFrames(packet: Uint8Array, code: number): readonly Uint8Array[] | undefined {
  if (code === 0) return [packet.subarray(1)];
  if (code === 1) return equalFrames(packet.subarray(1), 2);
  if (code === 2) {
    const first = frameLength(packet, 1);
    return first && unequalFrames(packet.subarray(1 + first.nBytes), [first.length]);
  }
  const count = packet[1];
  if (count === undefined) return undefined;
  const nFrames = count & 63;
  let at = 2;
  let padding = 0;
  if ((count & 64) !== 0) {
    for (let more = true; more; ) {
      const byte = packet[at++];
      if (byte === undefined) return undefined;
      more = byte === 255;
      padding += more ? 254 : byte;
    }
  }
  const end = packet.length - padding;
  if (nFrames === 0 || end < at) return undefined;
  if ((count & 128) === 0) return equalFrames(packet.subarray(at, end), nFrames);
  const lengths = [];
  for (let i = 0; i < nFrames - 1; i++) {
    const next = frameLength(packet.subarray(0, end), at);
    if (!next) return undefined;
    lengths.push(next.length);
    at += next.nBytes;
  }
  return unequalFrames(packet.subarray(at, end), lengths);
}

/** A length of up to 251 in one byte, up to 1275 in two. */
function frameLength(packet: Uint8Array, at: number): { readonly length: number; readonly nBytes: number } | undefined {
  const first = packet[at];
  if (first === undefined) return undefined;
  if (first < 252) return { length: first, nBytes: 1 };
  const second = packet[at + 1];
  return second === undefined ? undefined : { length: first + 4 * second, nBytes: 2 };
}

function equalFrames(bytes: Uint8Array, nFrames: number): readonly Uint8Array[] | undefined {
  if (bytes.length % nFrames !== 0) return undefined;
  const length = bytes.length / nFrames;
  return Array.from({ length: nFrames }, (_, i) => bytes.subarray(i * length, (i + 1) * length));
}

/** Frames of these lengths, and one more with the rest. */
function unequalFrames(bytes: Uint8Array, lengths: readonly number[]): readonly Uint8Array[] | undefined {
  const frames = [];
  let at = 0;
  for (const length of lengths) {
    frames.push(bytes.subarray(at, at + length));
    at += length;
  }
  return at > bytes.length ? undefined : [...frames, bytes.subarray(at)];
}
