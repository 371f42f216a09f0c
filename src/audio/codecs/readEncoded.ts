/** All readers but that of WAV (recognize.ts), as one part that is loaded when there is something for it. */
import { startsWith } from '../../base/bytes.ts';
import type { CallOptions } from '../../base/progress.ts';
import type { ByteReader } from '../byteReader.ts';
import { OTHER_FORMAT_BYTES, otherFormat } from '../containers/otherFormats.ts';
import type { PcmPiece } from '../pcm.ts';
import { unsupportedFormat } from '../unsupportedFormat.ts';
import { readFlac } from './flac.ts';
import { isMpegAudio, readMp3 } from './mp3.ts';
import { readOgg } from './ogg.ts';

export { readMp3 } from './mp3.ts';

/** Bytes of the start in which MPEG frames are looked for, first and at last (as ffmpeg does). */
const PROBE_BYTES = [1 << 16, 1 << 20] as const;

/**
 * The samples of Ogg, FLAC and MPEG audio.
 *
 * @throws {AudioError} `unsupported`, before any piece, for everything else; what the readers throw
 */
export async function* readEncoded(
  reader: ByteReader,
  options: Pick<CallOptions, 'onWarning'>,
): AsyncGenerator<PcmPiece, void, undefined> {
  const head = await reader.peek(4);
  if (startsWith(head, 'OggS')) return yield* readOgg(reader, options);
  if (startsWith(head, 'fLaC')) return yield* readFlac(reader, options);
  const other = otherFormat(await reader.peek(OTHER_FORMAT_BYTES));
  if (other === undefined) {
    for (const size of PROBE_BYTES) {
      const probe = await reader.peek(size);
      if (isMpegAudio(probe, probe.length < size)) return yield* readMp3(reader, options);
      if (probe.length < size) break;
    }
  }
  throw unsupportedFormat(reader.name, other);
}
