import type { TensorData } from '../model/tensorData.ts';

/** Named tensors that are read one at a time: a safetensors file, several of them, or an ONNX export. */
export interface TensorSet {
  readonly names: readonly string[];
  /** Written with the tensors: source, licence. */
  readonly metadata: Readonly<Record<string, string>>;
  /** undefined if there is no such tensor. */
  shape(name: string): readonly number[] | undefined;
  /** As it is stored, e.g. `F32`. */
  dtype(name: string): string | undefined;
  /**
   * Row-major elements: f16 and int8 as they are stored, int8 without its scales (int8Tensors.ts); all other types as f32.
   * @throws {WeightsError} `missingTensor`, `badDtype`, and what reading its source throws
   */
  read(name: string, signal?: AbortSignal): Promise<TensorData>;
  /** The same in order, in pieces; one is the set's again when the next is asked for. */
  pieces(name: string, signal?: AbortSignal): AsyncIterable<TensorData>;
  /** Told once which tensors will be read, in which order, so that what is far away can come ahead of its use. */
  plan?(names: readonly string[]): void;
  close(): Promise<void>;
}
