/**
 * Does the conformance suite notice? Plants one bug at a time in a copy of the build (a tile's bound, a mask, a barrier,
 * stale scratch) and runs the suite on it, which must fail. Prints what it said.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { repoRoot } from '../support/paths.ts';
import { lavapipe26, openOrSkip } from '../support/webgpu.ts';

interface Mutation {
  readonly what: string;
  /** Of the build, below dist/src. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly kernel: string;
  /** The test of that name: `webgpu26` runs what needs optional features. */
  readonly device: 'cpu' | 'webgpu' | 'webgpu26';
}

const mutations: readonly Mutation[] = [
  {
    what: 'a tile runs on over the last row',
    file: 'kernels/matmul/gemm.wasm.js',
    from: 'i32.add(firstRow, perBlock), args.rows)),',
    to: 'i32.add(firstRow, perBlock), i32.const(1 << 20))),',
    kernel: 'matmul',
    device: 'cpu',
  },
  {
    what: 'the causal mask lets the next position through',
    file: 'kernels/attention/cachedAttention.wasm.js',
    from: 'i32.add(i32.load(state, ROW_STATE.offset.position), i32.const(1))',
    to: 'i32.add(i32.load(state, ROW_STATE.offset.position), i32.const(2))',
    kernel: 'cachedAttention',
    device: 'cpu',
  },
  {
    what: 'the scores of a former row are left in scratch after the last key',
    file: 'kernels/attention/cachedAttention.wasm.js',
    from: 'v128.bitselect(score, f.splat(LOWEST), isThere)',
    to: 'score',
    kernel: 'cachedAttention',
    device: 'cpu',
  },
  {
    what: 'keys that fill up the last panel are looked at',
    file: 'kernels/attention/heads.wasm.js',
    from: 'v128.bitselect(v128.load(line, 4 * key), f.splat(LOWEST), isThere)',
    to: 'v128.load(line, 4 * key)',
    kernel: 'crossAttention',
    device: 'cpu',
  },
  {
    what: 'zeros of int8 weights are left out where products are integers',
    file: 'kernels/matmul/integerPanels.wasm.js',
    from: 'f32x4.mul(v128.load(zeros, 16 * q), rowSum)',
    to: 'f.splat(0)',
    kernel: 'logits',
    device: 'cpu',
  },
  {
    what: 'zeros of int8 weights are left out in a shader',
    file: 'engine/dtype.js',
    from: '>> vec4u(24u)) - zeros) * scales',
    to: '>> vec4u(24u))) * scales',
    kernel: 'logits',
    device: 'webgpu',
  },
  {
    what: 'a thread writes beyond the last key of its row',
    file: 'kernels/attention/crossQK.wgsl.js',
    from: 'u) { return; }\n  let at',
    to: 'u + 64u) { return; }\n  let at',
    kernel: 'crossQK',
    device: 'webgpu',
  },
  {
    what: 'the mask lets a pair of timestamps go back in time',
    file: 'kernels/sampling/allowedIds.wgsl.js',
    from: '- select(0u, 1u, isPairOpen)); }',
    to: '- select(2u, 3u, isPairOpen)); }',
    kernel: 'tokenStats',
    device: 'webgpu',
  },
  {
    what: 'of beams with equal sums the last one goes first',
    file: 'kernels/sampling/advanceBeams.wgsl.js',
    from: 'sum > bestSum',
    to: 'sum >= bestSum',
    kernel: 'advanceBeams',
    device: 'webgpu',
  },
  {
    what: 'a beam that moves leaves where its positions lie behind',
    file: 'kernels/sampling/advanceBeams.wasm.js',
    from: 'i32.load(i32.add(column, source))',
    to: 'i32.load(column)',
    kernel: 'advanceBeams',
    device: 'cpu',
  },
  {
    what: 'a barrier is missing in the reduction over a workgroup',
    file: 'engine/wgsl/reducer.js',
    from: 'All[thread] = value;\n  workgroupBarrier();',
    to: 'All[thread] = value;',
    kernel: 'layerNorm',
    device: 'webgpu',
  },
  {
    what: 'the first input of each part is left out',
    file: 'kernels/step/product.wgsl.js',
    from: 'let begin = group.y',
    to: 'let begin = 1u + group.y',
    kernel: 'residualMatmul',
    device: 'webgpu',
  },
  {
    what: 'the splits of an attention are merged as if all had the same largest score',
    file: 'kernels/step/inputs.wgsl.js',
    from: 'shares[s] = share;',
    to: 'shares[s] = 1f;',
    kernel: 'mergeMatmul',
    device: 'webgpu',
  },
  {
    what: "a row's own key is looked for in the cache",
    file: 'kernels/step/stepAttention.wgsl.js',
    from: 'fn keyOf(at: u32, c: u32, isOwn: bool) -> vec4f {\n  if (isOwn)',
    to: 'fn keyOf(at: u32, c: u32, isOwn: bool) -> vec4f {\n  if (false)',
    kernel: 'stepAttention',
    device: 'webgpu',
  },
  {
    what: 'of a tile with text and timestamps all counts as text',
    file: 'kernels/step/normLogits.wgsl.js',
    from: 'if (isText) { high = min(high, textEnd); }',
    to: '',
    kernel: 'normLogits',
    device: 'webgpu',
  },
  {
    what: 'text is chosen though timestamps win',
    file: 'kernels/step/choose.wgsl.js',
    from: 'if (stampsWin && entry < firstStamps) { continue; }',
    to: '',
    kernel: 'pickRows',
    device: 'webgpu',
  },
  {
    what: 'after an odd number of rows comes what was staged before',
    file: 'kernels/matmul/packPanels.wgsl.js',
    from: '(select(0u, half(row + 1u, i), isPair) << 16u)',
    to: '(half(row + 1u, i) << 16u)',
    kernel: 'packPanels',
    device: 'webgpu',
  },
  {
    what: 'a barrier is missing between subgroups',
    file: 'engine/wgsl/subgroups.js',
    from: ' = whole; }\n  workgroupBarrier();',
    to: ' = whole; }',
    kernel: 'layerNorm',
    device: 'webgpu26',
  },
  {
    what: 'neighbours in a subgroup do not meet',
    file: 'engine/wgsl/subgroups.js',
    from: 'let d = from;',
    to: 'let d = 2 * from;',
    kernel: 'tokenStats',
    device: 'webgpu26',
  },
  {
    what: 'a subgroup of a team is left out',
    file: 'engine/wgsl/subgroups.js',
    from: 'var s = 1u; s <',
    to: 'var s = 2u; s <',
    kernel: 'pickRows',
    device: 'webgpu26',
  },
  {
    what: 'the slices of a subgroup are left out',
    file: 'engine/wgsl/subgroups.js',
    from: 'var s = 0u; s <',
    to: 'var s = 1u; s <',
    kernel: 'residualMatmul',
    device: 'webgpu26',
  },
  {
    what: 'of equal logits any is the first',
    file: 'engine/wgsl/functions.js',
    from: 'if (isBetter(a.value, a.id, b.value, b.id))',
    to: 'if (a.value >= b.value)',
    kernel: 'pickBeams',
    device: 'webgpu26',
  },
  {
    what: 'the next tiles go over those that are multiplied',
    file: 'kernels/matmul/gemm/tiled.wgsl.js',
    from: "keep('1u - pair')",
    to: "keep('pair')",
    kernel: 'conv1d',
    device: 'webgpu',
  },
  {
    what: 'the sum of weights is not corrected with their maximum',
    file: 'kernels/attention/scoreTiles.wgsl.js',
    from: 'sum = sum * shrink +',
    to: 'sum = sum +',
    kernel: 'attention',
    device: 'webgpu',
  },
  {
    what: 'weights of keys after the last are not 0',
    file: 'kernels/attention/scoreMatrices.wgsl.js',
    from: ', isKey));\n        weights[',
    to: ', true));\n        weights[',
    kernel: 'attention',
    device: 'webgpu26',
  },
  {
    what: 'the first slice of 16 rows is left out',
    file: 'kernels/matmul/gemm/rows.wgsl.js',
    from: 'for (var s = 0u; s < ${few',
    to: 'for (var s = 1u; s < ${few',
    kernel: 'conv1d',
    device: 'webgpu',
  },
  {
    what: 'a later part of a product has the residual too',
    file: 'kernels/step/rowTiles.wgsl.js',
    from: 'if (part == 0u) {',
    to: 'if (part < 2u) {',
    kernel: 'residualMatmul',
    device: 'webgpu',
  },
  {
    what: 'splits of many rows are merged as if all had the same largest score',
    file: 'kernels/step/inputs.wgsl.js',
    from: '}.x - top);`)}',
    to: '}.x * 0f);`)}',
    kernel: 'mergeMatmul',
    device: 'webgpu',
  },
  {
    what: 'a row is normalized by its first part',
    file: 'kernels/step/sumNorm.wgsl.js',
    from: 'length: xWidth / k }',
    to: 'length: 1 }',
    kernel: 'sumNorm',
    device: 'webgpu',
  },
  {
    what: 'all subgroups multiply the same rows',
    file: 'kernels/matmul/gemm/matrices.wgsl.js',
    from: 'u + ownRow) *',
    to: 'u) *',
    kernel: 'conv1d',
    device: 'webgpu26',
  },
  {
    what: 'matrices get what is larger than f16 can be',
    file: 'kernels/matmul/gemm/matrices.wgsl.js',
    from: "import { MAX_HALF } from '../../../engine/dtype.js';",
    to: 'const MAX_HALF = 1e38;',
    kernel: 'matmul',
    device: 'webgpu26',
  },
  {
    what: 'matrices get int8 weights without their zeros',
    file: 'kernels/matmul/gemm/matrixWeights.wgsl.js',
    from: 'vec4f(a.yw, b.yw) - zeros',
    to: 'vec4f(a.yw, b.yw)',
    kernel: 'matmul',
    device: 'webgpu26',
  },
  {
    what: 'sums of matrices get the scales of their neighbours',
    file: 'kernels/matmul/gemm/matrixWeights.wgsl.js',
    from: 'floats(scales, j)',
    to: 'floats(scales, j + "^4u")',
    kernel: 'logits',
    device: 'webgpu26',
  },
  {
    what: 'rows get x of others',
    file: 'kernels/matmul/gemm/broadcast.wgsl.js',
    from: 'Math.floor(r / LOADERS)',
    to: 'Math.floor(r / 2 / LOADERS)',
    kernel: 'conv1d',
    device: 'webgpu26',
  },
  {
    what: 'keys come from two of the four threads that load them',
    file: 'kernels/attention/blocks.wgsl.js',
    from: 'i % loaders',
    to: 'i % 2',
    kernel: 'attention',
    device: 'webgpu26',
  },
];

