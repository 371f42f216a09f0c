/** What a recording is, by its content, never by its name. */
import type { CallOptions } from '../base/progress.ts';
import type { ByteReader } from './byteReader.ts';
import { skipId3 } from './containers/id3.ts';
import { readWav } from './containers/wav.ts';
import { isWav } from './containers/wavChunks.ts';
import type { PcmPiece } from './pcm.ts';

/**
 * The samples of a recording of any kind that is read here.
 *
 * @throws {AudioError} `unsupported`, before any piece, for everything else; what the readers throw
 */
export async function* readPieces(
  reader: ByteReader,
  options: Pick<CallOptions, 'onWarning'>,
): AsyncGenerator<PcmPiece, void, undefined> {
  await skipId3(reader);
  if (isWav(await reader.peek(12))) return yield* readWav(reader, options);
  const { readEncoded } = await import('./codecs/readEncoded.ts');
  yield* readEncoded(reader, options);
}
