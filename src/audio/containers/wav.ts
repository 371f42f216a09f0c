/**
 * WAV files with uncompressed samples: 8, 16, 24 and 32-bit integers, 32 and 64-bit floats, mu-law, A-law.
 * Damaged files are read as ffmpeg reads them: a "data" chunk that is longer than the file ends with the file, half a
 * frame at the end is dropped, and of several "data" chunks the last one counts.
 */
import type { CallOptions } from '../../base/progress.ts';
import type { UseSource } from '../pcm.ts';
import { type WavChunk, wavChunks } from './wavChunks.ts';
import { malformedWav, readWavFormat, type WavFormat, withFrameReader } from './wavFormat.ts';

/** Frames decoded at once. */
const FRAMES_AT_ONCE = 1 << 16;

/**
 * Reads the header and hands a source of the samples to `use`.
 *
 * @throws {AudioError} `truncated` if the file ends within its header; `malformed` if the header is not valid;
 *   `unsupported` if the samples are compressed by a codec
 */
export function readWav<R>(bytes: Uint8Array, use: UseSource<R>, options: Pick<CallOptions, 'onWarning'> = {}): R {
  const { wav, dataStart, dataEnd } = readHeader(bytes, options);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return withFrameReader(wav, (reader) => {
    const nFrames = Math.floor((dataEnd - dataStart) / wav.frameBytes);
    return use({
      format: reader.format,
      *pieces() {
        for (let frame = 0; frame < nFrames; frame += FRAMES_AT_ONCE) {
          const n = Math.min(FRAMES_AT_ONCE, nFrames - frame);
          yield { channels: reader.read(view, dataStart + frame * wav.frameBytes, n), done: (frame + n) / nFrames };
        }
      },
    });
  });
}

interface Header {
  readonly wav: WavFormat;
  readonly dataStart: number;
  readonly dataEnd: number;
}

function readHeader(bytes: Uint8Array, { onWarning }: Pick<CallOptions, 'onWarning'>): Header {
  let wav: WavFormat | undefined;
  let data: WavChunk | undefined;
  for (const chunk of wavChunks(bytes, 'file')) {
    if (chunk.name === 'fmt ') wav ??= readWavFormat(bytes, chunk);
    if (chunk.name === 'data') data = chunk;
  }
  if (!wav) throw malformedWav('it has no "fmt " chunk');
  if (!data) throw malformedWav('it has no "data" chunk');
  const { start, size } = data;
  const dataEnd = Math.min(start + size, bytes.length);
  if (Number.isFinite(size) && start + size > bytes.length) {
    const message = `The WAV file should have ${size} bytes of samples and has ${dataEnd - start}: it is truncated.`;
    onWarning?.({ code: 'audioTruncated', message });
  }
  return { wav, dataStart: start, dataEnd };
}
