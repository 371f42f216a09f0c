/** The decoder's network, recorded into programs: all layers for some rows, and the logits of some rows. */

import type { ProgramBuilder, Tensor } from '../../engine/program.ts';
import { cachedAttention } from '../../kernels/attention/cachedAttention.ts';
import { crossAttention } from '../../kernels/attention/crossAttention.ts';
import { kvAppend } from '../../kernels/attention/kvAppend.ts';
import { embed } from '../../kernels/embed/embed.ts';
import { logits } from '../../kernels/matmul/logits.ts';
import { mlp, normed, projected } from '../blocks.ts';
import type { ModelDimensions } from '../dims.ts';
import type { ModelWeights } from '../weights.ts';
import type { CrossCache, SelfCache } from './kvCache.ts';

/** The decoder and the caches that it reads and writes. */
export interface DecoderNetwork {
  readonly dims: ModelDimensions;
  readonly weights: ModelWeights;
  readonly self: SelfCache;
  readonly cross: CrossCache;
}

export interface LayersIo {
  /** `ROW_STATE` of kernels/sampling/decodeState.ts: [rows, 4] */
  readonly rowState: Tensor;
  /** The residual stream after the last layer: [rows, nTextState]. */
  readonly y: Tensor;
  /** Where to leave a layer's cross-attention queries, [rows, nTextState]; scratch when undefined. */
  readonly queries?: (layer: number) => Tensor | undefined;
}

/** All layers for the rows in `rowState`: appends to the cache, attends, writes `y`. */
export function recordLayers(
  p: ProgramBuilder,
  { dims, weights, self, cross }: DecoderNetwork,
  { rowState, y, queries }: LayersIo,
): void {
  const shape = y.shape;
  const nHead = dims.nTextHead;
  let x = p.scratch('embedded', 'f32', shape);
  for (const { table, begin, count } of weights.embedding)
    p.run(embed, { rowState, table, positions: weights.decoderPositions, y: x }, { begin, count });
  for (const [i, layer] of weights.decoderLayers.entries()) {
    const qkv = projected(p, 'qkv', normed(p, 'normed', x, layer.attention.norm), layer.attention.qkv);
    const keys = self.keys[i]!;
    const values = self.values[i]!;
    p.run(kvAppend, { qkv, rowState, keys, values, slotOf: self.slotOf });
    const attended = p.scratch('attended', 'f32', shape);
    p.run(cachedAttention, { q: qkv, keys, values, rowState, slotOf: self.slotOf, y: attended }, { nHead });
    x = projected(p, 'attention.out', attended, layer.attention.out, { residual: x });
    const crossNormed = normed(p, 'cross.normed', x, layer.crossNorm);
    const q = projected(p, 'cross.q', crossNormed, layer.crossQuery, { y: queries?.(i) });
    const crossAttended = p.scratch('cross.attended', 'f32', shape);
    const sound = { keys: cross.keys[i]!, values: cross.values[i]! };
    p.run(crossAttention, { q, ...sound, rowState, y: crossAttended }, { nHead });
    x = projected(p, 'cross.out', crossAttended, layer.crossOut, { residual: x });
    const out = i === weights.decoderLayers.length - 1 ? y : p.scratch(`layer${i}.out`, 'f32', shape);
    mlp(p, x, layer.mlp, out);
    x = out;
  }
}

/** y = layerNorm(x) E^T; x: [rows, nTextState], y: [rows, nVocab]. */
export function recordLogits(p: ProgramBuilder, weights: ModelWeights, x: Tensor, y: Tensor): void {
  const last = normed(p, 'last.normed', x, weights.decoderNorm);
  for (const { table, begin, count } of weights.embedding) p.run(logits, { x: last, w: table, y }, { begin, count });
}
