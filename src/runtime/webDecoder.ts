/**
 * The browser's own decoder, for what sotto does not decode (m4a, webm ...). Its samples are taken at the recording's own
 * rate and go through our resampler, as those of every file do: browsers resample each in its own way.
 */
import type { ByteSource } from '../audio/byteSource.ts';
import type { OtherDecoder } from '../audio/decodedSound.ts';
import { type Planes, planePieces, planesSound } from '../audio/planesSound.ts';
import { AudioError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import { untilAborted } from '../base/signals.ts';

/** Hz: what a recording is decoded to whose own rate is not found. Opus has this one always. */
const USUAL_RATE = 48_000;
/** Hz: what every browser takes. */
const MIN_RATE = 8000;
const MAX_RATE = 96_000;

/** The browser's decoder beside our own. */
export const browserDecoder: OtherDecoder<ByteSource> = {
  async *mono(...request) {
    const { planes, sampleRate } = await decodeInBrowser(...request);
    yield* planesSound(planes, sampleRate).read(request[2]);
  },
  async *pieces(...request) {
    const { planes, sampleRate } = await decodeInBrowser(...request);
    yield* planePieces(planes, sampleRate, request[2]);
  },
};

/**
 * Decodes all of it at once, as the Web Audio API does: an hour takes 690 MB a channel while it is read.
 *
 * @param unsupported what our readers said
 * @throws {AudioError} `unsupported` where there is no decoder, as in workers; `undecodable`; the signal's reason
 */
async function decodeInBrowser(
  source: ByteSource,
  unsupported: AudioError,
  { signal }: CallOptions,
): Promise<{ readonly planes: Planes; readonly sampleRate: number }> {
  if (typeof OfflineAudioContext !== 'function') {
    throw new AudioError('unsupported', unsupported.message, {
      cause: unsupported,
      hint: 'Here is no decoder of the browser either: decode it in the page, with decodeAudioData, and give its AudioBuffer.',
    });
  }
  const bytes = (await source.read(0, source.size, signal)).slice();
  const context = new OfflineAudioContext(1, 1, ownRate(bytes) ?? USUAL_RATE);
  let buffer: AudioBuffer;
  try {
    buffer = await untilAborted(context.decodeAudioData(bytes.buffer), signal);
  } catch (cause) {
    signal?.throwIfAborted();
    throw new AudioError('undecodable', `${source.name ?? 'The recording'} cannot be decoded by this browser.`, {
      cause,
      hint: 'It may be no recording, or without sound. Convert it to MP3, FLAC or WAV.',
    });
  }
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, channel) => buffer.getChannelData(channel));
  return { planes: { sampleFormat: 'f32', channels }, sampleRate: buffer.sampleRate };
}

/** The rate that the sample entry of an MP4's AAC track says, if there is one. @see ISO/IEC 14496-12, 12.2.3 */
function ownRate(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || view.getUint32(4) !== MARK.ftyp) return undefined;
  for (let at = bytes.indexOf(0x6d); at >= 0 && at + 32 <= bytes.length; at = bytes.indexOf(0x6d, at + 1)) {
    if (view.getUint32(at) !== MARK.mp4a) continue;
    const rate = view.getUint16(at + 28);
    if (rate >= MIN_RATE && rate <= MAX_RATE) return rate;
  }
  return undefined;
}

/** "ftyp" and "mp4a". */
const MARK = { ftyp: 0x66747970, mp4a: 0x6d703461 } as const;
