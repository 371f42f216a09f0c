/**
 * WAV with samples as numbers: 8 to 64-bit integers, 32 and 64-bit floats, mu-law, A-law; MPEG audio.
 * Damaged files are read as ffmpeg reads them: a "data" chunk that is longer than the file ends with the file, half a
 * frame at the end is dropped, and of several "data" chunks the last one counts (in a stream the first one).
 */
import { AudioError } from '../../base/errors.ts';
import type { CallOptions } from '../../base/progress.ts';
import { ByteReader } from '../byteReader.ts';
import type { PcmPiece } from '../pcm.ts';
import { isLittleEndian, type WavChunk, wavChunks } from './wavChunks.ts';
import { frameReader, isMpegFormat, malformedWav, readWavFormat, type WavFormat } from './wavFormat.ts';

/** Bytes of samples decoded at once. */
const BYTES_AT_ONCE = 1 << 18;
/** Bytes of a "fmt " chunk that are used. */
const FORMAT_BYTES = 40;

/**
 * @throws {AudioError} `truncated` if the file ends within its header; `malformed` if the header is not valid;
 *   `unsupported` if the samples are compressed by a codec
 */
export async function* readWav(
  reader: ByteReader,
  options: Pick<CallOptions, 'onWarning'> = {},
): AsyncGenerator<PcmPiece, void, undefined> {
  const { wav, size } = await readHeader(reader, options);
  if (wav !== 'mpeg') return yield* readFrames(reader, wav, size);
  const { readMp3 } = await import('../codecs/readEncoded.ts');
  const samples = ByteReader.ofStream(upTo(reader, size));
  samples.release();
  yield* readMp3(samples, options);
}

async function* upTo(reader: ByteReader, size: number): AsyncGenerator<Uint8Array, void, undefined> {
  for (let left = size; left > 0; ) {
    const bytes = await reader.peek(1, Math.min(left, BYTES_AT_ONCE));
    if (bytes.length === 0) return;
    yield bytes;
    await reader.advance(bytes.length);
    left -= bytes.length;
  }
}

/** Samples without a header from the reader's place on. @param size bytes of them */
export async function* readFrames(
  reader: ByteReader,
  wav: WavFormat,
  size = Number.POSITIVE_INFINITY,
): AsyncGenerator<PcmPiece, void, undefined> {
  const read = frameReader(wav);
  const { frameBytes } = wav;
  for (let left = size; left >= frameBytes; ) {
    const bytes = await reader.peek(frameBytes, Math.min(left, Math.max(BYTES_AT_ONCE, frameBytes)));
    const used = bytes.length - (bytes.length % frameBytes);
    if (used === 0) return;
    const piece = read(bytes.subarray(0, used));
    await reader.advance(used);
    left -= used;
    yield piece;
  }
}

/** Leaves the reader at the samples. */
async function readHeader(
  reader: ByteReader,
  { onWarning }: Pick<CallOptions, 'onWarning'>,
): Promise<{ readonly wav: WavFormat | 'mpeg'; readonly size: number }> {
  const isLittle = isLittleEndian(await reader.peek(4));
  const isStream = reader.size === undefined;
  let wav: WavFormat | 'mpeg' | undefined;
  let data: WavChunk | undefined;
  for await (const chunk of wavChunks(reader)) {
    if (chunk.name === 'fmt ' && !wav) {
      const format = await reader.peek(Math.min(Math.max(chunk.size, 16), FORMAT_BYTES));
      wav = isMpegFormat(format, isLittle) ? 'mpeg' : readWavFormat(format, chunk.size, isLittle);
    }
    if (chunk.name !== 'data') continue;
    data = chunk;
    if (!isStream) continue;
    if (!wav) throw malformedWav('its "data" chunk comes before its "fmt " chunk');
    return { wav, size: chunk.size };
  }
  if (isStream) {
    throw new AudioError('truncated', `The WAV stream ends at byte ${reader.position}, within its header.`);
  }
  if (!wav) throw malformedWav('it has no "fmt " chunk');
  if (!data) throw malformedWav('it has no "data" chunk');
  reader.seek(data.start);
  const there = (reader.size ?? 0) - data.start;
  if (Number.isFinite(data.size) && data.size > there) {
    const message = `The WAV file should have ${data.size} bytes of samples and has ${there}: it is truncated.`;
    onWarning?.({ code: 'audioTruncated', message });
  }
  return { wav, size: data.size };
}
