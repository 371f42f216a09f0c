import type { ByteReader } from './byteReader.ts';

/** Of a file of any length, and more for each of its bytes. */
const MIN_WORK = 1 << 24;
const WORK_A_BYTE = 16;

/** Work on what turns out to be no page and no frame: bounded, so that no bytes take longer than others of their number. */
export class VainWork {
  readonly #reader: Pick<ByteReader, 'position'>;
  #done = 0;

  /** @param reader of the file, whose place says how many bytes there have been */
  constructor(reader: Pick<ByteReader, 'position'>) {
    this.#reader = reader;
  }

  /** @param work bytes and samples that were looked at  @returns whether there may be more of it */
  add(work: number): boolean {
    this.#done += work;
    return this.#done <= MIN_WORK + WORK_A_BYTE * this.#reader.position;
  }
}
