/** The sound of Ogg files: Opus, Vorbis and FLAC, in groups of streams that may each be of another kind. */
import { startsWith } from '../../base/bytes.ts';
import { AudioError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';
import { ByteReader } from '../byteReader.ts';
import { type OggLink, oggLinks } from '../containers/ogg.ts';
import type { PcmPiece } from '../pcm.ts';
import { unsupportedFormat } from '../unsupportedFormat.ts';
import { VainWork } from '../vainWork.ts';
import { isOggFlac, oggFlacChannels, readFlac, unwrapOggFlac } from './flac.ts';
import type { OggOpus } from './opus/oggOpus.ts';
import { isOpus } from './opus/opusHead.ts';
import type { OggVorbis } from './vorbis/oggVorbis.ts';
import { isVorbis } from './vorbis/vorbisSetup.ts';

type ReadOptions = Pick<CallOptions, 'onWarning'>;
type Pieces = AsyncGenerator<PcmPiece, void, undefined>;

/** First packets of codecs that are not read here. */
const OTHER_CODECS: readonly (readonly [mark: string, name: string])[] = [
  ['Speex   ', 'Ogg Speex'],
  ['CELT    ', 'Ogg CELT'],
  ['\x80theora', 'Ogg Theora without sound'],
  ['fLaC', 'Ogg FLAC of the first kind'],
];

/** @throws {AudioError} `unsupported`, before any piece, if the first group has no sound that is read here; `malformed` */
export async function* readOgg(reader: ByteReader, options: ReadOptions): Pieces {
  const joined = new Joined(options);
  const vainWork = new VainWork(reader);
  let isStarted = false;
  // What has been read stands, whatever comes behind it.
  const passOverErrors = async function* (pieces: Iterable<PcmPiece> | AsyncIterable<PcmPiece>): Pieces {
    try {
      for await (const piece of pieces) {
        isStarted = true;
        yield piece;
      }
    } catch (error) {
      if (!isStarted || !(error instanceof AudioError)) throw error;
      const message = `A later part of the Ogg file is left out: ${error.message}`;
      options.onWarning?.({ code: 'audioDamaged', message });
    }
  };
  let nLinks = 0;
  let firstCodec: string | undefined;
  try {
    for await (const link of oggLinks(reader, nChannelsOf)) {
      nLinks++;
      const codec = codecOf(link.head);
      firstCodec ??= codec;
      if (codec !== undefined && codec !== firstCodec) {
        // ffmpeg takes it for another stream beside the one that it reads, and so openai/whisper does not hear it.
        const message = `The Ogg file goes on in ${codec} after ${firstCodec}: from there on it is not read, as in ffmpeg.`;
        options.onWarning?.({ code: 'audioTruncated', message });
        break;
      }
      yield* passOverErrors(readLink(link, joined, vainWork, reader.name, options));
    }
    yield* passOverErrors(joined.end());
  } finally {
    joined.close();
  }
  if (nLinks === 0) throw unsupportedFormat(reader.name, 'Ogg without a page that can be read');
}

async function* readLink(
  link: OggLink,
  joined: Joined,
  vainWork: VainWork,
  name: string | undefined,
  options: ReadOptions,
): Pieces {
  const { head } = link;
  if (isOpus(head)) return yield* joined.opus(link);
  if (isVorbis(head)) return yield* joined.vorbis(link);
  yield* joined.end();
  if (isOggFlac(head)) {
    const reader = ByteReader.ofStream(unwrapOggFlac(packetsOf(link)));
    reader.release();
    return yield* readFlac(reader, options, vainWork);
  }
  throw unsupportedFormat(name, OTHER_CODECS.find(([mark]) => startsWith(head, mark))?.[1]);
}

/** By the first packet of a stream; undefined for one that is not read here. */
function codecOf(head: Uint8Array): 'Opus' | 'Vorbis' | 'FLAC' | undefined {
  if (isOpus(head)) return 'Opus';
  if (isVorbis(head)) return 'Vorbis';
  return isOggFlac(head) ? 'FLAC' : undefined;
}

/** By the first packet of a stream; 0 for one that is not read here. */
function nChannelsOf(head: Uint8Array): number {
  if (isOpus(head)) return head[9] ?? 0;
  if (isVorbis(head)) return head[11] ?? 0;
  return isOggFlac(head) ? oggFlacChannels(head) : 0;
}

async function* packetsOf({ pages }: OggLink): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const { packets } of pages) yield* packets;
}

/** Streams of Opus, or of Vorbis, that follow one another are one to their decoder. */
class Joined {
  readonly #options: ReadOptions;
  #opus: OggOpus | undefined;
  #vorbis: OggVorbis | undefined;

  constructor(options: ReadOptions) {
    this.#options = options;
  }

  async *opus(link: OggLink): Pieces {
    const isContinued = link.isContinued && this.#opus !== undefined;
    // A page loads the decoders when there is something for them.
    const { OggOpus } = await import('./opus/oggOpus.ts');
    this.#opus ??= new OggOpus(link.head);
    yield* this.#opus.read({ ...link, isContinued });
  }

  async *vorbis(link: OggLink): Pieces {
    const { OggVorbis } = await import('./vorbis/oggVorbis.ts');
    this.#vorbis ??= new OggVorbis();
    yield* this.#vorbis.read(link);
  }

  *end(): Generator<PcmPiece> {
    const { onWarning } = this.#options;
    if (this.#opus) yield* this.#opus.end(onWarning);
    this.#vorbis?.end(onWarning);
    this.close();
  }

  close(): void {
    this.#opus?.close();
    [this.#opus, this.#vorbis] = [undefined, undefined];
  }
}