/** The first sentence of the harness in what uvu printed: it marks differing lines with dashes and spaces with dots. */
function complaint(output: string): string | undefined {
  const start = String.fromCharCode(27);
  const lines = output.replaceAll(new RegExp(`${start}\\[\\d+m`, 'g'), '').split('\n');
  const said = lines.find((line) => line.includes('(Actual)')) ?? lines.find((line) => line.includes('FAIL'));
  return said
    ?.replaceAll('·', ' ')
    .replace(/^\s*-*|\(Actual\)\s*$/g, '')
    .trim();
}

const test = suite('planted bugs');
const gpu = await openOrSkip('planted bugs in WGSL');
await gpu?.close();
const has26 = existsSync(lavapipe26.run);
if (!has26)
  console.log('skipped planted bugs in WGSL that needs optional features: no lavapipe of Mesa 26 (.ci/lavapipe26)');
const isHere = { cpu: true, webgpu: gpu !== undefined, webgpu26: has26 };
let copy: string;
test.before(() => {
  copy = mkdtempSync(join(tmpdir(), 'sotto-mutations-'));
  cpSync(join(repoRoot, 'dist'), join(copy, 'dist'), { recursive: true });
  cpSync(join(repoRoot, 'package.json'), join(copy, 'package.json'));
  symlinkSync(join(repoRoot, 'node_modules'), join(copy, 'node_modules'));
  mkdirSync(join(copy, 'test/runtimes'), { recursive: true });
  symlinkSync(join(repoRoot, 'test/runtimes/.cache'), join(copy, 'test/runtimes/.cache'));
});
test.after(() => rmSync(copy, { recursive: true, force: true }));

for (const { what, file, from, to, kernel, device } of mutations) {
  if (!isHere[device]) continue;
  test(`${device}: ${what}`, () => {
    const path = join(copy, 'dist/src', file);
    const original = readFileSync(path, 'utf8');
    assert.is(original.split(from).length, 2, `${file} has to hold the text to be broken once: ${from}`);
    writeFileSync(
      path,
      original.replace(from, () => to),
    );
    try {
      const run = spawnSync(process.execPath, [join(copy, `dist/test/kernels/${device}.test.js`), kernel], {
        encoding: 'utf8',
      });
      console.log(`\n${device} ${kernel}, ${what}:\n  ${complaint(run.stdout) ?? run.stderr.slice(0, 200)}`);
      assert.is.not(run.status, 0, `the suite did not notice: ${what}`);
    } finally {
      writeFileSync(path, original);
    }
  });
}

test.run();
