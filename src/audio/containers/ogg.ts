/**
 * Ogg files (RFC 3533): several logical streams in turns (a film's picture and sound), and several groups of them one
 * after the other (recordings that were joined). Of each group the sound is read.
 *
 * Page:
 *   0  4  "OggS"
 *   4  1  version 0
 *   5  1  flags: 1 continues a packet, 2 first page of the stream, 4 last page
 *   6  8  granule position: samples up to the end of the last packet that ends here; -1 if none does
 *  14  4  serial number of the stream
 *  18  4  page number
 *  22  4  checksum of the page with zeros here; a page that has another one is left out
 *  26  1  number of segments n
 *  27  n  their lengths; a packet ends with a segment shorter than 255
 */
import { concat, startsWith } from '../../base/bytes.ts';
import type { ByteReader } from '../byteReader.ts';
import { VainWork } from '../vainWork.ts';

export interface OggPage {
  readonly isLast: boolean;
  readonly granule: number;
  /** Packets that end on this page, including one that began on an earlier page. */
  readonly packets: readonly Uint8Array[];
  /** The page as it is in the file. */
  readonly bytes: Uint8Array;
}

/** One stream of a group. */
export interface OggLink {
  /** Its first packet, which names the codec; empty if it does not end on the first page. */
  readonly head: Uint8Array;
  /** Whether it has the serial number of the stream before, which is then another one only by its head. */
  readonly isContinued: boolean;
  /** All of its pages, from the first one on. Read before the next link. */
  readonly pages: AsyncGenerator<OggPage, void, undefined>;
}

const CAPTURE_PATTERN = 'OggS';
const HEADER_BYTES = 27;
/** Bytes searched at once for the next page. */
const SEARCH_BYTES = 1 << 16;
const CHECKSUM_AT = 22;
/** More than any packet of sound has. */
const MAX_PACKET_BYTES = 1 << 23;

/**
 * Groups in the order of the file.
 *
 * @param nChannelsOf how many channels of sound a stream has, by its first packet; 0 if it is of no interest
 * @returns of each group the stream with the most channels, or, where there is none, the first one
 */
export async function* oggLinks(
  reader: ByteReader,
  nChannelsOf: (head: Uint8Array) => number,
): AsyncGenerator<OggLink, void, undefined> {
  const pages = rawPages(reader);
  const next = async (): Promise<RawPage | undefined> => (await pages.next()).value ?? undefined;
  let page = await next();
  let serialBefore: number | undefined;
  while (page) {
    // A group begins with the first pages of all its streams.
    let first = page;
    let most = nChannelsOf(headOf(first));
    for (page = await next(); page?.isFirst; page = await next()) {
      const nChannels = nChannelsOf(headOf(page));
      if (nChannels > most) [first, most] = [page, nChannels];
    }
    const ofStream = async function* (): AsyncGenerator<OggPage, void, undefined> {
      const packets = new PacketJoiner();
      yield packets.push(first);
      while (page && !page.isFirst) {
        const current = page;
        page = await next();
        if (current.serial === first.serial) yield packets.push(current);
      }
    };
    yield { head: headOf(first), isContinued: first.serial === serialBefore, pages: ofStream() };
    serialBefore = first.serial;
    while (page && !page.isFirst) page = await next();
  }
}

interface RawPage {
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly isContinued: boolean;
  readonly granule: number;
  readonly serial: number;
  readonly parts: readonly Uint8Array[];
  /** Whether the last part is the end of a packet. */
  readonly isEnded: boolean;
  readonly bytes: Uint8Array;
}

function headOf({ parts, isEnded }: RawPage): Uint8Array {
  const [head] = parts;
  return head && (isEnded || parts.length > 1) ? head : new Uint8Array(0);
}

/** Whole pages that are not damaged; bytes between pages are skipped. */
async function* rawPages(reader: ByteReader): AsyncGenerator<RawPage, void, undefined> {
  const vainWork = new VainWork(reader);
  for (;;) {
    const near = await reader.peek(HEADER_BYTES, SEARCH_BYTES);
    if (near.length < HEADER_BYTES) return;
    if (!startsWith(near, CAPTURE_PATTERN)) {
      const at = near.indexOf(CAPTURE_PATTERN.charCodeAt(0), 1);
      await reader.advance(at < 0 ? near.length : at);
      continue;
    }
    const bodyAt = HEADER_BYTES + near[26]!;
    const head = await reader.peek(bodyAt);
    const lengths = head.slice(HEADER_BYTES);
    const size = bodyAt + lengths.reduce((sum, length) => sum + length, 0);
    const bytes = (await reader.peek(size)).slice();
    if (bytes.length === size && isIntact(bytes)) {
      await reader.advance(size);
      yield parsePage(bytes, lengths, bodyAt);
      continue;
    }
    // What looks like a page may be part of another one; but not so often that it would take for ever.
    await reader.advance(vainWork.add(bytes.length) ? CAPTURE_PATTERN.length : bytes.length);
  }
}

/** CRC-32 without reflection, polynomial 0x04c11db7, from 0 on, over the page with zeros in place of the checksum. */
function isIntact(page: Uint8Array): boolean {
  let crc = 0;
  for (let i = 0; i < page.length; i++) {
    const byte = i >= CHECKSUM_AT && i < CHECKSUM_AT + 4 ? 0 : page[i]!;
    crc = (crc << 8) ^ CRC_TABLE[(crc >>> 24) ^ byte]!;
  }
  return new DataView(page.buffer, page.byteOffset).getInt32(CHECKSUM_AT, true) === crc;
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let i = 0; i < 8; i++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  return crc;
});

function parsePage(bytes: Uint8Array, lengths: Uint8Array, bodyAt: number): RawPage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint8(5);
  const parts: Uint8Array[] = [];
  let from = bodyAt;
  let at = bodyAt;
  let isEnded = true;
  for (const length of lengths) {
    at += length;
    isEnded = length < 255;
    if (!isEnded) continue;
    parts.push(bytes.subarray(from, at));
    from = at;
  }
  if (!isEnded) parts.push(bytes.subarray(from, at));
  return {
    isFirst: (flags & 2) !== 0,
    isLast: (flags & 4) !== 0,
    isContinued: (flags & 1) !== 0,
    granule: Number(view.getBigInt64(6, true)),
    serial: view.getUint32(14, true),
    parts,
    isEnded,
    bytes,
  };
}

/** Puts the packets of one stream together. A packet of many megabytes (a picture) is given without its end. */
class PacketJoiner {
  /** Parts of a packet that has not ended yet. */
  #begun: Uint8Array[] = [];
  #nBytes = 0;

  push({ isContinued, isLast, granule, parts, isEnded, bytes }: RawPage): OggPage {
    if (!isContinued) this.#clear(); // an unfinished packet whose rest is lost
    const packets: Uint8Array[] = [];
    for (const [i, part] of parts.entries()) {
      if (this.#nBytes < MAX_PACKET_BYTES && (part.length > 0 || this.#begun.length === 0)) this.#begun.push(part);
      this.#nBytes += part.length;
      if (i === parts.length - 1 && !isEnded) break;
      packets.push(this.#begun.length === 1 ? part : concat(Uint8Array, this.#begun));
      this.#clear();
    }
    return { isLast, granule, packets, bytes };
  }

  #clear(): void {
    this.#begun = [];
    this.#nBytes = 0;
  }
}
