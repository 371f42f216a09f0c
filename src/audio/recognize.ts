/**
 * What a recording is, by its content, never by its name: WAV and FLAC are read here, MP3, Ogg Opus and Ogg Vorbis by
 * WebAssembly decoders that are loaded when they are needed (except for SILK, a part of Opus, which is decoded here too).
 */
import { startsWith } from '../base/bytes.ts';
import { AudioError } from '../base/errors.ts';
import type { CallOptions } from '../base/progress.ts';
import { ByteReader } from './byteReader.ts';
import { isFlac, isOggFlac, readFlac, unwrapOggFlac } from './codecs/flac.ts';
import { findMpegFrame, readMp3, SEARCHED_BYTES } from './codecs/mp3.ts';
import { isOpus, readOpus } from './codecs/opus/oggOpus.ts';
import { isVorbis, readVorbis } from './codecs/vorbis.ts';
import { skipId3 } from './containers/id3.ts';
import { isOgg, type OggLink, oggLinks } from './containers/ogg.ts';
import { readWav } from './containers/wav.ts';
import { isWav } from './containers/wavChunks.ts';
import type { PcmPiece } from './pcm.ts';

type ReadOptions = Pick<CallOptions, 'onWarning'>;
type Pieces = AsyncGenerator<PcmPiece, void, undefined>;

/** Starts of containers in whose bytes an MPEG frame might be found by chance: Matroska, AVI, AIFF, CAF, AU. */
const OTHER_CONTAINERS = ['\x1aE\xdf\xa3', 'RIFF', 'FORM', 'caff', '.snd'];

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
  const isOther = startsWith(head, 'ftyp', 4) || OTHER_CONTAINERS.some((mark) => startsWith(head, mark));
  if (!isOther) {
    const bytes = await reader.peek(2 * SEARCHED_BYTES);
    const frame = findMpegFrame(bytes, bytes.length < 2 * SEARCHED_BYTES);
    if (frame) return yield* readMp3(reader, frame, options);
  }
  throw unsupported(reader);
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

function unsupported({ name }: ByteReader): AudioError {
  return new AudioError('unsupported', `${name ?? 'The file'} is not WAV, FLAC, MP3, Ogg Opus or Ogg Vorbis.`, {
    hint: 'Install ffmpeg, which decodes everything else, or convert the file to WAV.',
  });
}
