/**
 * A curve of straight lines in dB, between points whose heights are coded as differences from a prediction.
 *
 * @see Vorbis I specification, section 7
 */
import { bookAt } from './bookAt.ts';
import type { Codebook } from './codebook.ts';
import { malformedVorbis } from './malformedVorbis.ts';
import { bitLength, type VorbisBits } from './vorbisBits.ts';

const MAX_POINTS = 65;
/** Heights by multiplier. */
const RANGES = [256, 128, 86, 64];
/** By height: 140 / 256 dB a step, the last one is 0 dB. Section 10.1 has the same as a table. */
const FACTORS = Float32Array.from({ length: 256 }, (_, i) => 10 ** (((i - 255) * 140) / 256 / 20));

interface PointClass {
  readonly dimensions: number;
  readonly subclassBits: number;
  readonly masterBook: Codebook | undefined;
  readonly books: readonly (Codebook | undefined)[];
}

export class Floor1 {
  readonly #partitions: readonly PointClass[];
  readonly #multiplier: number;
  /** Places of the points, the first two are the ends; shape [nPoints] */
  readonly #x: readonly number[];
  /** The points from left to right. */
  readonly #order: readonly number[];
  /** Of each point the nearest ones on either side of those before it. */
  readonly #neighbours: readonly (readonly [low: number, high: number])[];

  constructor(bits: VorbisBits, books: readonly Codebook[]) {
    const classOf = Array.from({ length: bits.read(5) }, () => bits.read(4));
    const classes = Array.from({ length: Math.max(-1, ...classOf) + 1 }, () => readClass(bits, books));
    this.#partitions = classOf.map((index) => classes[index]!); // there are as many as the largest index says
    this.#multiplier = bits.read(2) + 1;
    const rangeBits = bits.read(4);
    const x = [0, 2 ** rangeBits];
    for (const { dimensions } of this.#partitions) {
      for (let i = 0; i < dimensions; i++) x.push(bits.read(rangeBits));
    }
    if (x.length > MAX_POINTS || new Set(x).size < x.length) throw malformedVorbis('it has a floor with wrong points');
    this.#x = x;
    this.#order = [...x.keys()].sort((a, b) => x[a]! - x[b]!);
    this.#neighbours = x.map((_, i) => [neighbour(x, i, -1), neighbour(x, i, 1)]);
  }

  read(bits: VorbisBits): ((spectrum: Float32Array) => void) | undefined {
    if (!bits.flag()) return undefined;
    const range = RANGES[this.#multiplier - 1]!;
    const coded = [bits.read(bitLength(range - 1)), bits.read(bitLength(range - 1))];
    for (const { dimensions, subclassBits, masterBook, books } of this.#partitions) {
      let choice = masterBook ? masterBook.number(bits) : 0;
      for (let i = 0; i < dimensions; i++) {
        coded.push(books[choice & (2 ** subclassBits - 1)]?.number(bits) ?? 0);
        choice >>= subclassBits;
      }
    }
    return (spectrum) => this.#apply(spectrum, coded, range);
  }

  #apply(spectrum: Float32Array, coded: readonly number[], range: number): void {
    const x = this.#x;
    const y = [coded[0]!, coded[1]!];
    const isUsed = [true, true];
    for (let i = 2; i < x.length; i++) {
      const [low, high] = this.#neighbours[i]!;
      const predicted = heightAt(x[low]!, y[low]!, x[high]!, y[high]!, x[i]!);
      const value = coded[i]!;
      isUsed[i] = value !== 0;
      if (value !== 0) [isUsed[low], isUsed[high]] = [true, true];
      y[i] = unfold(value, predicted, range);
    }
    let [x0, y0] = [0, y[0]! * this.#multiplier];
    for (const i of this.#order) {
      if (!isUsed[i] || i === 0) continue;
      const y1 = y[i]! * this.#multiplier;
      multiplyByLine(spectrum, x0, y0, x[i]!, y1);
      [x0, y0] = [x[i]!, y1];
    }
    multiplyByLine(spectrum, x0, y0, spectrum.length, y0);
  }
}

function readClass(bits: VorbisBits, books: readonly Codebook[]): PointClass {
  const dimensions = bits.read(3) + 1;
  const subclassBits = bits.read(2);
  const masterBook = subclassBits > 0 ? bookAt(books, bits.read(8)) : undefined;
  const subclassBooks = Array.from({ length: 2 ** subclassBits }, () => {
    const index = bits.read(8) - 1;
    return index < 0 ? undefined : bookAt(books, index);
  });
  return { dimensions, subclassBits, masterBook, books: subclassBooks };
}

/** Of the points before `i` the nearest one on one side. @param side -1: to the left, 1: to the right */
function neighbour(x: readonly number[], i: number, side: -1 | 1): number {
  let best = side < 0 ? 0 : 1;
  for (let j = 0; j < i; j++) {
    const isOnSide = side * (x[j]! - x[i]!) > 0;
    if (isOnSide && side * (x[best]! - x[j]!) > 0) best = j;
  }
  return best;
}

/** The height of a line at `x`, rounded towards its left end. */
function heightAt(x0: number, y0: number, x1: number, y1: number, x: number): number {
  return y0 + Math.trunc(((y1 - y0) * (x - x0)) / (x1 - x0));
}

/** A point's height from its code: steps to either side of the prediction in turn, then to the side where there is room. */
function unfold(value: number, predicted: number, range: number): number {
  const [above, below] = [range - predicted, predicted];
  if (value >= 2 * Math.min(above, below)) return above > below ? value : range - 1 - value;
  return value % 2 === 1 ? predicted - (value + 1) / 2 : predicted + value / 2;
}

/** Bresenham's line, as the encoder drew it. */
function multiplyByLine(spectrum: Float32Array, x0: number, y0: number, x1: number, y1: number): void {
  const dx = x1 - x0;
  const dy = y1 - y0;
  const base = Math.trunc(dy / dx);
  const step = Math.abs(dy) - Math.abs(base) * dx;
  const side = dy < 0 ? -1 : 1;
  const end = Math.min(x1, spectrum.length);
  let y = y0;
  let error = 0;
  for (let x = x0; x < end; x++) {
    spectrum[x] = spectrum[x]! * FACTORS[Math.max(0, Math.min(y, 255))]!;
    y += base;
    error += step;
    if (error >= dx) {
      error -= dx;
      y += side;
    }
  }
}
