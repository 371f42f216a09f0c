/**
 * The chunks of a WAV file or stream.
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
import type { ByteReader } from '../byteReader.ts';
import { RIFF_BYTES } from './isWav.ts';

export interface WavChunk {
  readonly name: string;
  /** Offset of the contents. */
  readonly start: number;
  /** Bytes of the contents; infinite for a "data" chunk that reaches to the end. */
  readonly size: number;
}

const CHUNK_HEADER_BYTES = 8;
const BYTES_AT_ONCE = 1 << 16;
const MIN_UNKNOWN_STREAM_SIZE = 0x7fff0000;

/** Byte order of all numbers of the file. */
export function isLittleEndian(head: Uint8Array): boolean {
  return !startsWith(head, 'RIFX');
}

/**
 * Chunks whose name and size are there; their contents may reach beyond the end. When one is given the reader is at its
 * contents, from which it may be moved on, though not beyond them.
 */
export async function* wavChunks(reader: ByteReader): AsyncGenerator<WavChunk, void, undefined> {
  const head = await reader.peek(RIFF_BYTES);
  const isLittle = isLittleEndian(head);
  const is64 = startsWith(head, 'RF64') || startsWith(head, 'BW64');
  const isStream = reader.size === undefined;
  let dataSize64: number | undefined;
  const dataSize = (size: number): number => {
    const isUnknown = size === 0 || (isStream ? is64 || size >= MIN_UNKNOWN_STREAM_SIZE : size === 0xffffffff);
    return dataSize64 ?? (isUnknown ? Number.POSITIVE_INFINITY : size);
  };
  await reader.advance(RIFF_BYTES);
  for (;;) {
    await skipSmallChunks(reader, isLittle);
    const header = await reader.peek(CHUNK_HEADER_BYTES);
    if (header.length < CHUNK_HEADER_BYTES) return;
    const name = String.fromCharCode(...header.subarray(0, 4));
    const size32 = viewOf(header).getUint32(4, isLittle);
    const size = name === 'data' ? dataSize(size32) : size32;
    await reader.advance(CHUNK_HEADER_BYTES);
    const start = reader.position;
    if (name === 'ds64' && is64 && !isStream && size >= 24) {
      const sizes = await reader.peek(24);
      if (sizes.length === 24) dataSize64 = Number(viewOf(sizes).getBigUint64(8, true));
    }
    yield { name, start, size };
    const padding = Number.isFinite(size) ? size % 2 : 0;
    await reader.advance(start + size + padding - reader.position);
  }
}

/** Goes past chunks of no interest that are buffered whole: a file may have a million of them. */
async function skipSmallChunks(reader: ByteReader, isLittle: boolean): Promise<void> {
  for (;;) {
    const near = await reader.peek(CHUNK_HEADER_BYTES, BYTES_AT_ONCE);
    const view = viewOf(near);
    let at = 0;
    while (at + CHUNK_HEADER_BYTES <= near.length) {
      const name = String.fromCharCode(...near.subarray(at, at + 4));
      const size = view.getUint32(at + 4, isLittle);
      const next = at + CHUNK_HEADER_BYTES + size + (size % 2);
      if (name === 'data' || name === 'fmt ' || name === 'ds64' || next > near.length) break;
      at = next;
    }
    if (at === 0) return;
    await reader.advance(at);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
