import type { Codebook } from './codebook.ts';
import { malformedVorbis } from './malformedVorbis.ts';

/** @throws {AudioError} `malformed` if there is no such book */
export function bookAt(books: readonly Codebook[], index: number): Codebook {
  const book = books[index];
  if (!book) throw malformedVorbis(`there is no codebook ${index}`);
  return book;
}

/** A book with its vectors. */
export type VectorBook = Codebook & { readonly vectors: Float32Array };

/** @throws {AudioError} `malformed` if there is no such book, or it has no vectors */
export function vectorBookAt(books: readonly Codebook[], index: number): VectorBook {
  const book = bookAt(books, index);
  if (!hasVectors(book)) throw malformedVorbis(`codebook ${index} has no vectors`);
  return book;
}

function hasVectors(book: Codebook): book is VectorBook {
  return book.vectors !== undefined && book.dimensions > 0;
}
