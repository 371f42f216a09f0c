/**
 * The chunks of a WAV file, or of a WAV stream as far as it has come.
 *
 *   0  4  "RIFF" | "RIFX" (big-endian) | "RF64" | "BW64" (64-bit sizes)
 *   4  4  size (not used)
 *   8  4  "WAVE"
 *  12  -  chunks, each: 4 name, 4 size, contents; the next one starts at an even offset
 *
 * Chunk "ds64", the first one of RF64 and BW64: 8 file size, 8 size of the "data" chunk, 8 number of samples.
 *
 * A writer that cannot seek back does not know the size of the "data" chunk when it writes the header. In a file, 0 and
 * 0xFFFFFFFF stand for such a size, as in ffmpeg. In a stream every size from 0x7FFF0000 on does, because recorders also
 * write 0x80000000 less their header, and so does any size of RF64, whose "ds64" chunk is filled in at the end. In a
 * file these are real: there are recordings of several GB.
 */
import { startsWith } from '../../base/bytes.ts';

export interface WavChunk {
  readonly name: string;
  /** Offset of the contents. */
  readonly start: number;
  /** Bytes of the contents; infinite for a "data" chunk that reaches to the end. */
  readonly size: number;
}

const MIN_UNKNOWN_STREAM_SIZE = 0x7fff0000;

export function isWav(bytes: Uint8Array): boolean {
  return ['RIFF', 'RIFX', 'RF64', 'BW64'].some((name) => startsWith(bytes, name)) && startsWith(bytes, 'WAVE', 8);
}

/** Byte order of all numbers of the file. */
export function isLittleEndian(bytes: Uint8Array): boolean {
  return !startsWith(bytes, 'RIFX');
}

/** Chunks whose name and size are there; their contents may reach beyond the bytes. */
export function* wavChunks(bytes: Uint8Array, kind: 'file' | 'stream'): Generator<WavChunk> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = isLittleEndian(bytes);
  const is64 = startsWith(bytes, 'RF64') || startsWith(bytes, 'BW64');
  let dataSize64: number | undefined;
  const dataSize = (size: number): number => {
    const isUnknown = size === 0 || (kind === 'file' ? size === 0xffffffff : is64 || size >= MIN_UNKNOWN_STREAM_SIZE);
    return dataSize64 ?? (isUnknown ? Number.POSITIVE_INFINITY : size);
  };
  for (let at = 12; at + 8 <= bytes.length; ) {
    const name = String.fromCharCode(...bytes.subarray(at, at + 4));
    const start = at + 8;
    const size32 = view.getUint32(at + 4, isLittle);
    const size = name === 'data' ? dataSize(size32) : size32;
    yield { name, start, size };
    if (name === 'ds64' && is64 && kind === 'file' && size >= 24 && start + 24 <= bytes.length) {
      dataSize64 = Number(view.getBigUint64(start + 8, true));
    }
    at = start + size + (size % 2);
  }
}
