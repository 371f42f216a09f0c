/** Which shape of a product a GPU runs: by the live rows of a submit, not by what there is room for. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createReferenceDevice } from '../../../src/devices/reference/device.ts';
import { wgslKind } from '../../../src/devices/webgpu/variants.ts';
import type { DType } from '../../../src/engine/dtype.ts';
import { command } from '../../../src/engine/program.ts';
import { forRows, loadVariants, selectVariants } from '../../../src/engine/selectVariant.ts';
import { CORE_GPU, type GpuFeatures } from '../../../src/engine/wgsl/features.ts';
import { share } from '../../../src/kernels/matmul/gemm/matrices.wgsl.ts';
import { matmul } from '../../../src/kernels/matmul/matmul.ts';
import { panelCount } from '../../../src/kernels/matmul/panels.ts';

const test = suite('shapes of a matrix product on WebGPU');
const shapes = createReferenceDevice({ panelWidth: 64, crossPanelWidth: 1 });
test.after(() => shapes.close());

/** What runs so many live rows of a product with room for more, on hardware. */
async function chosen(
  live: number,
  capacity: number,
  n: number,
  k: number,
  w: DType = 'f32',
  gpu = CORE_GPU,
): Promise<{ readonly name: string | undefined }> {
  const tensor = (name: string, shape: readonly number[], dtype: DType = 'f32') =>
    shapes.allocate(name, dtype, shape, 'state');
  const run = command(matmul, {
    x: tensor('x', [capacity, k]),
    w: tensor('w', [panelCount(n, 64), k, 64], w),
    bias: tensor('bias', [n]),
    y: tensor('y', [capacity, n]),
  });
  const selected = forRows(selectVariants(run, await loadVariants([run], wgslKind(false, gpu))), live);
  return { name: selected?.variant.name };
}

test('by live rows, with room for 448', async () => {
  for (const [live, name] of [
    [1, 'sliced'],
    [4, 'sliced'],
    [8, 'sliced'],
    [9, 'rows16'],
    [16, 'rows16'],
    [17, 'rows32'],
    [64, 'rows64'],
    [65, 'tiled64'],
    [448, 'tiled64'],
  ] as const) {
    assert.is((await chosen(live, 448, 1280, 384)).name, name, `${live} rows`);
  }
  assert.is((await chosen(80, 80, 384, 384)).name, 'rows64', 'tiles of 64 rows would be twelve');
});

test('larger tiles where there are enough of them', async () => {
  assert.is((await chosen(1500, 1500, 1280, 1280)).name, 'tiled64');
  assert.is((await chosen(1500, 1500, 5120, 1280)).name, 'tiled128');
});

test('sizes that tiles do not take', async () => {
  assert.is((await chosen(1500, 1500, 1281, 1280)).name, 'rows64', 'outputs that are no fours');
  assert.is((await chosen(100, 100, 384, 39)).name, 'plain', 'k that is no fours');
});

test('matrices of subgroups: f16 and int8, where there is work enough', async () => {
  const matrix = { m: 16, n: 16, k: 16, subgroupSize: 32, isSizeChosen: false };
  const needs = ['shader-f16', 'subgroups', 'subgroup_id', 'chromium-experimental-subgroup-matrix'] as const;
  const gpu: GpuFeatures = { features: new Set(needs), matrix };
  const large = [1500, 1500, 5120, 1280] as const;
  assert.is((await chosen(...large, 'f16', gpu)).name, 'matrices');
  assert.is((await chosen(...large, 'int8', gpu)).name, 'int8Matrices');
  for (const other of ['f32', 'int8b32'] as const)
    assert.is((await chosen(...large, other, gpu)).name, 'tiled128', other);
  assert.is((await chosen(...large, 'f16')).name, 'tiled128', 'a GPU without them');
  for (const dtype of ['f16', 'int8'] as const) {
    assert.is((await chosen(1500, 1500, 1152, 384, dtype, gpu)).name, 'tiled64', `tiny, ${dtype}`);
    assert.is((await chosen(64, 1500, 5120, 1280, dtype, gpu)).name, 'rows64', `too few rows, ${dtype}`);
  }
});

test('matrices of subgroups: their parts make up the tile of 64 x 64', () => {
  for (const subgroupSize of [8, 16, 32, 64, 128])
    for (const m of [8, 16])
      for (const n of [8, 16]) {
        const { down, across } = share({ m, n, k: 16, subgroupSize, isSizeChosen: false });
        const what = `${m} x ${n}, subgroups of ${subgroupSize}`;
        assert.ok(Number.isInteger(down) && Number.isInteger(across) && down > 0 && across > 0, what);
        assert.is((128 / subgroupSize) * down * m * across * n, 64 * 64, what);
        assert.is((64 / (down * m)) * (64 / (across * n)), 128 / subgroupSize, what);
      }
});

test.run();
