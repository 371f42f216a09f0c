/** A variant in WGSL, for devices that are WebGPU. */
import type { KernelContext, Variant } from '../variant.ts';
import type { Feature, GpuFeatures } from './features.ts';
import type { Reducer } from './reducer.ts';

export type Grid = readonly [x: number, y: number, z: number];

export interface WgslVariant<D extends string = string, P extends string = string> extends Variant {
  when?(c: KernelContext<D, P>): boolean;
  /**
   * The kind of adapter it is made for: preferred there, taken elsewhere only if nothing else fits. Software adapters
   * (lavapipe, SwiftShader) pay for barriers and workgroup memory, hardware wants both.
   */
  readonly suits?: 'hardware' | 'software';
  /** Is it worth its price at these sizes? Elsewhere it runs only if nothing else fits. True when absent. */
  pays?(c: KernelContext<D, P>): boolean;
  /** Devices without one of these never see it. */
  readonly needs?: readonly Feature[];
  /**
   * The shader without its bindings, which `shader.ts` writes: each argument is a storage variable under its own name, an
   * array of its elements. Arguments that may have several storage types are read by `load_NAME(i)`, those listed in `vec4`
   * by `load4_NAME(i)` in groups of four, and written by `store4_NAME(i, value)`. Entry point: `main`.
   *
   * @param gpu has at least what the variant needs
   * @param by how its threads put values together; through workgroup memory when absent
   */
  wgsl(c: KernelContext<D, P>, gpu: GpuFeatures, by?: Reducer): string;
  /** Its threads put values together by what `wgsl` is given: a GPU with subgroups has a second variant of it, subgroups.ts. */
  readonly reduces?: boolean;
  /** Arguments bound in groups of four values. Their last dim must be a multiple of 4: say so in `when`. */
  readonly vec4?: readonly string[];
  /** Arguments in f16 bound as arrays of f16, without functions that read them: wants shader-f16. */
  readonly halves?: readonly string[];
  /** Arguments bound as u32, however many: for kernels that move bits, whose text is then the same for tensors of all sizes. */
  readonly words?: readonly string[];
  /** Workgroups for `liveRows` rows (0 where the kernel has no `rows`); each at most 65535. */
  groups(c: KernelContext<D, P>, liveRows: number): Grid;
}
