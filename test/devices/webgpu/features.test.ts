/** Optional features: what is taken of what an adapter lists, and that no variant is offered without what it needs. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { featuresOf, requestable } from '../../../src/devices/webgpu/features.ts';
import { wgslKind } from '../../../src/devices/webgpu/variants.ts';
import { defineKernel } from '../../../src/engine/kernel.ts';
import { command } from '../../../src/engine/program.ts';
import { loadVariants, selectVariants } from '../../../src/engine/selectVariant.ts';
import { CORE_GPU, type GpuFeatures } from '../../../src/engine/wgsl/features.ts';
import type { WgslVariant } from '../../../src/engine/wgsl/variant.ts';

const test = suite('optional features of WebGPU');

interface Played {
  readonly features?: readonly string[];
  readonly words?: readonly string[];
  readonly info?: object;
}

/** Only what featuresOf looks at. */
function read({ features = [], words, info = {} }: Played): GpuFeatures {
  const gpu = words ? { wgslLanguageFeatures: new Set(words) } : {};
  const adapter = { features: new Set(features), info };
  return featuresOf(gpu as unknown as GPU, adapter as unknown as GPUAdapter);
}

const config = (M: number, N: number, K: number, componentType = 'f16', resultComponentType = 'f32') => ({
  M,
  N,
  K,
  componentType,
  resultComponentType,
});
const SUBGROUPS = ['subgroups', 'subgroup-size-control'];
const MATRICES = 'chromium-experimental-subgroup-matrix';

test('of an older implementation nothing is taken, and nothing asked for', () => {
  const none = read({});
  assert.equal([...none.features], []);
  assert.equal(requestable(none), []);
});

test('only what the adapter lists is asked for, and words of WGSL never', () => {
  const some = read({
    features: ['timestamp-query', 'subgroups'],
    words: ['subgroup_id', 'packed_4x8_integer_dot_product'],
  });
  assert.equal([...some.features], ['subgroups', 'subgroup_id']);
  assert.equal(requestable(some), ['subgroups']);
});

test('subgroup_id alone, without subgroups, is nothing', () => {
  assert.equal([...read({ words: ['subgroup_id'] }).features], []);
});

test('matrices: the largest of halves with sums in f32', () => {
  const subgroupMatrixConfigs = [
    config(8, 8, 8),
    config(16, 16, 16, 'f16', 'f16'),
    config(16, 8, 16),
    config(16, 16, 32, 'i8', 'i32'),
    config(64, 64, 64),
  ];
  const info = { subgroupMinSize: 32, subgroupMaxSize: 32, subgroupMatrixConfigs };
  assert.equal(read({ features: [MATRICES], info }).matrix, {
    m: 16,
    n: 8,
    k: 16,
    subgroupSize: 32,
    isSizeChosen: false,
  });
});

test('matrices where subgroups have several sizes: the largest is chosen, or there are none', () => {
  const info = { subgroupMinSize: 8, subgroupMaxSize: 32, subgroupMatrixConfigs: [config(8, 8, 8)] };
  const chosen = read({ features: [MATRICES, ...SUBGROUPS], info });
  assert.equal(chosen.matrix, { m: 8, n: 8, k: 8, subgroupSize: 32, isSizeChosen: true });
  const none = read({ features: [MATRICES, 'subgroups'], info });
  assert.is(none.matrix, undefined);
  assert.equal(requestable(none), ['subgroups']);
});

test('sizes of subgroups, where the adapter names them', () => {
  const info = { subgroupMinSize: 8, subgroupMaxSize: 32 };
  assert.equal(read({ features: ['subgroups'], info }).subgroupSizes, [8, 32]);
  assert.is(read({ features: ['subgroups'] }).subgroupSizes, undefined);
});

const variant = (name: string, more: Partial<WgslVariant> = {}): WgslVariant => ({
  name,
  groups: () => [1, 1, 1],
  wgsl: () => '',
  ...more,
});

/** What runs a command of so many rows. */
async function chosen(
  variants: readonly WgslVariant[],
  rows: number,
  gpu: GpuFeatures,
  isSoftware = false,
): Promise<string | undefined> {
  const kernel = defineKernel({
    name: 'played',
    args: { y: { access: 'write', dtype: 'f32', dims: ['rows'] } },
    params: {},
    cost: () => ({ flops: 0, bytes: 0 }),
    variants: { webgpu: variants },
  });
  const run = command(kernel, { y: { name: 'y', dtype: 'f32', shape: [rows], lifetime: 'state' } });
  return selectVariants(run, await loadVariants([run], wgslKind(isSoftware, gpu)))[0]?.variant.name;
}

test('a variant is offered where all that it needs is there', async () => {
  const variants = [variant('both', { needs: ['subgroups', 'shader-f16'] }), variant('plain')];
  const one: GpuFeatures = { features: new Set(['subgroups']) };
  const two: GpuFeatures = { features: new Set(['subgroups', 'shader-f16']) };
  assert.is(await chosen(variants, 4, CORE_GPU), 'plain');
  assert.is(await chosen(variants, 4, one), 'plain');
  assert.is(await chosen(variants, 4, two), 'both');
});

test('a variant that does not pay at a size comes after those made for other adapters', async () => {
  const variants = [
    variant('large', { suits: 'hardware', pays: ({ dims }) => dims.rows! >= 64 }),
    variant('other', { suits: 'software' }),
  ];
  assert.is(await chosen(variants, 64, CORE_GPU), 'large');
  assert.is(await chosen(variants, 63, CORE_GPU), 'other');
  assert.is(await chosen(variants.slice(0, 1), 63, CORE_GPU), 'large');
});

test('what reduces has a variant by subgroups, preferred on hardware alone', async () => {
  const gpu: GpuFeatures = { features: new Set(['subgroups', 'subgroup_id']) };
  const variants = [variant('team', { reduces: true }), variant('plain')];
  assert.is(await chosen(variants, 4, gpu), 'teamBySubgroups');
  assert.is(await chosen(variants, 4, { features: new Set(['subgroups']) }), 'team');
  assert.is(await chosen(variants.slice(0, 1), 4, gpu, true), 'team');
});

test.run();
