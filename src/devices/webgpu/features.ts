/** What an adapter has of the features that variants ask for. */
import type { Feature, GpuFeatures, MatrixShape } from '../../engine/wgsl/features.ts';
import { MATRIX_FEATURE } from '../../engine/wgsl/matrixFeature.ts';

/** Asked of an adapter under these names, and only where it has them. */
const DEVICE_FEATURES = [
  'shader-f16',
  'subgroups',
  'subgroup-size-control',
  MATRIX_FEATURE,
] as const satisfies readonly Feature[];

/** Sides that kernels can cut their tiles in. */
const MATRIX_SIDES: ReadonlySet<number> = /* @__PURE__ */ new Set([8, 16]);

/** Smaller subgroups would be so many in a workgroup that their results do not fit its memory. */
const SMALLEST_TEAM = 8;

/** A subgroup a strip of rows of such a tile has to be a workgroup within the default limits. */
const TILE_ROWS = 64;
const LARGEST_WORKGROUP = 256;

/** A row of the list that Dawn has beside the standard's adapter info. */
interface MatrixConfig {
  readonly M: number;
  readonly N: number;
  readonly K: number;
  readonly componentType: string;
  readonly resultComponentType: string;
}

/** The info as Dawn gives it; the standard's has no such list, and older browsers have no sizes of subgroups. */
type AdapterInfo = Partial<GPUAdapterInfo> & { readonly subgroupMatrixConfigs?: Iterable<MatrixConfig> };

/** What the adapter's device may be asked for, and what it then has. */
export function featuresOf(gpu: GPU, adapter: GPUAdapter): GpuFeatures {
  const features = new Set<Feature>(DEVICE_FEATURES.filter((name) => adapter.features.has(name)));
  if (gpu.wgslLanguageFeatures?.has('subgroup_id') && features.has('subgroups')) features.add('subgroup_id');
  const info: AdapterInfo = adapter.info;
  const matrix = features.has(MATRIX_FEATURE) ? matrixOf(info, features) : undefined;
  if (!matrix) features.delete(MATRIX_FEATURE);
  const { subgroupMinSize: least, subgroupMaxSize: most } = info;
  return { features, ...(matrix && { matrix }), ...(least && most && { subgroupSizes: [least, most] }) };
}

/** Those of them that a device is asked for. */
export function requestable({ features }: GpuFeatures): GPUFeatureName[] {
  // The types know the standard's names only; the others are asked for where the adapter itself lists them.
  return DEVICE_FEATURES.filter((name) => features.has(name)) as GPUFeatureName[];
}

/** The largest f16 matrices with sums in f32, if subgroups can have one size. */
function matrixOf(info: AdapterInfo, features: ReadonlySet<Feature>): MatrixShape | undefined {
  const { subgroupMinSize = 0, subgroupMaxSize = 0, subgroupMatrixConfigs = [] } = info;
  const isSizeChosen = subgroupMinSize !== subgroupMaxSize;
  if (subgroupMaxSize < SMALLEST_TEAM || (isSizeChosen && !features.has('subgroup-size-control'))) return undefined;
  const [largest] = [...subgroupMatrixConfigs]
    .filter(({ componentType, resultComponentType }) => componentType === 'f16' && resultComponentType === 'f32')
    .filter(({ M, N, K }) => [M, N, K].every((side) => MATRIX_SIDES.has(side)))
    .filter(({ M }) => subgroupMaxSize >= M && (subgroupMaxSize * TILE_ROWS) / M <= LARGEST_WORKGROUP)
    .sort((a, b) => b.M * b.N * b.K - a.M * a.N * a.K);
  return largest && { m: largest.M, n: largest.N, k: largest.K, subgroupSize: subgroupMaxSize, isSizeChosen };
}
