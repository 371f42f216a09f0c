import { startsWith } from '../../../base/bytes.ts';
import { AudioError } from '../../../base/errors.ts';
import type { LibopusOptions } from './libopus.ts';

const OPUS_HEAD_BYTES = 19;
/** Channels that libopus's build takes, and whose speakers are known. */
const MAX_CHANNELS = 8;

export function isOpus(head: Uint8Array): boolean {
  return startsWith(head, 'OpusHead');
}

export interface OpusHead {
  readonly nChannels: number;
  /** Factor of all samples. */
  readonly gain: number;
  /** Whether channels are mapped to several streams. */
  readonly isMapped: boolean;
  readonly options: LibopusOptions;
}

/** Samples at 48 kHz before the sound, of a header that need not be valid otherwise. */
export function preSkipOf(head: Uint8Array): number {
  const [low = 0, high = 0] = head.subarray(10, 12);
  return low + 256 * high;
}

/**
 * OpusHead (RFC 7845): 8 magic, 1 version, 1 channels, 2 pre-skip, 4 original rate, 2 gain in 1/256 dB, 1 mapping
 * family; from family 1 on: 1 streams, 1 coupled streams, a byte for each channel.
 *
 * @throws {AudioError} `malformed`; `unsupported` for ambisonic files and for more than 8 channels
 */
export function readOpusHead(head: Uint8Array): OpusHead {
  if (head.length < OPUS_HEAD_BYTES) {
    throw new AudioError('malformed', `The Opus header has ${head.length} bytes, not ${OPUS_HEAD_BYTES} or more.`);
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const nChannels = view.getUint8(9);
  const family = view.getUint8(18);
  const isMapped = family !== 0;
  const what = `The Opus header has ${nChannels} channels in mapping family ${family}`;
  if (family > 1 || (isMapped && nChannels > MAX_CHANNELS)) {
    throw new AudioError('unsupported', `${what}.`, { hint: 'Install ffmpeg, which decodes them.' });
  }
  if (nChannels < 1 || (!isMapped && nChannels > 2)) throw new AudioError('malformed', `${what}.`);
  const common = { nChannels, gain: 10 ** (view.getInt16(16, true) / (20 * 256)) };
  if (!isMapped) return { ...common, isMapped, options: { channels: nChannels } };
  const [streamCount = 0, coupledStreamCount = 0, ...table] = head.subarray(19, 21 + nChannels);
  const nDecoded = streamCount + coupledStreamCount;
  if (
    table.length < nChannels ||
    streamCount < 1 ||
    coupledStreamCount > streamCount ||
    nDecoded > 255 ||
    table.some((from) => from >= nDecoded && from !== 255)
  ) {
    throw new AudioError('malformed', `${what}, which it does not map to its ${streamCount} streams.`);
  }
  return {
    ...common,
    isMapped,
    options: { channels: nChannels, streamCount, coupledStreamCount, channelMappingTable: table },
  };
}
