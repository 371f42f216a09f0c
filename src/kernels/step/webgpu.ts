/** The variants for WebGPU of all kernels of a fused step: one part of a page, loaded where there are such steps. */
export { variants as mergeMatmul } from './mergeMatmul.wgsl.ts';
export { variants as normLogits } from './normLogits.wgsl.ts';
export { variants as normMatmul } from './normMatmul.wgsl.ts';
export { beamVariants as pickBeams, rowVariants as pickRows } from './pick.wgsl.ts';
export { variants as residualMatmul } from './residualMatmul.wgsl.ts';
export { crossVariants as stepCrossAttention, variants as stepAttention } from './stepAttention.wgsl.ts';
export { variants as sumNorm } from './sumNorm.wgsl.ts';
