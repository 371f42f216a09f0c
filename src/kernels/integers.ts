/** The variants for WebAssembly that compute in integers: loaded where weights are int8, so that no other page has them. */
import { integerGemm } from './matmul/integerGemm.wasm.ts';
import * as logitsProduct from './matmul/logits.wasm.ts';
import * as matmulProduct from './matmul/matmul.wasm.ts';

export { variants as attention } from './attention/integerAttention.wasm.ts';
export const logits = /* @__PURE__ */ integerGemm(logitsProduct.options, logitsProduct.args);
export const matmul = /* @__PURE__ */ integerGemm(matmulProduct.options, matmulProduct.args);
