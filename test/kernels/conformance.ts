/**
 * One suite for every kernel, case, storage type and variant on one device: what `cpu.test.ts`, `webgpu.test.ts` and the
 * tests in other runtimes run. Prints one line a failure with the seed's text in it, so that it can be run again alone:
 * `npm run kernel NAME`.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Device } from '../../src/engine/device.ts';
import { kernels } from '../../src/kernels/registry.ts';
import { caseTitle, checkKernel, isMadeFor, storageChoices, variantsOf } from '../../src/lab/checkKernel.ts';

/**
 * @param only the name of one kernel
 * @param wanted `kernel/variant` of those to check; all when absent. Each has to have a case here.
 */
export function conformance(
  kind: 'cpu' | 'webgpu',
  title: string,
  open: () => Promise<Device>,
  only?: string,
  wanted?: ReadonlySet<string>,
): void {
  const test = suite(`conformance ${kind}, ${title}`);
  let device: Device;
  test.before(async () => {
    device = await open();
  });
  test.after(() => device.close());
  const checked = new Set<string>();
  for (const module of kernels) {
    if (only !== undefined && module.kernel.name !== only) continue;
    if (!isMadeFor(module.kernel, kind)) continue;
    if (wanted && ![...wanted].some((name) => name.startsWith(`${module.kernel.name}/`))) continue;
    for (const kase of module.cases) {
      if (kase.benchOnly) continue;
      for (const storage of storageChoices(module.kernel)) {
        // The largest cases say little more about another storage type, and take long on software GPUs.
        if (kase.bench && Object.keys(storage).length > 0) continue;
        test(`${module.kernel.name}: ${caseTitle(kase, storage)}`, async () => {
          const variants = await variantsOf(device, module, kase, storage);
          assert.ok(variants.length > 0, `no variant of ${module.kernel.name} runs this case`);
          for (const variant of variants) {
            const name = `${module.kernel.name}/${variant}`;
            if (wanted && !wanted.has(name)) continue;
            checked.add(name);
            const { failures } = await checkKernel(device, module, kase, { variant, storage });
            assert.is(failures.join('\n'), '', name);
          }
        });
      }
    }
  }
  if (wanted && only === undefined)
    test('every variant that is wanted has a case', () => {
      assert.equal([...checked].sort(), [...wanted].sort());
    });
  test.run();
}
