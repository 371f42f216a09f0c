/**
 * Layers and logits of more rows than a fused step takes, as a batch of windows has: products in parts, which fill a large GPU, and what
 * reads them adds the parts up. 11 commands a layer.
 *
 * Layer norm is a command of its own: in a product every workgroup would have to find the norms of all rows. Rows and heads alone
 * are workgroups enough for attention over text; over sound the keys are split where a core would have few of them.
 * @see fusedStep.ts; layers.ts: the same without parts
 */
import type { ProgramBuilder, Tensor } from '../../engine/program.ts';
import { embed } from '../../kernels/embed/embed.ts';
import { logits } from '../../kernels/matmul/logits.ts';
import { matmul } from '../../kernels/matmul/matmul.ts';
import { batchPartsOf, batchSplitsOf } from '../../kernels/step/cut.ts';
import { mergeMatmul } from '../../kernels/step/mergeMatmul.ts';
import { partialWidth } from '../../kernels/step/partial.ts';
import { residualMatmul } from '../../kernels/step/residualMatmul.ts';
import { stepAttention } from '../../kernels/step/stepAttention.ts';
import { stepCrossAttention } from '../../kernels/step/stepCrossAttention.ts';
import { sumNorm } from '../../kernels/step/sumNorm.ts';
import type { MatrixWeights, NormWeights } from '../weights.ts';
import type { DecoderState } from './decoder.ts';
import type { DecoderNetwork } from './layers.ts';

/** Records what `forward` is: from the tokens in `rowState` to `logits`. */
export function recordBatchStep(
  p: ProgramBuilder,
  { dims, weights, self, cross }: DecoderNetwork,
  { rowState, logits: found }: DecoderState,
): void {
  const { nTextState: n, nTextHead: nHead } = dims;
  const [rows = 0] = rowState.shape;
  const floats = (name: string, width: number): Tensor => p.scratch(name, 'f32', [rows, width]);
  const normed = (name: string, x: Tensor, norm: NormWeights): Tensor => {
    const y = floats(name, n);
    p.run(sumNorm, { x, ...norm, y });
    return y;
  };
  const inParts = (name: string, x: Tensor, matrix: MatrixWeights, residual?: Tensor): Tensor => {
    const width = matrix.bias.shape[0]!;
    const y = floats(name, batchPartsOf(x.shape[1]!) * width);
    p.run(residualMatmul, { x, ...matrix, residual, y });
    return y;
  };
  const merged = (name: string, partial: Tensor, matrix: MatrixWeights, residual: Tensor): Tensor => {
    const y = floats(name, batchPartsOf(n) * n);
    p.run(mergeMatmul, { partial, ...matrix, residual, y }, { nHead });
    return y;
  };

  let x = floats('embedded', n);
  for (const { table, begin, count } of weights.embedding)
    p.run(embed, { rowState, table, positions: weights.decoderPositions, y: x }, { begin, count });
  for (const [i, layer] of weights.decoderLayers.entries()) {
    const { attention, crossNorm, crossQuery, crossOut, mlp } = layer;
    const qkv = inParts('qkv', normed('normed', x, attention.norm), attention.qkv);
    const own = floats('attended', partialWidth(n, nHead, 1));
    const cache = { keys: self.keys[i]!, values: self.values[i]!, slotOf: self.slotOf };
    p.run(stepAttention, { qkv, ...cache, rowState, partial: own }, { nHead });
    x = merged(`layer${i}.attended`, own, attention.out, x);
    const q = inParts('cross.q', normed('cross.normed', x, crossNorm), crossQuery);
    const sound = floats('cross.attended', partialWidth(n, nHead, batchSplitsOf(rows, nHead)));
    const heard = { keys: cross.keys[i]!, values: cross.values[i]! };
    p.run(stepCrossAttention, { q, ...heard, rowState, partial: sound }, { nHead });
    x = merged(`layer${i}.crossAttended`, sound, crossOut, x);
    // GELU wants whole sums.
    const hidden = floats('mlp.hidden', mlp.up.bias.shape[0]!);
    p.run(matmul, { x: normed('mlp.normed', x, mlp.norm), ...mlp.up, y: hidden }, { gelu: 1 });
    x = inParts(`layer${i}.out`, hidden, mlp.down, x);
  }
  const last = normed('last.normed', x, weights.decoderNorm);
  for (const { table, begin, count } of weights.embedding)
    p.run(logits, { x: last, w: table, y: found }, { begin, count });
}
