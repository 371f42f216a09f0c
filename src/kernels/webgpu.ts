/** The variants for WebGPU of all kernels that have them in files of their own: one part of a page, which the device loads. */
export { variants as attention } from './attention/attention.wgsl.ts';
export { variants as cachedAttention } from './attention/cachedAttention.wgsl.ts';
export { variants as crossAttention } from './attention/crossAttention.wgsl.ts';
export { variants as crossKvStore } from './attention/crossKvStore.wgsl.ts';
export { variants as crossQK } from './attention/crossQK.wgsl.ts';
export { variants as kvAppend } from './attention/kvAppend.wgsl.ts';
export { variants as embed } from './embed/embed.wgsl.ts';
export { variants as conv1d } from './matmul/conv1d.wgsl.ts';
export { variants as logits } from './matmul/logits.wgsl.ts';
export { variants as matmul } from './matmul/matmul.wgsl.ts';
export { variants as layerNorm } from './norm/layerNorm.wgsl.ts';
export { variants as advanceRows } from './sampling/advanceRows.wgsl.ts';
export { variants as chooseTokens } from './sampling/chooseTokens.wgsl.ts';
export { variants as tokenProbability } from './sampling/tokenProbability.wgsl.ts';
export { variants as tokenStats } from './sampling/tokenStats.wgsl.ts';
