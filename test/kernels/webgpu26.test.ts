/**
 * The WGSL variants that need optional features, on Mesa 26's lavapipe, which has them all: subgroups, f16, and, what no older
 * software driver has, matrices of subgroups.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { wgslSource } from '../../src/engine/wgsl/wgslSource.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { lavapipe26, openOrSkip } from '../support/webgpu.ts';
import { conformance } from './conformance.ts';

const IS_INSIDE = 'SOTTO_TEST_INSIDE_LAVAPIPE26';

/** `kernel/variant` of those that need something. */
async function needy(): Promise<ReadonlySet<string>> {
  const names = kernels.map(async ({ kernel }) => {
    const source = wgslSource(kernel);
    const variants = typeof source === 'function' ? await source([], () => true) : source;
    return variants.filter(({ needs = [] }) => needs.length > 0).map(({ name }) => `${kernel.name}/${name}`);
  });
  return new Set((await Promise.all(names)).flat());
}

if (process.env[IS_INSIDE]) {
  const device = await openOrSkip('the conformance of WGSL kernels that need optional features');
  if (device) conformance('webgpu', device.description, async () => device, process.argv[2], await needy());
} else if (existsSync(lavapipe26.run)) {
  // Vectors of 128 bits make subgroups of 4, for which it has no matrices.
  const env = { ...process.env, [IS_INSIDE]: '1', SOTTO_TEST_ADAPTER: '', LP_NATIVE_VECTOR_WIDTH: '256' };
  const args = [process.execPath, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  process.exitCode = spawnSync(lavapipe26.run, args, { env, stdio: 'inherit' }).status ?? 1;
} else {
  console.log('skipped the WGSL kernels that need optional features: no lavapipe of Mesa 26 (.ci/lavapipe26)');
}
