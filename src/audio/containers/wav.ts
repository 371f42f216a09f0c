/**
 * WAV of every kind that holds plain samples: 8, 16, 24 and 32-bit integers, 32 and 64-bit floats, mu-law, A-law;
 * RIFF, RIFX (big-endian) and RF64/BW64 (64-bit sizes). Damaged files are read as ffmpeg reads them: a data chunk that
 * is longer than the file ends with the file, half a frame at the end is dropped, a data size of 0 or 0xFFFFFFFF
 * (a recorder that could not go back) means "to the end", of several data chunks the last one counts.
 *
 * File:
 *   0  4  "RIFF" | "RIFX" | "RF64" | "BW64"
 *   4  4  size (not used)
 *   8  4  "WAVE"
 *  12  -  chunks, each: 4 name, 4 size, data; the next one starts at an even offset
 * Chunk "ds64" (first chunk of RF64/BW64): 8 file size, 8 data size, 8 samples
 */
import type { CallOptions } from '../../base/progress.ts';
import type { UseSource } from '../pcm.ts';
import { fourLetters, malformedWav, readWavFormat, type WavFormat, withFrameReader } from './wavFormat.ts';

/** Frames decoded at once. */
const framesAtOnce = 1 << 16;

export function isWav(bytes: Uint8Array): boolean {
  if (bytes.length < 12) return false;
  return ['RIFF', 'RIFX', 'RF64', 'BW64'].includes(fourLetters(bytes, 0)) && fourLetters(bytes, 8) === 'WAVE';
}

/**
 * Reads the header and hands a source of the samples to `use`.
 *
 * @throws {AudioError} `truncated` if the file ends within its header; `malformed` if the header cannot be;
 *   `unsupported` if the samples are compressed by a codec
 */
export function readWav<R>(bytes: Uint8Array, use: UseSource<R>, options: Pick<CallOptions, 'onWarning'> = {}): R {
  const { view, wav, dataStart, dataEnd } = readHeader(bytes, options);
  return withFrameReader(wav, (reader) => {
    const nFrames = Math.floor((dataEnd - dataStart) / wav.frameBytes);
    return use({
      format: reader.format,
      *pieces() {
        for (let frame = 0; frame < nFrames; frame += framesAtOnce) {
          const n = Math.min(framesAtOnce, nFrames - frame);
          yield { planes: reader.read(view, dataStart + frame * wav.frameBytes, n), done: (frame + n) / nFrames };
        }
      },
    });
  });
}

interface Header {
  readonly view: DataView;
  readonly wav: WavFormat;
  readonly dataStart: number;
  readonly dataEnd: number;
}

function readHeader(bytes: Uint8Array, { onWarning }: Pick<CallOptions, 'onWarning'>): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = fourLetters(bytes, 0) !== 'RIFX';
  const is64 = ['RF64', 'BW64'].includes(fourLetters(bytes, 0));
  let dataSize64: number | undefined;
  let format: WavFormat | undefined;
  let data: { readonly start: number; readonly size: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = fourLetters(bytes, at);
    const start = at + 8;
    let size = view.getUint32(at + 4, isLittle);
    if (name === 'fmt ' && !format) format = readWavFormat(view, start, size, isLittle);
    if (name === 'ds64' && is64 && size >= 24 && start + 24 <= bytes.length) {
      dataSize64 = Number(view.getBigUint64(start + 8, true));
    }
    if (name === 'data') {
      if (is64 && dataSize64 !== undefined) size = dataSize64;
      else if (size === 0 || size === 0xffffffff) size = Number.POSITIVE_INFINITY;
      data = { start, size };
    }
    at = start + size;
    at += at % 2;
  }
  if (!format) throw malformedWav('it has no "fmt " chunk');
  if (!data) throw malformedWav('it has no "data" chunk');
  const dataEnd = Math.min(data.start + data.size, bytes.length);
  if (Number.isFinite(data.size) && data.start + data.size > bytes.length) {
    const message = `The WAV file should have ${data.size} bytes of sound and has ${dataEnd - data.start}: it is cut off.`;
    onWarning?.({ code: 'audioTruncated', message });
  }
  return { view, wav: format, dataStart: data.start, dataEnd };
}
