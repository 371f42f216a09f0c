/**
 * The fine structure of a spectrum: vectors of codebooks, added up in up to eight passes.
 *
 * @see Vorbis I specification, section 8
 */
import { bookAt, type VectorBook, vectorBookAt } from './bookAt.ts';
import type { Codebook } from './codebook.ts';
import { malformedVorbis } from './malformedVorbis.ts';
import { EndOfPacket, type VorbisBits } from './vorbisBits.ts';

const N_PASSES = 8;

export class Residue {
  readonly #type: number;
  readonly #begin: number;
  readonly #end: number;
  readonly #partitionSize: number;
  readonly #classBook: Codebook;
  /** By class and pass. */
  readonly #books: readonly (readonly (VectorBook | undefined)[])[];

  /** @throws {AudioError} `malformed`; {EndOfPacket} */
  constructor(bits: VorbisBits, books: readonly Codebook[]) {
    this.#type = bits.read(16);
    if (this.#type > 2) throw malformedVorbis(`it has a residue of type ${this.#type}`);
    this.#begin = bits.read(24);
    this.#end = bits.read(24);
    this.#partitionSize = bits.read(24) + 1;
    const nClasses = bits.read(6) + 1;
    this.#classBook = bookAt(books, bits.read(8));
    if (this.#classBook.dimensions === 0) throw malformedVorbis('it has a residue without classes');
    const passes = Array.from({ length: nClasses }, () => {
      const low = bits.read(3);
      return low + (bits.flag() ? 8 * bits.read(5) : 0);
    });
    this.#books = passes.map((used) =>
      Array.from({ length: N_PASSES }, (_, pass) =>
        ((used >> pass) & 1) === 1 ? vectorBookAt(books, bits.read(8)) : undefined,
      ),
    );
  }

  /** Adds to the spectra what the packet has, up to its end. @param spectra zeros; shape [nChannels][nBins] */
  read(bits: VorbisBits, spectra: readonly Float32Array[], isCoded: readonly boolean[]): void {
    try {
      if (this.#type === 2) this.#readInterleaved(bits, spectra, isCoded);
      else
        this.#readAll(
          bits,
          spectra.filter((_, channel) => isCoded[channel]),
        );
    } catch (error) {
      if (!(error instanceof EndOfPacket)) throw error;
    }
  }

  #readInterleaved(bits: VorbisBits, spectra: readonly Float32Array[], isCoded: readonly boolean[]): void {
    if (!isCoded.includes(true)) return;
    const nChannels = spectra.length;
    const joined = new Float32Array(nChannels * spectra[0]!.length);
    try {
      this.#readAll(bits, [joined]);
    } finally {
      for (const [c, spectrum] of spectra.entries()) {
        for (let i = 0; i < spectrum.length; i++) spectrum[i] = joined[i * nChannels + c]!;
      }
    }
  }

  #readAll(bits: VorbisBits, vectors: readonly Float32Array[]): void {
    const [first] = vectors;
    if (!first) return;
    const begin = Math.min(this.#begin, first.length);
    const nPartitions = Math.floor((Math.min(this.#end, first.length) - begin) / this.#partitionSize);
    const nTogether = this.#classBook.dimensions;
    const classes = vectors.map(() => new Uint8Array(Math.max(nPartitions, 0)));
    for (let pass = 0; pass < N_PASSES; pass++) {
      for (let start = 0; start < nPartitions; start += nTogether) {
        if (pass === 0) for (const of of classes) this.#readClasses(bits, of, start);
        for (let partition = start; partition < Math.min(start + nTogether, nPartitions); partition++) {
          for (const [c, vector] of vectors.entries()) {
            const book = this.#books[classes[c]![partition]!]?.[pass];
            if (book) this.#addPartition(bits, book, vector, begin + partition * this.#partitionSize);
          }
        }
      }
    }
  }

  /** One number of the book has the classes of several partitions as its digits, the last one lowest. */
  #readClasses(bits: VorbisBits, classes: Uint8Array, start: number): void {
    const nClasses = this.#books.length;
    let digits = this.#classBook.number(bits);
    for (let i = this.#classBook.dimensions - 1; i >= 0; i--) {
      if (start + i < classes.length) classes[start + i] = digits % nClasses;
      digits = Math.floor(digits / nClasses);
    }
  }

  #addPartition(bits: VorbisBits, book: VectorBook, out: Float32Array, at: number): void {
    const { dimensions, vectors } = book;
    const size = this.#partitionSize;
    if (this.#type === 0) {
      const step = Math.floor(size / dimensions);
      for (let i = 0; i < step; i++) {
        const from = book.number(bits) * dimensions;
        for (let j = 0; j < dimensions; j++) out[at + i + j * step] = out[at + i + j * step]! + vectors[from + j]!;
      }
      return;
    }
    for (let i = 0; i < size; ) {
      const from = book.number(bits) * dimensions;
      for (let j = 0; j < dimensions && i < size; j++, i++) out[at + i] = out[at + i]! + vectors[from + j]!;
    }
  }
}
