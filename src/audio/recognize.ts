/**
 * What a recording is, by its content, never by its name: WAV and FLAC are read here, MP3, Ogg Opus and Ogg Vorbis by
 * WebAssembly decoders that are loaded when they are needed (except for SILK, a part of Opus, which is decoded here too).
 */
import { AudioError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import { ByteReader } from './byteReader.ts';
import { isFlac, isOggFlac, readFlac, unwrapOggFlac } from './codecs/flac.ts';
import { isMpegAudio, readMp3 } from './codecs/mp3.ts';
import { isOpus, readOpus } from './codecs/opus/oggOpus.ts';
import { isVorbis, readVorbis } from './codecs/vorbis.ts';
import { skipId3 } from './containers/id3.ts';
import { isOgg, type OggLink, oggLinks } from './containers/ogg.ts';
import { OTHER_FORMAT_BYTES, otherFormat } from './containers/otherFormats.ts';
import { readWav } from './containers/wav.ts';
import { isWav } from './containers/wavChunks.ts';
import type { PcmPiece } from './pcm.ts';

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
  throw unsupported(reader, other);
}

async function* readOgg(reader: ByteReader, options: ReadOptions): Pieces {
  const isSound = (head: Uint8Array): boolean => isOggFlac(head) || isOpus(head) || isVorbis(head);
  let isFirst = true;
  for await (const link of oggLinks(reader, isSound)) {
    const { head } = link;
    isFirst = false;
    if (isOpus(head)) yield* readOpus(link, options);
    else if (isVorbis(head)) yield* readVorbis(link, options);
    else if (isOggFlac(head)) yield* readFlac(ByteReader.ofStream(unwrapOggFlac(packetsOf(link))), options);
    else throw unsupported(reader);
  }
  if (isFirst) throw unsupported(reader);
}

async function* packetsOf({ pages }: OggLink): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { packets } of pages) yield* packets;
}

/** @param what it is, if that is known */
function unsupported({ name = 'The recording' }: ByteReader, what?: string): AudioError {
  const found = what === undefined ? '' : `${name} is ${what}. `;
  const not = `${what === undefined ? `${name} is` : 'This is'} not WAV, FLAC, MP3, Ogg Opus or Ogg Vorbis.`;
  return new AudioError('unsupported', `${found}${not}`, {
    hint: 'Install ffmpeg, which decodes everything else, or convert the file to WAV.',
  });
}
