/**
 * Packets of the first logical stream of an Ogg file (RFC 3533), as far as its codecs need them.
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

export interface OggPage {
  readonly isLast: boolean;
  readonly granule: number;
  /** Packets that end on this page, including one that began on an earlier page. */
  readonly packets: readonly Uint8Array[];
  /** Where the page ends in the file. */
  readonly end: number;
}

const CAPTURE_PATTERN = 'OggS';
const HEADER_BYTES = 27;

export function isOgg(bytes: Uint8Array): boolean {
  return startsWith(bytes, CAPTURE_PATTERN);
}

/** Pages in the order of the file, each parsed once, when it is first asked for. Can be iterated any number of times. */
export class OggPages implements Iterable<OggPage> {
  /** The whole file. */
  readonly bytes: Uint8Array;
  readonly #parsed: OggPage[] = [];
  readonly #rest: Iterator<OggPage>;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#rest = parsePages(bytes);
  }

  /** The first packet, which names the codec; empty if it does not end on the first page. */
  get head(): Uint8Array {
    const [first] = this;
    return first?.packets[0] ?? new Uint8Array(0);
  }

  *[Symbol.iterator](): Generator<OggPage> {
    for (let i = 0; ; i++) {
      let page = this.#parsed[i];
      if (!page) {
        const next = this.#rest.next();
        if (next.done) return;
        page = next.value;
        this.#parsed.push(page);
      }
      yield page;
    }
  }
}

/** Bytes between pages are skipped. */
function* parsePages(bytes: Uint8Array): Generator<OggPage> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let serial: number | undefined;
  /** Segments of a packet that has not ended yet. */
  let begun: Uint8Array[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    if (!startsWith(bytes, CAPTURE_PATTERN, at)) {
      at++;
      continue;
    }
    const flags = view.getUint8(at + 5);
    const nSegments = view.getUint8(at + 26);
    const lengths = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + nSegments);
    let start = at + HEADER_BYTES + nSegments;
    const end = start + lengths.reduce((sum, length) => sum + length, 0);
    const pageSerial = view.getUint32(at + 14, true);
    serial ??= pageSerial;
    if (pageSerial === serial) {
      if ((flags & 1) === 0) begun = []; // an unfinished packet whose rest is lost
      const packets: Uint8Array[] = [];
      let from = start;
      for (const length of lengths) {
        start += length;
        if (length === 255) continue;
        const part = bytes.subarray(from, start);
        packets.push(begun.length === 0 ? part : concat(Uint8Array, [...begun, part]));
        begun = [];
        from = start;
      }
      if (from < start) begun.push(bytes.subarray(from, start));
      // The packets of a truncated page would be truncated too.
      if (end > bytes.length) return;
      yield { isLast: (flags & 4) !== 0, granule: Number(view.getBigInt64(at + 6, true)), packets, end };
    }
    at = end;
  }
}
