/** The products of software adapters whose threads load for one another: loaded where there are subgroups, so that no other page has them. */
import * as conv1dProduct from './matmul/conv1d.wgsl.ts';
import { broadcast } from './matmul/gemm/broadcast.wgsl.ts';
import { gemmWgsl } from './matmul/gemm.wgsl.ts';
import * as logitsProduct from './matmul/logits.wgsl.ts';
import * as matmulProduct from './matmul/matmul.wgsl.ts';

export const conv1d = /* @__PURE__ */ gemmWgsl(conv1dProduct.gemm, conv1dProduct.outputs, [broadcast]);
export const logits = /* @__PURE__ */ gemmWgsl(logitsProduct.gemm, [], [broadcast]);
export const matmul = /* @__PURE__ */ gemmWgsl(matmulProduct.gemm, matmulProduct.outputs, [broadcast]);
