/**
 * No table can give rows that are to have the sums of fewer rows another variant than those have, where the rules of thumb give
 * them the same: over all uses of kernels that a model makes, and every variant as the choice.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createReferenceDevice } from '../../src/devices/reference/device.ts';
import { wgslKind } from '../../src/devices/webgpu/variants.ts';
import type { Command } from '../../src/engine/program.ts';
import { forRows, type LoadedVariants, loadVariants, selectVariants } from '../../src/engine/selectVariant.ts';
import { CORE_GPU, type GpuFeatures } from '../../src/engine/wgsl/features.ts';
import type { WgslVariant } from '../../src/engine/wgsl/variant.ts';
import { modelUses } from '../../src/lab/tune/modelUses.ts';
import { sizesOf } from '../../src/lab/tune/sizes.ts';
import { fingerprint } from '../../src/tuning/choiceKey.ts';
import { preferencesOf } from '../../src/tuning/prefer.ts';
import type { RangeChoice } from '../../src/tuning/table.ts';

const test = suite('tuning/realKernels');

const FULL: GpuFeatures = {
  features: new Set([
    'shader-f16',
    'subgroups',
    'subgroup_id',
    'subgroup-size-control',
    'chromium-experimental-subgroup-matrix',
  ]),
  matrix: { m: 8, n: 8, k: 8, subgroupSize: 32, isSizeChosen: true },
};
const adapter = { runtime: '', vendor: '', architecture: '', device: '', description: '', backend: '' };
const OWN = [1, 5, 8, 16];
const ALL = [1, 5, 8, 16, 40, 64, 100];

/** The variant for `own` of so many rows, each of which is to be as in a command of `own`. */
function variantFor(command: Command, rows: number, own: number, loaded: LoadedVariants<WgslVariant>): string {
  const { allRows: _all, maxRows: _most, ...rest } = command;
  const selected = selectVariants({ ...rest, dims: { ...command.dims, rows }, sumsAs: own }, loaded);
  return forRows(selected, own)?.variant.name ?? '';
}

for (const [name, gpu, fused] of [
  ['the core of WebGPU', CORE_GPU, false],
  ['a GPU that has everything', FULL, true],
] as const)
  test(`rows of a group have the variant of the group alone, whatever the table: ${name}`, async () => {
    const like = { ...createReferenceDevice({ panelWidth: 64, crossPanelWidth: 1 }), wantsFusedSteps: fused };
    const sizes = sizesOf(['tiny'], ['f32', 'f16', 'int8']);
    let compared = 0;
    let tuned = 0;
    for (const { key, command } of await modelUses(like, sizes)) {
      if (command.dims.rows === undefined) continue;
      const plain = wgslKind(false, gpu);
      const { variants } = await loadVariants([command], plain);
      const all = variants.get(command.kernel)!;
      const print = fingerprint(command, all, gpu);
      const tables = all.flatMap(({ name }): (readonly RangeChoice[])[] => {
        const choice = { variant: name, rule: '', points: [] };
        return [[choice], [{ upTo: 8, ...choice }], [{ upTo: 8, rule: '', points: [] }, choice]];
      });
      for (const ranges of tables) {
        const uses = new Map([[key, { variants: print, wrong: [], ranges }]]);
        const prefers = preferencesOf({ adapter, madeBy: '', date: '', uses }, gpu, () => assert.unreachable('stale'));
        const kind = wgslKind(false, gpu, prefers);
        for (const own of OWN) {
          const alone = variantFor(command, own, own, { kind: plain, variants });
          const aloneTuned = variantFor(command, own, own, { kind, variants });
          if (aloneTuned !== alone) tuned++;
          for (const rows of ALL.filter((rows) => rows > own)) {
            if (variantFor(command, rows, own, { kind: plain, variants }) !== alone) continue;
            compared++;
            const among = variantFor(command, rows, own, { kind, variants });
            assert.is(among, aloneTuned, `${key}: ${own} of ${rows} rows, ${JSON.stringify(ranges)}`);
          }
        }
      }
    }
    assert.ok(compared > 500 && tuned > 30, `${compared} compared, ${tuned} tuned`);
  });

test.run();
