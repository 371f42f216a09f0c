/** Brings a model's weights to a device and says what that took: for `loading.ts` and the GPU day. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Device } from '../src/engine/device.ts';
import type { PACKED_TYPES } from '../src/kernels/matmul/packPanels.ts';
import type { ModelDimensions } from '../src/model/dims.ts';
import { emptyData, type StoredType, type TensorData, type TensorReader } from '../src/model/tensorData.ts';
import { tensorSpecs } from '../src/model/tensorSpec.ts';
import { loadWeights, planWeights } from '../src/model/weights.ts';

export type LoadedType = (typeof PACKED_TYPES)[number];

export interface LoadFigures {
  readonly bytes: number;
  /** Milliseconds until all is on the device. */
  readonly all: number;
  /** Those of them in which the calling thread was at work. */
  readonly busy: number;
  /** Its longest stretch without looking at anything else, in milliseconds. */
  readonly longest: number;
}

export async function measureLoad(
  device: Device,
  dims: ModelDimensions,
  reader: TensorReader,
  dtype: LoadedType,
): Promise<LoadFigures> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const began = performance.eventLoopUtilization();
  const start = performance.now();
  const { weights, encoder, decoder } = planWeights(device, dims, reader, dtype);
  await loadWeights([...encoder, ...decoder]);
  // Once this is there, so is what came before.
  await device.read(weights.decoderNorm.beta);
  const all = performance.now() - start;
  const { active } = performance.eventLoopUtilization(began);
  // It is told of the last stretch when that has ended.
  await setTimeout(5);
  return { bytes: weights.bytes, all, busy: active, longest: delay.max / 1e6 };
}

/** Weights that are all zeros, of the type that they are wanted in, and cost nothing to read. */
export function zeroWeights(dims: ModelDimensions, dtype: LoadedType): TensorReader {
  const specs = tensorSpecs(dims);
  const isMatrix = (name: string): boolean => ['matrix', 'embedding'].includes(specs.get(name)!.role);
  const typeOf = (name: string): StoredType => (dtype === 'int8' && !isMatrix(name) ? 'f32' : dtype);
  // Of half a MB, as a file's are.
  const whole: Readonly<Record<StoredType, TensorData>> = {
    f32: emptyData('f32', 2 ** 17),
    f16: emptyData('f16', 2 ** 18),
    int8: emptyData('int8', 2 ** 19),
  };
  const pieces = async function* (name: string): AsyncGenerator<TensorData, void, undefined> {
    const count = specs.get(name)!.shape.reduce((product, n) => product * n, 1);
    const piece = whole[typeOf(name)];
    for (let at = 0; at < count; at += piece.values.length) {
      const values = piece.values.subarray(0, Math.min(piece.values.length, count - at));
      // As a file is waited for.
      await setImmediate();
      yield { ...piece, values } as TensorData; // its type is that of the piece
    }
  };
  const rows = async (name: string) => {
    return { scales: new Float32Array(specs.get(name)!.shape[0]!), zeros: undefined };
  };
  return { dtype: typeOf, pieces, int8: { pieces, rows } };
}
