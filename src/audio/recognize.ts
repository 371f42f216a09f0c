/** What a recording is, by its content, never by its name. */
import type { CallOptions } from '../base/progress.ts';
import type { ByteReader } from './byteReader.ts';
import { skipId3 } from './containers/id3.ts';
import { isWav, RIFF_BYTES } from './containers/isWav.ts';
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
  // A page has the readers that its recordings ask for.
  if (isWav(await reader.peek(RIFF_BYTES))) {
    const { readWav } = await import('./containers/wav.ts');
    return yield* readWav(reader, options);
  }
  const { readEncoded } = await import('./codecs/readEncoded.ts');
  yield* readEncoded(reader, options);
}
