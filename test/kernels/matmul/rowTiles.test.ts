/**
 * Products of a few dozen rows: tiles that `rowTile` may choose, at sizes where it would not, against the reference; and what it
 * chooses for the matrices of all sizes.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Kernel, KernelModule } from '../../../src/engine/kernel.ts';
import type { WgslVariant } from '../../../src/engine/wgsl/variant.ts';
import { rowsText, xInputs } from '../../../src/kernels/matmul/gemm/rows.wgsl.ts';
import { type RowTile, rowTile, tileGrid } from '../../../src/kernels/matmul/gemm/rowTile.ts';
import * as module from '../../../src/kernels/matmul/matmul.ts';
import { gemm } from '../../../src/kernels/matmul/matmul.wgsl.ts';
import { panelCount } from '../../../src/kernels/matmul/panels.ts';
import { batchPartsOf } from '../../../src/kernels/step/cut.ts';
import { checkKernel } from '../../../src/lab/checkKernel.ts';
import { publishedSizes } from '../../../src/model/publishedSizes.ts';
import { openOrSkip } from '../../support/webgpu.ts';

const test = suite('tiles of rows');
const device = await openOrSkip('tiles of rows');

/** matmul with one variant, of such tiles. */
function withTile(tile: RowTile): KernelModule {
  const forced: WgslVariant<'rows' | 'n' | 'k' | 'panelWidth', 'gelu'> = {
    name: 'forced',
    takes: { w: ['f32'] },
    vec4: ['x', 'w'],
    groups: (c, liveRows) => [...tileGrid(gemm(c), tile, liveRows), 1],
    wgsl: (c) => rowsText({ ...gemm(c), parts: 1, inputs: xInputs(gemm(c)) }, tile),
  };
  const kernel: Kernel = { ...module.matmul, variants: { webgpu: [forced] } };
  return { ...module, kernel };
}

// Two tiles down and two across, the last ones ragged; sums of more than a block, and of fewer fours than slices.
for (const rows of [16, 32, 64])
  for (const [lanes, k] of [
    [16, 1100],
    [4, 1100],
    [1, 20],
  ] as const)
    test(`${rows} rows x ${4 * lanes} outputs, ${k} inputs`, async () => {
      if (!device) return;
      const n = 4 * lanes + 3;
      const dims = { rows: rows + 3, k, n, panelWidth: 64, panels: panelCount(n, 64) };
      const { failures } = await checkKernel(device, withTile({ rows, lanes }), { dims, liveRows: rows + 2 });
      assert.is(failures.join('\n'), '');
    });

/** Workgroups of a product for so many live rows, in a shader that is made for `most`. */
function groups(n: number, k: number, live: number, most: number, parts: number): number {
  const [across, down] = tileGrid({ n }, rowTile({ rows: most, n, k }, parts), live);
  return across * down * parts;
}

const RANGES = [
  [9, 16],
  [17, 32],
  [33, 64],
] as const;

test('two workgroups for each core of the largest GPUs, whatever the size', () => {
  for (const [name, { nTextState: d }] of Object.entries(publishedSizes))
    for (const [least, most] of RANGES)
      for (const live of [least, most])
        for (const [n, k, parts] of [
          [3 * d, d, batchPartsOf(d)],
          [d, d, batchPartsOf(d)],
          [4 * d, d, 1],
          [d, 4 * d, batchPartsOf(4 * d)],
        ] as const) {
          const count = groups(n, k, live, most, parts);
          // Of a range's least rows one tile may be less.
          assert.ok(count >= (live === most ? 264 : 132), `${name}: ${live} rows of ${k} to ${n}: ${count}`);
        }
});

test('logits of up to 64 rows read their weights once', () => {
  for (const { nTextState: k, nVocab: n } of Object.values(publishedSizes))
    for (const [least, most] of RANGES)
      for (const live of [least, most]) {
        const tile = rowTile({ rows: most, n, k });
        const [across, down] = tileGrid({ n }, tile, live);
        assert.is(down, 1, `${live} rows: ${tile.rows} a tile`);
        assert.ok(across >= 264);
      }
});

test.after(() => device?.close());
test.run();
