/** Which bytes stand for a number. */
import { randomBits, seedOf } from '../../src/base/random.ts';
import type { Reader } from './readers.ts';

/** The damaged file of a number: the same for the same reader, seed and number. */
export function inputOf(
  reader: Reader,
  seeds: readonly Uint8Array[],
  name: string,
  seed: number,
  number: number,
): Uint8Array {
  const own = randomBits(seedOf(name) ^ seed, number);
  const good = seeds[own % seeds.length];
  if (!good) throw new Error(`${name} has no good input`);
  return reader.damage(good, own);
}
