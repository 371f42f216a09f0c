import { startsWith } from '../../base/bytes.ts';

/**
 * Bytes of the ID3v2 tag that some MP3 and FLAC files begin with; 0 without one.
 *
 *   0  3  "ID3"     5  1  flags: 0x10 a footer of 10 bytes follows
 *   3  2  version   6  4  size of the rest, 7 bits a byte, highest first
 */
export function id3Length(bytes: Uint8Array): number {
  const [flags = 0, ...sizeBytes] = bytes.subarray(5, 10);
  if (sizeBytes.length < 4 || !startsWith(bytes, 'ID3')) return 0;
  const size = sizeBytes.reduce((sum, byte) => sum * 128 + (byte & 0x7f), 0);
  const hasFooter = (flags & 0x10) !== 0;
  return 10 + size + (hasFooter ? 10 : 0);
}
