/** What a model reads its weights from. */
import { widenF16 } from '../base/float16.ts';

/** Elements of one tensor, row-major, as they are stored; f16 as its bits. The receiver owns them. */
export type TensorData =
  | { readonly dtype: 'f32'; readonly values: Float32Array }
  | { readonly dtype: 'f16'; readonly values: Uint16Array };

/** The values; those of f32 are not copied. */
export function floatsOf(data: TensorData): Float32Array {
  if (data.dtype === 'f32') return data.values;
  const values = new Float32Array(data.values.length);
  widenF16(data.values, values);
  return values;
}

export interface TensorReader {
  /**
   * @param name one of `tensorSpecs`
   * @throws {WeightsError} when there is no such tensor, or it cannot be read
   */
  tensor(name: string, signal?: AbortSignal): Promise<TensorData>;
}
