/**
 * Every WGSL variant at every case's sizes, the largest models' too, compiled by Dawn's null backend: the strictest
 * compiler (uniformity, limits of a default device), on any machine, without an adapter.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { create } from 'webgpu';
import { KernelError } from '../../src/base/errors.ts';
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import { compilerMessages } from '../../src/devices/webgpu/compilerMessages.ts';
import { shaderOf } from '../../src/devices/webgpu/encode.ts';
import { featuresOf, requestable } from '../../src/devices/webgpu/features.ts';
import { Pipelines } from '../../src/devices/webgpu/pipelines.ts';
import { wgslKind } from '../../src/devices/webgpu/variants.ts';
import { fittingVariants, loadVariants, selectVariants } from '../../src/engine/selectVariant.ts';
import type { GpuFeatures, MatrixShape } from '../../src/engine/wgsl/features.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { allocateCase, storageChoices } from '../../src/lab/checkKernel.ts';
import { throws } from '../support/throws.ts';

const test = suite('WGSL compiles');

// Dawn lives as long as this object.
const gpu = create(['backend=null', 'enable-dawn-features=allow_unsafe_apis']);
// No limit asked for, and a feature only by variants that need one: what compiles here keeps to the defaults.
const plainDevice = await (await gpu.requestAdapter())!.requestDevice();
const plain = new Pipelines(plainDevice);
const adapter = (await gpu.requestAdapter())!;
const features = featuresOf(gpu, adapter);
// Experimental, and known to the compiler; the null backend lists no shapes of them, so no pipeline can have them here.
const MATRICES = 'chromium-experimental-subgroup-matrix';
const featuredDevice = await adapter.requestDevice({
  requiredFeatures: [...requestable(features), MATRICES as GPUFeatureName],
});
const featured = new Pipelines(featuredDevice);
const kind = wgslKind(false, features);
const shapes = createReferenceDevice({ panelWidth: 64, crossPanelWidth: 1 });

for (const module of kernels) {
  test(module.kernel.name, async () => {
    const names = new Set<string>();
    const all = new Set<string>();
    for (const kase of module.cases) {
      for (const storage of storageChoices(module.kernel)) {
        const { command, liveRows, free } = allocateCase(shapes, module, kase, { storage });
        const loaded = await loadVariants([command], kind);
        for (const { name } of loaded.variants.get(module.kernel) ?? []) all.add(name);
        for (const { name } of fittingVariants(
          command,
          loaded,
          command.dims.rows === undefined ? undefined : liveRows,
        )) {
          for (const selected of selectVariants({ ...command, variant: name }, loaded))
            await (selected.variant.needs ? featured : plain).compile(shaderOf(module.kernel, selected, features));
          names.add(name);
        }
        free();
      }
    }
    assert.equal([...names].sort(), [...all].sort(), 'every variant has a case');
  });
}

const shapesOfMatrices: readonly MatrixShape[] = [
  { m: 8, n: 8, k: 8, subgroupSize: 8, isSizeChosen: false },
  { m: 8, n: 8, k: 8, subgroupSize: 32, isSizeChosen: false },
  { m: 8, n: 16, k: 16, subgroupSize: 16, isSizeChosen: true },
  { m: 16, n: 8, k: 16, subgroupSize: 32, isSizeChosen: false },
  { m: 16, n: 16, k: 16, subgroupSize: 32, isSizeChosen: true },
  { m: 16, n: 16, k: 16, subgroupSize: 64, isSizeChosen: false },
];

for (const matrix of shapesOfMatrices) {
  const { m, n, k, subgroupSize } = matrix;
  test(`products by matrices of ${m} x ${n} x ${k} and subgroups of ${subgroupSize}`, async () => {
    const has: GpuFeatures = { features: new Set([...features.features, MATRICES]), matrix };
    const compiled = new Set<string>();
    for (const w of ['f16', 'int8'] as const)
      for (const module of kernels)
        for (const kase of module.cases) {
          const { command, free } = allocateCase(shapes, module, kase, { storage: { w } });
          const loaded = await loadVariants([command], wgslKind(false, has));
          const fitting = fittingVariants(command, loaded).filter(({ needs }) => needs?.includes(MATRICES));
          for (const { name } of fitting) {
            const [selected] = selectVariants({ ...command, variant: name }, loaded);
            const { text } = shaderOf(module.kernel, selected!, has); // one at least, or it throws
            assert.equal(await compilerMessages(featuredDevice, text), [], text);
            compiled.add(name);
          }
          free();
        }
    assert.equal([...compiled].sort(), ['int8Matrices', 'matrices', 'scoreMatrices']);
  });
}

test("a shader with a fault is refused, with the compiler's words", async () => {
  const text = '@compute @workgroup_size(1) fn main() { let x: u32 = 1f; }';
  const compiled = plain.compile({ label: 'faulty', text, access: '' });
  await throws(KernelError, 'compile', compiled, /faulty does not compile.*u32/s);
});

test('a barrier that not all threads reach is refused', async () => {
  const text = `@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
    if (i < 3u) { workgroupBarrier(); }
  }`;
  await throws(KernelError, 'compile', plain.compile({ label: 'torn', text, access: '' }), /uniform/);
});

test.after(async () => {
  plainDevice.destroy();
  featuredDevice.destroy();
  await shapes.close();
  assert.ok(gpu);
});
test.run();
