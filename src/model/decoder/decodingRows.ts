/** Rows after their prompts, from which greedy and stepwise decoding both go on. */
import { InternalError, NumericError } from '../../base/errors.ts';
import type { DecodeGroup } from '../../decode/inference.ts';
import { type Device, readFloats } from '../../engine/device.ts';
import { encodeMasks, encodeRuleState, encodeRules, NO_TOKEN, ROW_STATE } from '../../kernels/sampling/decodeState.ts';
import type { LogitRules } from '../../rules/logitRules.ts';
import type { ModelDimensions } from '../dims.ts';
import { slotOf } from '../encoder/features.ts';
import { type BatchSlot, type Prompt, prefill } from './batchSlot.ts';

/** Where rows decode, and by which rules. */
export interface DecodingContext {
  readonly device: Device;
  readonly dims: ModelDimensions;
  readonly slot: BatchSlot;
  readonly rules: LogitRules;
}

/** One row: its cross-attention slot, the length of its prompt, what it has sampled, and a part of its rules (`RuleState`). */
export interface DecodingRow {
  readonly audio: number;
  readonly promptLength: number;
  readonly sampled: readonly number[];
  readonly noEndBefore: number;
}

export interface PrefilledRows {
  readonly rows: readonly DecodingRow[];
  /** Where each position of each row lies: [rows, nTextCtx]. */
  readonly slotOf: Uint32Array<ArrayBuffer>;
  /** One a group. */
  readonly noSpeechProb: Float32Array;
}

/** Feeds the prompts, reads the no-speech probabilities, leaves the first logits of every row. */
export async function prefillGroups(
  context: DecodingContext,
  groups: readonly DecodeGroup[],
  signal?: AbortSignal,
): Promise<PrefilledRows> {
  const { device, dims, slot, rules } = context;
  const { state, ready } = slot;
  const { nTextCtx, nVocab } = dims;
  const rows: DecodingRow[] = [];
  const prompts: Prompt[] = [];
  const cacheSlots = new Uint32Array(slot.rows * nTextCtx);
  /** Rows of `hidden`: at the start token of each group, at the last token of each row's prompt. */
  const sotRows: number[] = [];
  const lastRows: number[] = [];
  let fed = 0;
  for (const group of groups) {
    const tokens = group.initialTokens;
    if (tokens.length === 0 || tokens.length >= nTextCtx)
      throw new InternalError(`${tokens.length} initial tokens do not leave room in ${nTextCtx}`);
    const audio = slotOf(group.audio);
    const sequence = rows.length;
    prompts.push({ tokens, sequence, audio });
    sotRows.push(fed + group.sotIndex);
    fed += tokens.length;
    for (let i = 0; i < group.rows; i++) {
      // The prompt lies once, in the slot of the group's first row.
      cacheSlots.fill(sequence, rows.length * nTextCtx, rows.length * nTextCtx + tokens.length);
      lastRows.push(fed - 1);
      rows.push({ audio, promptLength: tokens.length, sampled: [], noEndBefore: group.noEndBefore ?? 0 });
    }
  }
  device.write(state.rules, encodeRules(rules, nVocab));
  device.write(state.masks, encodeMasks(rules, nVocab));
  device.write(state.noSpeechIds, new Uint32Array(slot.rows).fill(rules.noSpeech ?? NO_TOKEN));
  prefill(device, slot, prompts);
  device.write(state.headIndex, Uint32Array.from(sotRows));
  device.submit(ready.head, { rows: sotRows.length });
  device.submit(ready.noSpeech, { rows: sotRows.length });
  device.write(slot.slotOf, cacheSlots);
  device.write(state.headIndex, Uint32Array.from(lastRows));
  device.submit(ready.head, { rows: slot.rows });
  writeRows(context, rows);
  const noSpeechProb = await readFloats(device, state.noSpeech, 0, sotRows.length);
  signal?.throwIfAborted();
  return { rows, slotOf: cacheSlots, noSpeechProb };
}

/** Writes to the device what each row feeds next, and what its rules must know. */
export function writeRows({ device, slot, rules }: DecodingContext, rows: readonly DecodingRow[]): void {
  const rowWords = rows.flatMap(({ audio, promptLength, sampled }, sequence) => {
    const position = promptLength + sampled.length - 1;
    return ROW_STATE.encode({ token: sampled.at(-1) ?? 0, position, sequence, audio });
  });
  const ruleWords = rows.flatMap(({ sampled, noEndBefore }) => encodeRuleState(sampled, rules, noEndBefore));
  device.write(slot.state.rowState, Uint32Array.from(rowWords));
  device.write(slot.state.ruleState, Uint32Array.from(ruleWords));
}

export function nonFinite(): NumericError {
  return new NumericError('nonFinite', 'the model gave a number that is not finite, so its text cannot be trusted', {
    hint: 'Check the recording and the weights ("sotto convert" again); if both are sound, please report it.',
  });
}
