/** Rows after their prompts, from which greedy and stepwise decoding both go on. */
import { InternalError, NumericError } from '../../base/errors.ts';
import type { DecodeGroup } from '../../decode/inference.ts';
import { type Device, readFloats } from '../../engine/device.ts';
import {
  encodeMasks,
  encodeRuleState,
  encodeRules,
  maskWords,
  NO_TOKEN,
  ROW_STATE,
  RULES,
} from '../../kernels/sampling/decodeState.ts';
import type { LogitRules } from '../../rules/logitRules.ts';
import type { ModelDimensions } from '../dims.ts';
import { slotOf as audioSlot } from '../encoder/features.ts';
import { type BatchSlot, type Prompt, prefill } from './batchSlot.ts';

/** Where rows decode. */
export interface DecodingContext {
  readonly device: Device;
  readonly dims: ModelDimensions;
  readonly slot: BatchSlot;
}

/** Which caches and rules a row has, the length of its prompt, what it has sampled, and a part of its rules (`RuleState`). */
export interface DecodingRow {
  readonly audio: number;
  /** Its slot in the self-attention cache. */
  readonly sequence: number;
  readonly rules: LogitRules;
  /** Where they lie in the table of rules. */
  readonly set: number;
  readonly promptLength: number;
  readonly sampled: readonly number[];
  readonly noEndBefore: number;
}

/** A group and where it decodes. */
export interface PlacedGroup extends Pick<DecodingRow, 'rules' | 'set'> {
  readonly group: DecodeGroup;
  /** Self-attention slot of its first row; the others follow. */
  readonly sequence: number;
}

export interface PrefilledRows {
  /** Group by group. */
  readonly rows: readonly DecodingRow[];
  /** One a group. */
  readonly noSpeechProb: Float32Array;
}

/** For `slotOf`: where each position of each row lies, [rows, nTextCtx]. */
export function makeSlotOf({ dims, slot }: DecodingContext): Uint32Array<ArrayBuffer> {
  return new Uint32Array(slot.rows * dims.nTextCtx);
}

/**
 * Feeds the prompts, reads the no-speech probabilities, leaves the first logits of every row.
 *
 * @param slotOf the host's copy, filled in for these rows
 */
export async function prefillGroups(
  context: DecodingContext,
  groups: readonly PlacedGroup[],
  slotOf: Uint32Array<ArrayBuffer>,
  signal?: AbortSignal,
): Promise<PrefilledRows> {
  const { device, dims, slot } = context;
  const { state, ready } = slot;
  const { nTextCtx } = dims;
  const rows: DecodingRow[] = [];
  const prompts: Prompt[] = [];
  /** Tokens, counted over all prompts: the start token of each group, the last one of each row's prompt. */
  const sotRows: number[] = [];
  const lastRows: number[] = [];
  let fed = 0;
  for (const { group, rules, set, sequence } of groups) {
    const tokens = group.initialTokens;
    if (tokens.length === 0 || tokens.length >= nTextCtx)
      throw new InternalError(`${tokens.length} initial tokens do not leave room in ${nTextCtx}`);
    const audio = audioSlot(group.audio);
    prompts.push({ tokens, sequence, audio });
    sotRows.push(fed + group.sotIndex);
    fed += tokens.length;
    for (let i = 0; i < group.rows; i++) {
      // The prompt lies once, in the slot of the group's first row; what follows in each row's own.
      const [begin, end] = [(sequence + i) * nTextCtx, (sequence + i + 1) * nTextCtx];
      slotOf.fill(sequence, begin, begin + tokens.length).fill(sequence + i, begin + tokens.length, end);
      lastRows.push(fed - 1);
      const { noEndBefore = 0 } = group;
      rows.push({ audio, sequence: sequence + i, rules, set, promptLength: tokens.length, sampled: [], noEndBefore });
    }
  }
  writeRules(context, groups);
  const noSpeechIds = groups.map(({ rules }) => rules.noSpeech ?? NO_TOKEN);
  device.write(state.noSpeechIds, Uint32Array.from(noSpeechIds));
  const places = await prefill(device, slot, prompts, [...sotRows, ...lastRows], signal);
  device.write(state.headIndex, Uint32Array.from(places.slice(0, sotRows.length)));
  device.submit(ready.head, { rows: sotRows.length });
  device.submit(ready.noSpeech, { rows: sotRows.length });
  device.write(slot.slotOf, slotOf);
  device.write(state.headIndex, Uint32Array.from(places.slice(sotRows.length)));
  device.submit(ready.head, { rows: rows.length });
  writeRows(context, rows);
  const noSpeechProb = await readFloats(device, state.noSpeech, 0, sotRows.length);
  signal?.throwIfAborted();
  return { rows, noSpeechProb };
}

function writeRules(
  { device, dims: { nVocab }, slot: { state } }: DecodingContext,
  groups: readonly PlacedGroup[],
): void {
  for (const [set, rules] of new Map(groups.map(({ set, rules }) => [set, rules]))) {
    device.write(state.rules, encodeRules(rules, nVocab), set * RULES.width);
    device.write(state.masks, encodeMasks(rules, nVocab), set * 2 * maskWords(nVocab));
  }
}

/** Writes to the device what each row feeds next, and what its rules must know. */
export function writeRows({ device, slot }: DecodingContext, rows: readonly DecodingRow[]): void {
  const rowWords = rows.flatMap(({ audio, sequence, promptLength, sampled }) => {
    const position = promptLength + sampled.length - 1;
    return ROW_STATE.encode({ token: sampled.at(-1) ?? 0, position, sequence, audio });
  });
  const ruleWords = rows.flatMap(({ sampled, rules, noEndBefore, set }) =>
    encodeRuleState(sampled, rules, noEndBefore, set),
  );
  device.write(slot.state.rowState, Uint32Array.from(rowWords));
  device.write(slot.state.ruleState, Uint32Array.from(ruleWords));
}

export function nonFinite(): NumericError {
  return new NumericError('nonFinite', 'the model gave a number that is not finite, so its text cannot be trusted', {
    hint: 'Check the recording and the weights ("sotto convert" again); if both are sound, please report it.',
  });
}
