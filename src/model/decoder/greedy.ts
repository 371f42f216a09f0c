/** Greedy decoding as a loop on the device: the host waits only now and then to see whether all rows are done. */
import type { PickedSequence } from '../../decode/inference.ts';
import { readWords } from '../../engine/device.ts';
import { decodeRuleState, LOOP_STATE, PICKED, RULE_STATE } from '../../kernels/sampling/decodeState.ts';
import type { RuleState } from '../../rules/logitRules.ts';
import { type DecodingContext, type DecodingRow, nonFinite } from './decodingRows.ts';

/**
 * Steps all rows until each has an `eot` or has sampled `limit` tokens.
 *
 * @param rows   as `prefillGroups` left them
 * @param onStep told after each chunk of steps but the last
 * @throws {NumericError} `nonFinite`
 */
export async function decodeGreedily(
  context: DecodingContext,
  rows: readonly DecodingRow[],
  limit: number,
  signal?: AbortSignal,
  onStep?: (rows: readonly RuleState[]) => void,
): Promise<readonly PickedSequence[]> {
  const { device, dims, slot } = context;
  const { state, ready } = slot;
  const steps = Math.max(1, Math.min(limit, ...rows.map(({ promptLength }) => dims.nTextCtx + 1 - promptLength)));
  device.write(state.loopState, Uint32Array.from(LOOP_STATE.encode({ limit: steps })));
  device.submit(ready.pick);
  await slot.steps.repeat(
    steps - 1,
    (times) => device.submit(ready.step, { times, until: state.loopState }),
    async () => {
      // Asked for together: where it takes long to be told, it is waited for once.
      const [loop, words] = await Promise.all([
        readWords(device, state.loopState),
        onStep && readWords(device, state.ruleState),
      ]);
      const isDone = loop[LOOP_STATE.index.done] !== 0;
      if (words && !isDone) onStep?.(rows.map((_, row) => decodeRuleState(words, row)));
      return isDone;
    },
    signal,
  );
  const found = await readPicked(context, rows);
  if (found.some(({ finite }) => !finite)) throw nonFinite();
  return found;
}

/** What rows have sampled on the device after what the host knows of, until their logits were not finite. */
export async function readPicked(
  { device, dims: { nTextCtx }, slot: { state } }: DecodingContext,
  rows: readonly DecodingRow[],
): Promise<(PickedSequence & { readonly finite: boolean })[]> {
  const [ruleState, picked] = await Promise.all([
    readWords(device, state.ruleState, 0, rows.length * RULE_STATE.width),
    readWords(device, state.picked, 0, rows.length * nTextCtx * PICKED.width),
  ]);
  const floats = new Float32Array(picked.buffer, picked.byteOffset, picked.length);
  return rows.map(({ sampled }, row) => {
    const tokens: number[] = [];
    const logprobs: number[] = [];
    for (let i = sampled.length; i < ruleState[RULE_STATE.at(row, 'sampled')]!; i++) {
      const entry = row * nTextCtx + i;
      tokens.push(picked[PICKED.at(entry, 'token')]!);
      logprobs.push(floats[PICKED.at(entry, 'logprob')]!);
    }
    return { tokens, logprobs, finite: ruleState[RULE_STATE.at(row, 'nonFinite')] === 0 };
  });
}
