/**
 * The decoder's caches, allocated once and written in place.
 *
 * Self-attention: one slot a row; position p of row r lies in slot `slotOf[r, p]`, so rows change places by an index.
 * Cross-attention: one slot a window of sound, shared by all its rows.
 */
import type { Device } from '../../engine/device.ts';
import type { DType } from '../../engine/kernel.ts';
import type { Tensor } from '../../engine/program.ts';
import type { ModelDimensions } from '../dims.ts';

/** What builders of programs need of a device: state tensors. */
export interface Allocator {
  allocate(name: string, dtype: DType, shape: readonly number[], lifetime: 'state'): Tensor;
}

/** Allocates on a device and can give all of it back. */
export class Arena implements Allocator {
  readonly #device: Device;
  #tensors: Tensor[] = [];

  constructor(device: Device) {
    this.#device = device;
  }

  allocate(name: string, dtype: DType, shape: readonly number[], lifetime: 'state'): Tensor {
    const tensor = this.#device.allocate(name, dtype, shape, lifetime);
    this.#tensors.push(tensor);
    return tensor;
  }

  freeAll(): void {
    for (const tensor of this.#tensors) this.#device.free(tensor);
    this.#tensors = [];
  }
}

/** Keys and values of each decoder layer: [slots, nAudioCtx, nTextState]. */
export interface CrossCache {
  readonly slots: number;
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
}

/** Keys and values of each decoder layer: [slots, nTextCtx, nTextState]. */
export interface SelfCache {
  readonly slots: number;
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
  /** [slots, nTextCtx] */
  readonly slotOf: Tensor;
}

function layers(
  memory: Allocator,
  name: string,
  dims: ModelDimensions,
  slots: number,
  nCtx: number,
): readonly Tensor[] {
  return Array.from({ length: dims.nTextLayer }, (_, i) =>
    memory.allocate(`${name}${i}`, 'f32', [slots, nCtx, dims.nTextState], 'state'),
  );
}

export function allocateCrossCache(memory: Allocator, dims: ModelDimensions, slots: number): CrossCache {
  return {
    slots,
    keys: layers(memory, 'cross.keys', dims, slots, dims.nAudioCtx),
    values: layers(memory, 'cross.values', dims, slots, dims.nAudioCtx),
  };
}

export function allocateSelfCache(memory: Allocator, dims: ModelDimensions, slots: number): SelfCache {
  return {
    slots,
    keys: layers(memory, 'self.keys', dims, slots, dims.nTextCtx),
    values: layers(memory, 'self.values', dims, slots, dims.nTextCtx),
    slotOf: memory.allocate('slotOf', 'u32', [slots, dims.nTextCtx], 'state'),
  };
}
