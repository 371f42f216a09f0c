/** The variants for WebGPU by matrices of subgroups: loaded where a GPU has those, so that no other page has them. */
import { scoreMatrices } from './attention/scoreMatrices.wgsl.ts';
import * as conv1dProduct from './matmul/conv1d.wgsl.ts';
import { matrices } from './matmul/gemm/matrices.wgsl.ts';
import { gemmWgsl } from './matmul/gemm.wgsl.ts';
import * as logitsProduct from './matmul/logits.wgsl.ts';
import * as matmulProduct from './matmul/matmul.wgsl.ts';

export const attention = [scoreMatrices];
export const conv1d = /* @__PURE__ */ gemmWgsl(conv1dProduct.gemm, conv1dProduct.outputs, matrices.ofFours);
export const logits = /* @__PURE__ */ gemmWgsl(logitsProduct.gemm, [], matrices.ofOnes);
export const matmul = /* @__PURE__ */ gemmWgsl(matmulProduct.gemm, matmulProduct.outputs, matrices.ofFours);
