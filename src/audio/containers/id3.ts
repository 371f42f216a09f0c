import { startsWith } from '../../base/bytes.ts';
import type { ByteReader } from '../byteReader.ts';

const HEADER_BYTES = 10;

/**
 * Skips the ID3v2 tags that some recordings of any kind begin with.
 *
 *   0  3  "ID3"     5  1  flags: 0x10 a footer of 10 bytes follows
 *   3  2  version   6  4  size of the rest, 7 bits a byte, highest first
 */
export async function skipId3(reader: ByteReader): Promise<void> {
  for (;;) {
    const length = id3Length(await reader.peek(HEADER_BYTES));
    if (length === 0) return;
    await reader.advance(length);
  }
}

/** Bytes of the tag that begins here; 0 if there is none. */
export function id3Length(bytes: Uint8Array): number {
  const [flags = 0, ...sizeBytes] = bytes.subarray(5, HEADER_BYTES);
  if (sizeBytes.length < 4 || !startsWith(bytes, 'ID3')) return 0;
  const size = sizeBytes.reduce((sum, byte) => sum * 128 + (byte & 0x7f), 0);
  const hasFooter = (flags & 0x10) !== 0;
  return HEADER_BYTES + size + (hasFooter ? HEADER_BYTES : 0);
}
