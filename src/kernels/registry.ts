/** All kernels by name, for tests, benchmarks and the kernel command. The model imports kernels one by one. */
import type { KernelModule } from '../engine/kernel.ts';
import * as attention from './attention/attention.ts';
import * as cachedAttention from './attention/cachedAttention.ts';
import * as crossAttention from './attention/crossAttention.ts';
import * as crossKvStore from './attention/crossKvStore.ts';
import * as crossQK from './attention/crossQK.ts';
import * as kvAppend from './attention/kvAppend.ts';
import * as embed from './embed/embed.ts';
import * as gatherRows from './embed/gatherRows.ts';
import * as conv1d from './matmul/conv1d.ts';
import * as logits from './matmul/logits.ts';
import * as matmul from './matmul/matmul.ts';
import * as packPanels from './matmul/packPanels.ts';
import * as layerNorm from './norm/layerNorm.ts';
import * as advanceBeams from './sampling/advanceBeams.ts';
import * as advanceRows from './sampling/advanceRows.ts';
import * as chooseTokens from './sampling/chooseTokens.ts';
import * as tokenProbability from './sampling/tokenProbability.ts';
import * as tokenStats from './sampling/tokenStats.ts';
import * as mergeMatmul from './step/mergeMatmul.ts';
import * as normLogits from './step/normLogits.ts';
import * as normMatmul from './step/normMatmul.ts';
import * as pickBeams from './step/pickBeams.ts';
import * as pickRows from './step/pickRows.ts';
import * as residualMatmul from './step/residualMatmul.ts';
import * as stepAttention from './step/stepAttention.ts';
import * as stepCrossAttention from './step/stepCrossAttention.ts';
import * as sumNorm from './step/sumNorm.ts';

export const kernels: readonly KernelModule[] = [
  { kernel: layerNorm.layerNorm, ...layerNorm },
  { kernel: matmul.matmul, ...matmul },
  { kernel: conv1d.conv1d, ...conv1d },
  { kernel: packPanels.packPanels, ...packPanels },
  { kernel: attention.attention, ...attention },
  { kernel: crossKvStore.crossKvStore, ...crossKvStore },
  { kernel: embed.embed, ...embed },
  { kernel: kvAppend.kvAppend, ...kvAppend },
  { kernel: cachedAttention.cachedAttention, ...cachedAttention },
  { kernel: crossAttention.crossAttention, ...crossAttention },
  { kernel: crossQK.crossQK, ...crossQK },
  { kernel: gatherRows.gatherRows, ...gatherRows },
  { kernel: logits.logits, ...logits },
  { kernel: tokenProbability.tokenProbability, ...tokenProbability },
  { kernel: tokenStats.tokenStats, ...tokenStats },
  { kernel: chooseTokens.chooseTokens, ...chooseTokens },
  { kernel: advanceRows.advanceRows, ...advanceRows },
  { kernel: advanceBeams.advanceBeams, ...advanceBeams },
  { kernel: normMatmul.normMatmul, ...normMatmul },
  { kernel: stepAttention.stepAttention, ...stepAttention },
  { kernel: stepCrossAttention.stepCrossAttention, ...stepCrossAttention },
  { kernel: sumNorm.sumNorm, ...sumNorm },
  { kernel: mergeMatmul.mergeMatmul, ...mergeMatmul },
  { kernel: residualMatmul.residualMatmul, ...residualMatmul },
  { kernel: normLogits.normLogits, ...normLogits },
  { kernel: pickRows.pickRows, ...pickRows },
  { kernel: pickBeams.pickBeams, ...pickBeams },
];
