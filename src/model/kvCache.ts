/**
 * The decoder's caches, allocated once and written in place.
 *
 * Self-attention: one slot a row; position p of row r lies in slot `slotOf[r, p]`, so rows change places by an index.
 * Cross-attention: one slot a window of sound, shared by all its rows.
 */
import type { Device } from '../device/device.js';
import type { Tensor } from '../program/program.js';
import type { ModelDimensions } from './dims.js';

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

function layers(device: Device, name: string, dims: ModelDimensions, slots: number, nCtx: number): readonly Tensor[] {
  return Array.from({ length: dims.nTextLayer }, (_, i) =>
    device.allocate(`${name}${i}`, 'f32', [slots, nCtx, dims.nTextState], 'state'),
  );
}

export function allocateCrossCache(device: Device, dims: ModelDimensions, slots: number): CrossCache {
  return {
    slots,
    keys: layers(device, 'cross.keys', dims, slots, dims.nAudioCtx),
    values: layers(device, 'cross.values', dims, slots, dims.nAudioCtx),
  };
}

export function allocateSelfCache(device: Device, dims: ModelDimensions, slots: number): SelfCache {
  return {
    slots,
    keys: layers(device, 'self.keys', dims, slots, dims.nTextCtx),
    values: layers(device, 'self.values', dims, slots, dims.nTextCtx),
    slotOf: device.allocate('slotOf', 'u32', [slots, dims.nTextCtx], 'state'),
  };
}
