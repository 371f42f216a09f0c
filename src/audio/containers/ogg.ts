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
 *  22  4  checksum (not verified: a decoder notices a damaged packet itself)
 *  26  1  number of segments n
 *  27  n  their lengths; a packet ends with a segment shorter than 255
 */
import { concat, startsWith } from '../../base/bytes.ts';
import type { ByteReader } from '../byteReader.ts';

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
  /** All of its pages, from the first one on. Read before the next link. */
  readonly pages: AsyncGenerator<OggPage, void, undefined>;
}

const CAPTURE_PATTERN = 'OggS';
const HEADER_BYTES = 27;
/** Bytes searched at once for the next page. */
const SEARCH_BYTES = 1 << 16;

export function isOgg(bytes: Uint8Array): boolean {
  return startsWith(bytes, CAPTURE_PATTERN);
}

/**
 * Groups in the order of the file.
 *
 * @param isSound whether a stream is of interest, by its first packet
 * @returns of each group the first stream of interest, or, where there is none, the first one
 */
export async function* oggLinks(
  reader: ByteReader,
  isSound: (head: Uint8Array) => boolean,
): AsyncGenerator<OggLink, void, undefined> {
  const pages = rawPages(reader);
  const next = async (): Promise<RawPage | undefined> => (await pages.next()).value ?? undefined;
  let page = await next();
  while (page) {
    // A group begins with the first pages of all its streams.
    const firsts = [page];
    page = await next();
    while (page?.isFirst) {
      firsts.push(page);
      page = await next();
    }
    const first = firsts.find((one) => isSound(headOf(one))) ?? firsts[0]!; // there is one at least
    const ofStream = async function* (): AsyncGenerator<OggPage, void, undefined> {
      const packets = new PacketJoiner();
      yield packets.push(first);
      while (page && !page.isFirst) {
        const current = page;
        page = await next();
        if (current.serial === first.serial) yield packets.push(current);
      }
    };
    yield { head: headOf(first), pages: ofStream() };
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

/** Whole pages; bytes between pages are skipped. */
async function* rawPages(reader: ByteReader): AsyncGenerator<RawPage, void, undefined> {
  for (;;) {
    const near = await reader.peek(HEADER_BYTES, SEARCH_BYTES);
    if (near.length < HEADER_BYTES) return;
    if (!startsWith(near, CAPTURE_PATTERN)) {
      const at = near.indexOf(CAPTURE_PATTERN.charCodeAt(0), 1);
      await reader.skip(at < 0 ? near.length : at);
      continue;
    }
    const bodyAt = HEADER_BYTES + near[26]!;
    const head = await reader.peek(bodyAt);
    const lengths = head.slice(HEADER_BYTES);
    const size = bodyAt + lengths.reduce((sum, length) => sum + length, 0);
    const bytes = (await reader.peek(size)).slice();
    if (bytes.length < size) return; // the packets of a truncated page would be truncated too
    await reader.skip(size);
    yield parsePage(bytes, lengths, bodyAt);
  }
}

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

/** Puts the packets of one stream together. */
class PacketJoiner {
  /** Parts of a packet that has not ended yet. */
  #begun: Uint8Array[] = [];

  push({ isContinued, isLast, granule, parts, isEnded, bytes }: RawPage): OggPage {
    if (!isContinued) this.#begun = []; // an unfinished packet whose rest is lost
    const packets: Uint8Array[] = [];
    for (const [i, part] of parts.entries()) {
      this.#begun.push(part);
      if (i === parts.length - 1 && !isEnded) break;
      packets.push(this.#begun.length === 1 ? part : concat(Uint8Array, this.#begun));
      this.#begun = [];
    }
    return { isLast, granule, packets, bytes };
  }
}
