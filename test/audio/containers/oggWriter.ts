/** Ogg pages with their checksums, for tests. */
import { concat } from '../../../src/base/bytes.ts';

export interface OggPageSpec {
  readonly serial: number;
  readonly sequence: number;
  /** 1 continues a packet, 2 first page, 4 last page. */
  readonly flags: number;
  readonly granule: number;
  readonly packets: readonly Uint8Array[];
}

export function oggPage({ serial, sequence, flags, granule, packets }: OggPageSpec): Uint8Array {
  const lacing = packets.flatMap(({ length }) => [
    ...new Array<number>(Math.floor(length / 255)).fill(255),
    length % 255,
  ]);
  const page = concat(Uint8Array, [new Uint8Array(27), lacing, ...packets]);
  const view = new DataView(page.buffer);
  for (const [i, char] of [...'OggS'].entries()) page[i] = char.charCodeAt(0);
  page[5] = flags;
  view.setBigInt64(6, BigInt(granule), true);
  view.setUint32(14, serial, true);
  view.setUint32(18, sequence, true);
  page[26] = lacing.length;
  view.setUint32(22, checksum(page), true);
  return page;
}

/** The pages of a file, without a copy. */
export function pagesOf(file: Uint8Array): Uint8Array[] {
  const pages: Uint8Array[] = [];
  for (let at = 0; at < file.length; ) {
    const nSegments = file[at + 26] ?? 0;
    const lengths = file.subarray(at + 27, at + 27 + nSegments);
    const size = lengths.reduce((sum, length) => sum + length, 27 + nSegments);
    pages.push(file.subarray(at, at + size));
    at += size;
  }
  return pages;
}

/** A file whose bytes were changed, with right checksums at the places where the pages of `original` are. */
export function withChecksums(changed: Uint8Array, original: Uint8Array): Uint8Array {
  const out = changed.slice();
  for (const page of pagesOf(original)) {
    const own = out.subarray(page.byteOffset - original.byteOffset).subarray(0, page.length);
    own.fill(0, 22, 26);
    new DataView(own.buffer, own.byteOffset).setUint32(22, checksum(own), true);
  }
  return out;
}

/** The file with another serial number. */
export function withSerial(file: Uint8Array, serial: number): Uint8Array {
  const out = file.slice();
  for (const page of pagesOf(out)) new DataView(page.buffer, page.byteOffset).setUint32(14, serial, true);
  return withChecksums(out, out);
}

/** Bit by bit: polynomial 0x04c11db7 from 0 on. */
function checksum(page: Uint8Array): number {
  let crc = 0;
  for (const byte of page) {
    crc ^= byte << 24;
    for (let i = 0; i < 8; i++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  }
  return crc >>> 0;
}
