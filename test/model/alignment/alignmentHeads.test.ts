/** Alignment heads of models whose files do not name them. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { alignmentHeadsOf } from '../../../src/model/alignment/alignmentHeads.ts';
import type { ModelDimensions } from '../../../src/model/dims.ts';

const test = suite('alignment heads');

function shape(nTextLayer: number, nTextHead: number, nVocab = 51865, nMels = 80): ModelDimensions {
  const nState = 64 * nTextHead;
  const audio = { nMels, nAudioCtx: 1500, nAudioState: nState, nAudioHead: nTextHead, nAudioLayer: nTextLayer };
  return { ...audio, nVocab, nTextCtx: 448, nTextState: nState, nTextHead, nTextLayer };
}

test('published models', () => {
  assert.equal(alignmentHeadsOf(shape(4, 6)), [
    [2, 2],
    [3, 0],
    [3, 2],
    [3, 3],
    [3, 4],
    [3, 5],
  ]);
  // Shape, and how many heads openai/whisper names, the first of them and the last.
  const rows: [ModelDimensions, number, [number, number], [number, number]][] = [
    [shape(4, 6, 51864), 8, [1, 0], [3, 4]],
    [shape(6, 8, 51864), 5, [3, 3], [5, 7]],
    [shape(6, 8), 8, [3, 1], [5, 6]],
    [shape(12, 12, 51864), 19, [6, 6], [11, 4]],
    [shape(12, 12), 10, [5, 3], [10, 5]],
    [shape(24, 16, 51864), 18, [11, 4], [21, 12]],
    [shape(24, 16), 6, [13, 15], [23, 4]],
    [shape(32, 20), 23, [10, 12], [27, 15]],
    [shape(32, 20, 51866, 128), 10, [7, 0], [25, 6]],
    [shape(4, 20, 51866, 128), 6, [2, 4], [3, 14]],
  ];
  for (const [dims, count, first, last] of rows) {
    const heads = alignmentHeadsOf(dims);
    assert.is(heads.length, count);
    assert.equal(heads[0], first);
    assert.equal(heads.at(-1), last);
    for (const [layer, head] of heads) assert.ok(layer < dims.nTextLayer && head < dims.nTextHead);
  }
});

test('of other shapes the upper half of the layers', () => {
  assert.equal(alignmentHeadsOf(shape(3, 2)), [
    [1, 0],
    [1, 1],
    [2, 0],
    [2, 1],
  ]);
  // distil-large-v3, and tiny's shape with other heads.
  assert.is(alignmentHeadsOf(shape(2, 20, 51866, 128)).length, 20);
  assert.is(alignmentHeadsOf({ ...shape(4, 6), nTextState: 192 }).length, 12);
});

test.run();
