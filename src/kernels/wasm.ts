/** The variants for WebAssembly of all kernels that have them in files of their own: one part of a page, which the device loads. */
export { variants as attention } from './attention/attention.wasm.ts';
export { variants as cachedAttention } from './attention/cachedAttention.wasm.ts';
export { variants as crossAttention } from './attention/crossAttention.wasm.ts';
export { variants as crossKvStore } from './attention/crossKvStore.wasm.ts';
export { variants as crossQK } from './attention/crossQK.wasm.ts';
export { variants as kvAppend } from './attention/kvAppend.wasm.ts';
export { variants as embed } from './embed/embed.wasm.ts';
export { variants as conv1d } from './matmul/conv1d.wasm.ts';
export { variants as logits } from './matmul/logits.wasm.ts';
export { variants as matmul } from './matmul/matmul.wasm.ts';
export { variants as layerNorm } from './norm/layerNorm.wasm.ts';
export { variants as advanceRows } from './sampling/advanceRows.wasm.ts';
export { variants as chooseTokens } from './sampling/chooseTokens.wasm.ts';
export { variants as tokenProbability } from './sampling/tokenProbability.wasm.ts';
export { variants as tokenStats } from './sampling/tokenStats.wasm.ts';
