/**
 * A curve from line spectral pairs, on the Bark scale. Only the oldest encoders wrote it.
 *
 * @see Vorbis I specification, section 6
 */
import { type VectorBook, vectorBookAt } from './bookAt.ts';
import type { Codebook } from './codebook.ts';
import { malformedVorbis } from './malformedVorbis.ts';
import { bitLength, EndOfPacket, type VorbisBits } from './vorbisBits.ts';

export class Floor0 {
  readonly #order: number;
  readonly #rate: number;
  readonly #barkMapSize: number;
  readonly #amplitudeBits: number;
  readonly #amplitudeOffset: number;
  readonly #books: readonly VectorBook[];
  /** By length of the spectrum: the place of each bin on the scale. */
  readonly #maps = new Map<number, Float64Array>();

  constructor(bits: VorbisBits, books: readonly Codebook[]) {
    this.#order = bits.read(8);
    this.#rate = bits.read(16);
    this.#barkMapSize = bits.read(16);
    this.#amplitudeBits = bits.read(6);
    this.#amplitudeOffset = bits.read(8);
    const nBooks = bits.read(4) + 1;
    this.#books = Array.from({ length: nBooks }, () => vectorBookAt(books, bits.read(8)));
    if (this.#order < 1 || this.#rate < 1 || this.#barkMapSize < 1 || this.#amplitudeBits > 32) {
      throw malformedVorbis('it has a floor of order, rate or size 0');
    }
  }

  read(bits: VorbisBits): ((spectrum: Float32Array) => void) | undefined {
    const amplitude = bits.read(this.#amplitudeBits);
    if (amplitude === 0) return undefined;
    const book = this.#books[bits.read(bitLength(this.#books.length))];
    if (!book) throw new EndOfPacket();
    const { dimensions, vectors } = book;
    const cosines = new Float64Array(this.#order);
    let last = 0;
    for (let i = 0; i < this.#order; ) {
      const start = book.number(bits) * dimensions;
      for (let j = 0; j < dimensions && i < this.#order; j++, i++) cosines[i] = vectors[start + j]! + last;
      last = cosines[i - 1]!;
    }
    for (let i = 0; i < this.#order; i++) cosines[i] = Math.cos(cosines[i]!);
    return (spectrum) => this.#apply(spectrum, amplitude, cosines);
  }

  #apply(spectrum: Float32Array, amplitude: number, cosines: Float64Array): void {
    const map = this.#map(spectrum.length);
    const loudness = (amplitude * this.#amplitudeOffset) / (2 ** this.#amplitudeBits - 1);
    let before = -1;
    let factor = 0;
    for (let i = 0; i < spectrum.length; i++) {
      const place = map[i]!;
      if (place !== before) {
        const sum = pairs(cosines, Math.cos((Math.PI * place) / this.#barkMapSize));
        factor = Math.exp(0.11512925 * (loudness / Math.sqrt(sum) - this.#amplitudeOffset));
        before = place;
      }
      spectrum[i] = spectrum[i]! * factor;
    }
  }

  #map(length: number): Float64Array {
    const known = this.#maps.get(length);
    if (known) return known;
    const scale = this.#barkMapSize / bark(this.#rate / 2);
    const map = Float64Array.from({ length }, (_, i) =>
      Math.min(this.#barkMapSize - 1, Math.floor(bark((this.#rate * i) / (2 * length)) * scale)),
    );
    this.#maps.set(length, map);
    return map;
  }
}

/** The two products of the pairs at one frequency, added. */
function pairs(cosines: Float64Array, cosine: number): number {
  let [p, q] = [1, 1];
  for (let i = 0; i < cosines.length; i++) {
    const factor = 4 * (cosines[i]! - cosine) ** 2;
    if (i % 2 === 1) p *= factor;
    else q *= factor;
  }
  return cosines.length % 2 === 1 ? p * (1 - cosine * cosine) + q / 4 : (p * (1 - cosine)) / 2 + (q * (1 + cosine)) / 2;
}

function bark(hertz: number): number {
  return 13.1 * Math.atan(0.00074 * hertz) + 2.24 * Math.atan(1.85e-8 * hertz * hertz) + 1e-4 * hertz;
}
