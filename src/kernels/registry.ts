/** All kernels by name, for tests, benchmarks and the kernel command. The model imports kernels one by one. */
import * as advanceRows from './advanceRows.js';
import * as attention from './attention.js';
import * as attentionStep from './attentionStep.js';
import * as chooseTokens from './chooseTokens.js';
import type { KernelModule } from './contract.js';
import * as conv1d from './conv1d.js';
import * as crossScores from './crossScores.js';
import * as embed from './embed.js';
import * as kvAppend from './kvAppend.js';
import * as layerNorm from './layerNorm.js';
import * as logitChunks from './logitChunks.js';
import * as logits from './logits.js';
import * as matmul from './matmul.js';
import * as selectRows from './selectRows.js';
import * as storeCross from './storeCross.js';
import * as tokenProbability from './tokenProbability.js';

export const kernels: readonly KernelModule[] = [
  { kernel: layerNorm.layerNorm, ...layerNorm },
  { kernel: matmul.matmul, ...matmul },
  { kernel: conv1d.conv1d, ...conv1d },
  { kernel: attention.attention, ...attention },
  { kernel: storeCross.storeCross, ...storeCross },
  { kernel: embed.embed, ...embed },
  { kernel: kvAppend.kvAppend, ...kvAppend },
  { kernel: attentionStep.attentionStep, ...attentionStep },
  { kernel: crossScores.crossScores, ...crossScores },
  { kernel: selectRows.selectRows, ...selectRows },
  { kernel: logits.logits, ...logits },
  { kernel: tokenProbability.tokenProbability, ...tokenProbability },
  { kernel: logitChunks.logitChunks, ...logitChunks },
  { kernel: chooseTokens.chooseTokens, ...chooseTokens },
  { kernel: advanceRows.advanceRows, ...advanceRows },
];
