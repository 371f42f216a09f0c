/**
 * Cross-attention heads that follow the sound while the decoder speaks, for word times. Most models name theirs in
 * `generation_config.json`; these are for folders without.
 */
import type { ModelDimensions } from '../dims.ts';

export type AlignmentHeads = readonly (readonly [layer: number, head: number])[];

/**
 * layer.head of the published models, by decoder layers x heads, English alone or not, and mel bins where that tells two
 * apart. Of the two models of 32 x 20 with 80 bins it is large-v2.
 *
 * @see openai/whisper, whisper/__init__.py: _ALIGNMENT_HEADS
 */
const PUBLISHED: Readonly<Record<string, string>> = {
  '4 x 6 en': '1.0 2.0 2.5 3.0 3.1 3.2 3.3 3.4',
  '4 x 6': '2.2 3.0 3.2 3.3 3.4 3.5',
  '6 x 8 en': '3.3 4.7 5.1 5.5 5.7',
  '6 x 8': '3.1 4.2 4.3 4.7 5.1 5.2 5.4 5.6',
  '12 x 12 en': '6.6 7.0 7.3 7.8 8.2 8.5 8.7 9.0 9.4 9.8 9.10 10.0 10.1 10.2 10.3 10.6 10.11 11.2 11.4',
  '12 x 12': '5.3 5.9 8.0 8.4 8.7 8.8 9.0 9.7 9.9 10.5',
  '24 x 16 en': '11.4 14.1 14.12 14.14 15.4 16.0 16.4 16.9 17.12 17.14 18.7 18.10 18.15 20.0 20.3 20.9 20.14 21.12',
  '24 x 16': '13.15 15.4 15.15 16.1 20.0 23.4',
  '32 x 20, 80':
    '10.12 13.17 16.11 16.12 16.13 17.15 17.16 18.4 18.11 18.19 19.11 21.2 21.3 22.3 22.9 22.12 23.5 23.7 23.13 25.5 26.1 26.12 27.15',
  '32 x 20, 128': '7.0 10.17 12.18 13.12 16.1 17.14 19.11 21.4 24.1 25.6',
  '4 x 20, 128': '2.4 2.11 3.3 3.6 3.11 3.14',
};

/** Those of the published model of this shape, else, as openai/whisper has it, all heads of the upper half of the layers. */
export function alignmentHeadsOf(dims: ModelDimensions): AlignmentHeads {
  const { nTextLayer, nTextHead, nTextState, nVocab, nMels } = dims;
  const shape = `${nTextLayer} x ${nTextHead}`;
  const keys = nVocab < 51865 ? [`${shape} en`] : [shape, `${shape}, ${nMels}`];
  // All published heads are 64 wide.
  const known = nTextState === 64 * nTextHead && keys.map((key) => PUBLISHED[key]).find((heads) => heads);
  if (known) return known.split(' ').map((head) => [Number(head.split('.')[0]), Number(head.split('.')[1])]);
  const heads: [number, number][] = [];
  for (let layer = Math.floor(nTextLayer / 2); layer < nTextLayer; layer++)
    for (let head = 0; head < nTextHead; head++) heads.push([layer, head]);
  return heads;
}
