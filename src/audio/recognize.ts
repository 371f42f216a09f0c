/** What a recording is, by its content, never by its name. */
import { startsWith } from '../base/bytes.ts';
import type { CallOptions } from '../base/progress.ts';
import type { ByteReader } from './byteReader.ts';
import { skipId3 } from './containers/id3.ts';
import { readWav } from './containers/wav.ts';
import { isWav } from './containers/wavChunks.ts';
import type { PcmPiece } from './pcm.ts';
import { unsupportedFormat } from './unsupportedFormat.ts';

type ReadOptions = Pick<CallOptions, 'onWarning'>;
type Pieces = AsyncGenerator<PcmPiece, void, undefined>;

/** Bytes of the start in which MPEG frames are looked for, first and at last (as ffmpeg does). */
const PROBE_BYTES = [1 << 16, 1 << 20] as const;

/**
 * The samples of a recording of any kind that is read here. All readers but that of WAV are loaded when there is something
 * for them: a page does not wait for them.
 *
 * @throws {AudioError} `unsupported`, before any piece, for everything else; what the readers throw
 */
export async function* readPieces(reader: ByteReader, options: ReadOptions): Pieces {
  await skipId3(reader);
  const head = await reader.peek(12);
  if (isWav(head)) return yield* readWav(reader, options);
  if (startsWith(head, 'OggS')) return yield* (await import('./codecs/ogg.ts')).readOgg(reader, options);
  if (startsWith(head, 'fLaC')) return yield* (await import('./codecs/flac.ts')).readFlac(reader, options);
  const { OTHER_FORMAT_BYTES, otherFormat } = await import('./containers/otherFormats.ts');
  const { isMpegAudio, readMp3 } = await import('./codecs/mp3.ts');
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
