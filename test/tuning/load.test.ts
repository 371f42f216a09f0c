/** A model that is loaded where a table is kept: it runs what the table says, with the same numbers but for rounding. */
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { OptionsError } from '../../src/base/errors.ts';
import { createWebGpuDevice } from '../../src/devices/webgpu/device.ts';
import { wgslKind } from '../../src/devices/webgpu/variants.ts';
import { loadVariants } from '../../src/engine/selectVariant.ts';
import { CORE_GPU, type GpuFeatures } from '../../src/engine/wgsl/features.ts';
import { load } from '../../src/index.node.ts';
import { modelUses } from '../../src/lab/tune/modelUses.ts';
import type { NodeLoadOptions } from '../../src/load.node.ts';
import { fingerprint } from '../../src/tuning/choiceKey.ts';
import { identityOf, tablePath, writeTableFile } from '../../src/tuning/nodeTableFile.ts';
import type { AdapterIdentity, MeasuredUse, RangeChoice } from '../../src/tuning/table.ts';
import { inFolder } from '../support/folder.ts';
import { shapeClasses, writeRandomModel } from '../support/randomModel.ts';
import { throws } from '../support/throws.ts';
import { openOrSkip, testGpu } from '../support/webgpu.ts';

const test = suite('tuning/load');
const dims = { ...shapeClasses.tiny!, nVocab: 1000 + 107 + 1501 };
const mel = Float32Array.from({ length: dims.nMels * 2 * dims.nAudioCtx }, (_, i) => Math.sin(i));

const SLICED: readonly RangeChoice[] = [
  { upTo: 8, variant: 'sliced', rule: '', points: [] },
  { variant: 'rows16', rule: '', points: [] },
];

const probe = await openOrSkip('a model on a tuned GPU');
const gpu = await testGpu();
if (probe && gpu) {
  await probe.close();
  test('a table of this adapter is used unless that is not wanted', () =>
    inFolder(async (root) => {
      const { SOTTO_CACHE } = process.env;
      process.env.SOTTO_CACHE = join(root, 'cache');
      try {
        await writeRandomModel(join(root, 'model'), dims, 5);
        const run = async (options: NodeLoadOptions = {}) => {
          const warnings: string[] = [];
          const onWarning = ({ code }: { readonly code: string }): void => void warnings.push(code);
          const whisper = await load(join(root, 'model'), { device: 'webgpu', onWarning, ...options });
          const { inference, device } = whisper;
          const logits = await inference.teacherForced(await inference.encode(mel), [5, 17, 900]);
          await whisper.close();
          return { logits, isTuned: device.description.endsWith(', tuned'), warnings };
        };
        const plain = await run();
        assert.not(plain.isTuned);
        await keepTable();
        const tuned = await run();
        assert.ok(tuned.isTuned);
        assert.equal(tuned.warnings, []);
        // Other sums, which are as right.
        assert.ok(
          tuned.logits.some((value, i) => value !== plain.logits[i]),
          'another variant ran',
        );
        const size = Math.max(...plain.logits.map(Math.abs));
        for (const [i, value] of tuned.logits.entries())
          assert.ok(Math.abs(value - plain.logits[i]!) < 1e-5 * size, `logit ${i}`);
        const untuned = await run({ tuned: false });
        assert.not(untuned.isTuned);
        assert.equal(untuned.logits, plain.logits);
        await keepTable('of other variants');
        const stale = await run();
        assert.equal(stale.warnings, ['notTuned']);
        assert.equal(stale.logits, plain.logits);
        await throws(OptionsError, 'type', run({ tuned: 'no' as unknown as boolean }), 'tuned');
      } finally {
        if (SOTTO_CACHE === undefined) delete process.env.SOTTO_CACHE;
        else process.env.SOTTO_CACHE = SOTTO_CACHE;
      }
    }));
}

/** A table by which matrix products are summed in slices, as no software adapter does by the rules of thumb. */
async function keepTable(variantsText?: string): Promise<void> {
  let adapter: AdapterIdentity | undefined;
  let features: GpuFeatures = CORE_GPU;
  const device = await createWebGpuDevice(gpu!, {
    allowSoftware: true,
    async tuning(info, has) {
      [adapter, features] = [identityOf(info, 'dawn'), has];
      return undefined;
    },
  });
  const uses = new Map<string, MeasuredUse>();
  for (const { key, command } of await modelUses(device, [{ dims, dtype: 'f32', cacheDtype: 'f32' }])) {
    if (command.kernel.name !== 'matmul') continue;
    const { variants } = await loadVariants([command], wgslKind(true, features));
    const own = variantsText ?? fingerprint(command, variants.get(command.kernel) ?? [], features);
    uses.set(key, { variants: own, wrong: [], ranges: SLICED });
  }
  await device.close();
  writeTableFile(tablePath(adapter!), { adapter: adapter!, madeBy: '', date: '', uses });
}

test.run();
