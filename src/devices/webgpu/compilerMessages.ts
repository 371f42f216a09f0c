/** What a GPU's compiler says of a shader, line by line; a pipeline that fails has one long sentence only. */
import type { CompilerMessage } from '../../engine/compilerMessage.ts';

export async function compilerMessages(device: GPUDevice, wgsl: string): Promise<readonly CompilerMessage[]> {
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ code: wgsl });
  const scope = device.popErrorScope();
  const { messages } = await module.getCompilationInfo();
  const told = messages.map(({ type, lineNum, linePos, length, message }): CompilerMessage => {
    return { type, line: lineNum, column: linePos, length, text: message };
  });
  const error = await scope;
  const isTold = told.some(({ type }) => type === 'error');
  return error && !isTold ? [...told, { type: 'error', line: 0, column: 0, length: 0, text: error.message }] : told;
}
