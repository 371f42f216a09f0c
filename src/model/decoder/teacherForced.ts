/** Raw logits at every position of tokens that are all fed at once: for tests and research. */
import { readFloats } from '../../engine/device.ts';
import { prefill } from './batchSlot.ts';
import type { DecodingContext } from './decodingRows.ts';

/** @returns [tokens.length, nVocab] */
export async function teacherForced(
  { device, dims: { nVocab }, slot }: DecodingContext,
  audio: number,
  tokens: readonly number[],
): Promise<Float32Array> {
  const { state, ready } = slot;
  await prefill(device, slot, [{ tokens, sequence: 0, audio }], []);
  const out = new Float32Array(tokens.length * nVocab);
  for (let i = 0; i < tokens.length; i++) {
    device.write(state.headIndex, Uint32Array.of(i));
    device.submit(ready.head, { rows: 1 });
    out.set(await readFloats(device, state.logits), i * nVocab);
  }
  return out;
}
