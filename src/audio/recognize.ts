/** What a recording is, by its content, never by its name. */
import type { CallOptions } from '../base/progress.ts';
import type { ByteReader } from './byteReader.ts';
import { isFlac, readFlac } from './codecs/flac.ts';
import { isMpegAudio, readMp3 } from './codecs/mp3.ts';
import { readOgg } from './codecs/ogg.ts';
import { skipId3 } from './containers/id3.ts';
import { isOgg } from './containers/ogg.ts';
import { OTHER_FORMAT_BYTES, otherFormat } from './containers/otherFormats.ts';
import { readWav } from './containers/wav.ts';
import { isWav } from './containers/wavChunks.ts';
import type { PcmPiece } from './pcm.ts';
import { unsupportedFormat } from './unsupportedFormat.ts';

type ReadOptions = Pick<CallOptions, 'onWarning'>;
type Pieces = AsyncGenerator<PcmPiece, void, undefined>;

/** Bytes of the start in which MPEG frames are looked for, first and at last (as ffmpeg does). */
const PROBE_BYTES = [1 << 16, 1 << 20] as const;

/**
 * The samples of a recording of any kind that is read here.
 *
 * @throws {AudioError} `unsupported`, before any piece, for everything else; what the readers throw
 */
export async function* readPieces(reader: ByteReader, options: ReadOptions): Pieces {
  await skipId3(reader);
  const head = await reader.peek(12);
  if (isWav(head)) return yield* readWav(reader, options);
  if (isOgg(head)) return yield* readOgg(reader, options);
  if (isFlac(head)) return yield* readFlac(reader, options);
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
