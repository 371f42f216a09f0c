/** The residual blocks that encoder and decoder share, recorded into a program. @see openai/whisper, whisper/model.py */

import type { ProgramBuilder, Tensor } from '../engine/program.ts';
import { matmul } from '../kernels/matmul/matmul.ts';
import { layerNorm } from '../kernels/norm/layerNorm.ts';
import type { MatrixWeights, MlpWeights, NormWeights } from './weights.ts';

/** layerNorm(x); x and the result: [rows, nState]. */
export function normed(p: ProgramBuilder, name: string, x: Tensor, { gamma, beta }: NormWeights): Tensor {
  const y = p.scratch(name, 'f32', x.shape);
  p.run(layerNorm, { x, gamma, beta, y });
  return y;
}

/** x W^T + bias, and + residual when given; [rows, k] -> [rows, n], in scratch unless `y` says where. */
export function projected(
  p: ProgramBuilder,
  name: string,
  x: Tensor,
  { w, bias }: MatrixWeights,
  {
    residual,
    y = p.scratch(name, 'f32', [x.shape[0]!, bias.shape[0]!]),
  }: {
    readonly residual?: Tensor;
    readonly y?: Tensor | undefined;
  } = {},
): Tensor {
  p.run(matmul, { x, w, bias, residual, y });
  return y;
}

/** y = x + down(gelu(up(layerNorm(x)))); x, y: [rows, nState]. */
export function mlp(p: ProgramBuilder, x: Tensor, weights: MlpWeights, y: Tensor): void {
  const hidden = p.scratch('mlp.hidden', 'f32', [x.shape[0]!, weights.up.bias.shape[0]!]);
  p.run(matmul, { x: normed(p, 'mlp.normed', x, weights.norm), ...weights.up, y: hidden }, { gelu: 1 });
  p.run(matmul, { x: hidden, ...weights.down, residual: x, y });
}
