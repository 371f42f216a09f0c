/** What a model reads its weights from. */
import { InternalError } from '../base/errors.ts';
import { widenF16 } from '../base/float16.ts';

/** Elements of one tensor, row-major, as they are stored; f16 as its bits, int8 without its scales. The receiver owns them. */
export type TensorData =
  | { readonly dtype: 'f32'; readonly values: Float32Array }
  | { readonly dtype: 'f16'; readonly values: Uint16Array }
  | { readonly dtype: 'int8'; readonly values: Int8Array };

/** The values; those of f32 are not copied. */
export function floatsOf(data: TensorData): Float32Array {
  if (data.dtype === 'f32') return data.values;
  if (data.dtype === 'int8') return Float32Array.from(data.values);
  const values = new Float32Array(data.values.length);
  widenF16(data.values, values);
  return values;
}

/** How weights may lie in a file. */
export type StoredType = 'f32' | 'f16' | 'int8';

/** What makes values of the integers of a matrix, row by row: (integer - zero) * scale. */
export interface Int8Rows {
  readonly scales: Float32Array;
  /** Absent: all are 0. */
  readonly zeros: Float32Array | undefined;
}

/** All names are those of `tensorSpecs`. */
export interface TensorReader {
  /** How a tensor lies in the file, and in memory where nobody chooses. */
  dtype(name: string): StoredType;
  /**
   * The elements in order, in pieces of any length, int8 as the f32 that it stands for; a piece is the reader's again when the next is asked for.
   * @throws {WeightsError} when there is no such tensor, or it cannot be read
   */
  pieces(name: string, signal?: AbortSignal): AsyncIterable<TensorData>;
  /** A matrix that lies there as int8, not multiplied; absent where there is none. */
  readonly int8?: {
    rows(name: string, signal?: AbortSignal): Promise<Int8Rows>;
    /** As `pieces`, of integers. */
    pieces(name: string, signal?: AbortSignal): AsyncIterable<TensorData>;
  };
}

/**
 * All elements of a tensor in an array of their own.
 *
 * @param count how many there are; what comes beyond is an error of the reader
 */
export async function joinPieces(pieces: AsyncIterable<TensorData>, count: number): Promise<TensorData> {
  let joined: TensorData | undefined;
  let filled = 0;
  for await (const piece of pieces) {
    joined ??= emptyData(piece.dtype, count);
    joined.values.set(piece.values, filled);
    filled += piece.values.length;
  }
  if (filled !== count) throw new InternalError(`a tensor of ${count} elements came as ${filled}`);
  return joined ?? { dtype: 'f32', values: new Float32Array() };
}

/** Room for so many elements. */
export function emptyData(dtype: StoredType, count: number): TensorData {
  switch (dtype) {
    case 'f32':
      return { dtype, values: new Float32Array(count) };
    case 'f16':
      return { dtype, values: new Uint16Array(count) };
    case 'int8':
      return { dtype, values: new Int8Array(count) };
  }
}
