/**
 * The decoder's caches, allocated once and written in place.
 *
 * Self-attention: one slot a row; position p of row r lies in slot `slotOf[r, p]`, so rows change places by an index.
 * Cross-attention: one slot a window of sound, shared by all its rows.
 */
import type { Device } from '../../engine/device.ts';
import type { CacheType, DType, Shape } from '../../engine/dtype.ts';
import type { Tensor } from '../../engine/program.ts';
import { crossPanels, crossShapes } from '../../kernels/attention/crossCache.ts';
import type { ModelDimensions } from '../dims.ts';

/** What builders of programs need of a device: state tensors. */
export interface Allocator {
  allocate(name: string, dtype: DType, shape: Shape): Tensor;
}

/** Allocates state on a device and can give all of it back. */
export class Arena implements Allocator {
  readonly #device: Device;
  #tensors: Tensor[] = [];

  constructor(device: Device) {
    this.#device = device;
  }

  allocate(name: string, dtype: DType, shape: Shape): Tensor {
    const tensor = this.#device.allocate(name, dtype, shape, 'state');
    this.#tensors.push(tensor);
    return tensor;
  }

  freeAll(): void {
    for (const tensor of this.#tensors) this.#device.free(tensor);
    this.#tensors = [];
  }
}

/** Keys and values of each decoder layer, in panels: kernels/attention/crossCache.ts. */
export interface CrossCache {
  readonly slots: number;
  readonly dtype: CacheType;
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

export interface CacheLayout {
  readonly slots: number;
  readonly dtype: CacheType;
}

/** @param panelWidth `Device.crossPanelWidth` */
export function allocateCrossCache(
  memory: Allocator,
  { nAudioCtx, nTextState, nTextHead, nTextLayer }: ModelDimensions,
  { slots, dtype, panelWidth }: CacheLayout & { readonly panelWidth: number },
): CrossCache {
  const sizes = { nCtx: nAudioCtx, nState: nTextState };
  const shapes = crossShapes(slots, sizes, crossPanels(sizes, nTextHead, panelWidth));
  return { slots, dtype, ...keysAndValues(memory, 'cross', nTextLayer, dtype, shapes) };
}

export function allocateSelfCache(memory: Allocator, dims: ModelDimensions, { slots, dtype }: CacheLayout): SelfCache {
  const shape = [slots, dims.nTextCtx, dims.nTextState];
  return {
    slots,
    ...keysAndValues(memory, 'self', dims.nTextLayer, dtype, { keys: shape, values: shape }),
    slotOf: memory.allocate('slotOf', 'u32', [slots, dims.nTextCtx]),
  };
}

function keysAndValues(
  memory: Allocator,
  name: string,
  nLayer: number,
  dtype: CacheType,
  shapes: Readonly<Record<'keys' | 'values', Shape>>,
): Pick<CrossCache, 'keys' | 'values'> {
  const layers = (what: 'keys' | 'values'): Tensor[] =>
    Array.from({ length: nLayer }, (_, i) => memory.allocate(`${name}.${what}${i}`, dtype, shapes[what]));
  return { keys: layers('keys'), values: layers('values') };
}
