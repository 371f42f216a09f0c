import { malformedVorbis } from './malformedVorbis.ts';

/** Entries of codebooks; real headers have 15,000. */
const MOST = 1 << 19;
/** What each byte of a stream adds again; real headers take four for each of theirs. */
const PER_BYTE = 8;
/** Numbers that take the memory and time of an entry. */
const NUMBERS_AN_ENTRY = 8;

/** What headers may still ask for: a few bytes can name gigabytes of tables, and headers may come again and again. */
export class SetupBudget {
  #left = MOST;

  /** Bytes of the stream have come. */
  add(nBytes: number): void {
    this.#left = Math.min(MOST, this.#left + PER_BYTE * nBytes);
  }

  /** @throws {AudioError} `malformed` if that is too much */
  take(nEntries: number): void {
    this.#left -= nEntries;
    if (this.#left < 0) throw malformedVorbis('its headers ask for more than real ones do');
  }

  takeNumbers(count: number): void {
    this.take(count / NUMBERS_AN_ENTRY);
  }
}
