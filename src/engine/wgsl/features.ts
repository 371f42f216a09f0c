/** What a GPU may have beyond the core of WebGPU, as far as variants ask for it, and the lines of a shader that switch it on. */
import { MATRIX_FEATURE } from './matrixFeature.ts';

/**
 * Features of a device under WebGPU's names, and `subgroup_id`, which is an extension of the language WGSL: the builtin
 * values subgroup_id and num_subgroups.
 */
export type Feature =
  | 'shader-f16'
  | 'subgroups'
  | 'subgroup_id'
  | 'subgroup-size-control'
  | 'chromium-experimental-subgroup-matrix';

/** Matrices that the threads of a subgroup multiply together: [m, k] x [k, n] of f16, summed in f32. */
export interface MatrixShape {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Threads of a subgroup that has them. */
  readonly subgroupSize: number;
  /** The device has several sizes of subgroups: a shader has to say which it wants. */
  readonly isSizeChosen: boolean;
}

export interface GpuFeatures {
  /** What the device was opened with. */
  readonly features: ReadonlySet<Feature>;
  /** Threads of a subgroup, powers of two, as far as the GPU says. */
  readonly subgroupSizes?: readonly [least: number, most: number];
  /** Given wherever `features` has chromium-experimental-subgroup-matrix. */
  readonly matrix?: MatrixShape;
}

/** A device with the core of WebGPU alone. */
export const CORE_GPU: GpuFeatures = { features: /* @__PURE__ */ new Set() };

const LINES: Readonly<Record<Feature, string>> = {
  'shader-f16': 'enable f16;',
  subgroups: 'enable subgroups;',
  subgroup_id: 'requires subgroup_id;',
  'subgroup-size-control': 'enable subgroup_size_control;',
  [MATRIX_FEATURE]: 'enable chromium_experimental_subgroup_matrix;',
};

/** The first lines of a shader that needs these. */
export function featureLines(needs: readonly Feature[]): string {
  return needs.map((feature) => `${LINES[feature]}\n`).join('');
}
