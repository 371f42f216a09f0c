import { startsWith } from '../../base/bytes.ts';

/** Bytes of the ID3v2 tag that some MP3 and FLAC files begin with; 0 without one. */
export function id3Length(bytes: Uint8Array): number {
  if (bytes.length < 10 || !startsWith(bytes, 'ID3')) return 0;
  const size = bytes.subarray(6, 10).reduce((sum, byte) => sum * 128 + (byte & 0x7f), 0); // 7 bits a byte
  const hasFooter = (bytes[5]! & 0x10) !== 0;
  return 10 + size + (hasFooter ? 10 : 0);
}
