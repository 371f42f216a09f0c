/**
 * A decoding step of few rows as fused kernels (kernels/step): 8 commands a layer and three more, in place of 12 and six, for devices
 * on which every command costs.
 *
 *   embed, then of each layer
 *     normMatmul           q, k, v
 *     stepAttention        to the cache; attention in splits
 *     mergeMatmul          out + residual
 *     normMatmul           cross-attention's q
 *     stepCrossAttention   in splits
 *     mergeMatmul          out + residual
 *     normMatmul           MLP up, GELU
 *     residualMatmul       MLP down + residual
 *   then normLogits, and pickRows or pickBeams
 *
 * The residual stream, and what attention reads, is in parts whose sum counts: kernels/step/cut.ts.
 */
import type { ProgramBuilder, Tensor } from '../../engine/program.ts';
import { embed } from '../../kernels/embed/embed.ts';
import { partsOf, STEP_ROWS, splitsOf } from '../../kernels/step/cut.ts';
import { mergeMatmul } from '../../kernels/step/mergeMatmul.ts';
import { normLogits } from '../../kernels/step/normLogits.ts';
import { normMatmul } from '../../kernels/step/normMatmul.ts';
import { partialWidth } from '../../kernels/step/partial.ts';
import { pickBeams } from '../../kernels/step/pickBeams.ts';
import { pickRows } from '../../kernels/step/pickRows.ts';
import { residualMatmul } from '../../kernels/step/residualMatmul.ts';
import { stepAttention } from '../../kernels/step/stepAttention.ts';
import { stepCrossAttention } from '../../kernels/step/stepCrossAttention.ts';
import { summaryCount, summaryWidth } from '../../kernels/step/summaries.ts';
import type { MatrixWeights, NormWeights } from '../weights.ts';
import { recordBatchStep } from './batchStep.ts';
import type { DecoderState, StepRecorder } from './decoder.ts';
import type { DecoderNetwork } from './layers.ts';

/** Rows of a batch's step, at most: beyond, there are tiles enough without parts. */
const BATCH_ROWS = 128;

export function fusedStep(network: DecoderNetwork, state: DecoderState, rows: number): StepRecorder {
  if (rows > STEP_ROWS) return rows <= BATCH_ROWS ? { forward: (p) => recordBatchStep(p, network, state) } : {};
  const { rules, rowState, ruleState, loopState, picked } = state;
  return {
    greedy(p) {
      const summaries = recordSummaries(p, network, { state, rows, perRow: 1 });
      p.run(pickRows, { summaries, rules, rowState, ruleState, loopState, picked });
    },
    beams(p, { slotOf, search }, params) {
      const summaries = recordSummaries(p, network, { state, rows, perRow: params.beamSize + 1 });
      p.run(pickBeams, { summaries, rules, rowState, ruleState, loopState, slotOf, search }, params);
    },
  };
}

/** All layers, and the summaries of the logits. */
function recordSummaries(
  p: ProgramBuilder,
  { dims, weights, self, cross }: DecoderNetwork,
  { state, rows, perRow }: { readonly state: DecoderState; readonly rows: number; readonly perRow: number },
): Tensor {
  const { nTextState: n, nTextHead: nHead, nVocab } = dims;
  const { rowState, masks, rules, ruleState } = state;
  const inParts = (name: string, width: number, mostParts?: number): Tensor =>
    p.scratch(name, 'f32', [rows, partsOf(width, mostParts) * width]);
  const inSplits = (name: string, nCtx: number): Tensor =>
    p.scratch(name, 'f32', [rows, partialWidth(n, nHead, splitsOf(rows, nHead, nCtx))]);
  const fromNorm = (x: Tensor, norm: NormWeights, matrix: MatrixWeights, y: Tensor, gelu = 0): Tensor => {
    p.run(normMatmul, { x, ...norm, ...matrix, y }, { gelu });
    return y;
  };
  const fromSplits = (partial: Tensor, matrix: MatrixWeights, residual: Tensor, name: string): Tensor => {
    const y = inParts(name, n);
    p.run(mergeMatmul, { partial, ...matrix, residual, y }, { nHead });
    return y;
  };

  let x = p.scratch('embedded', 'f32', [rows, n]);
  for (const { table, begin, count } of weights.embedding)
    p.run(embed, { rowState, table, positions: weights.decoderPositions, y: x }, { begin, count });
  for (const [i, layer] of weights.decoderLayers.entries()) {
    const { attention, crossNorm, crossQuery, crossOut, mlp } = layer;
    const qkv = fromNorm(x, attention.norm, attention.qkv, inParts('qkv', 3 * n));
    const own = inSplits('attended', dims.nTextCtx);
    const cache = { keys: self.keys[i]!, values: self.values[i]!, slotOf: self.slotOf };
    p.run(stepAttention, { qkv, ...cache, rowState, partial: own }, { nHead });
    x = fromSplits(own, attention.out, x, `layer${i}.attended`);
    const q = fromNorm(x, crossNorm, crossQuery, inParts('cross.q', n));
    const sound = inSplits('cross.attended', dims.nAudioCtx);
    p.run(
      stepCrossAttention,
      { q, keys: cross.keys[i]!, values: cross.values[i]!, rowState, partial: sound },
      { nHead },
    );
    x = fromSplits(sound, crossOut, x, `layer${i}.crossAttended`);
    const hidden = fromNorm(x, mlp.norm, mlp.up, inParts('mlp.hidden', mlp.up.bias.shape[0]!, 1), 1);
    const y = inParts(`layer${i}.out`, n);
    p.run(residualMatmul, { x: hidden, ...mlp.down, residual: x, y });
    x = y;
  }
  const summaries = p.scratch('summaries', 'f32', [rows, summaryCount(nVocab), summaryWidth(perRow)]);
  for (const { table, begin, count } of weights.embedding)
    p.run(
      normLogits,
      { x, ...weights.decoderNorm, w: table, masks, rules, ruleState, summaries },
      { begin, count, nVocab },
    );
  return summaries;
}
