/** Rows that decode: `Decoding` of decode/inference.ts on a device. */

import { InternalError, NumericError } from '../../base/errors.ts';
import type { Candidates, DecodeGroup, Decoding, PickedSequence } from '../../decode/inference.ts';
import { type Device, readFloats, readWords } from '../../engine/device.ts';
import {
  encodeMasks,
  encodeRuleState,
  encodeRules,
  nonFiniteToken,
  noToken,
  rowStateWidth,
  ruleStateWidth,
} from '../../kernels/sampling/decodeState.ts';
import type { LogitRules } from '../../rules/logitRules.ts';
import { Pace } from '../chunkedSubmit.ts';
import type { ModelDimensions } from '../dims.ts';
import { slotOf } from '../encoder/features.ts';
import { feedPrompt, type PromptRow, type RowSet } from './batchSlot.ts';

export class DeviceDecoding implements Decoding {
  readonly rows: number;
  readonly noSpeechProb: Float32Array;
  readonly #device: Device;
  readonly #dims: ModelDimensions;
  readonly #set: RowSet;
  readonly #groups: readonly DecodeGroup[];
  readonly #rules: LogitRules;
  /** Per row: its window, its cross-attention slot, the length of its prompt, what it sampled. */
  readonly #audio: number[] = [];
  readonly #promptLength: number[] = [];
  #sampled: number[][] = [];
  /** Where each position of each row lies: [rows, nTextCtx]. */
  readonly #slotOf: Uint32Array;
  readonly #pace = new Pace();
  #closed = false;

  constructor(device: Device, dims: ModelDimensions, set: RowSet, groups: readonly DecodeGroup[], rules: LogitRules) {
    this.#device = device;
    this.#dims = dims;
    this.#set = set;
    this.#groups = groups;
    this.#rules = rules;
    this.rows = set.rows;
    this.noSpeechProb = new Float32Array(groups.length);
    this.#slotOf = new Uint32Array(set.rows * dims.nTextCtx);
    for (const { audio, initialTokens, rows } of groups) {
      if (initialTokens.length === 0 || initialTokens.length >= dims.nTextCtx)
        throw new InternalError(`${initialTokens.length} initial tokens do not leave room in ${dims.nTextCtx}`);
      const first = this.#sampled.length;
      for (let i = 0; i < rows; i++) {
        this.#slotOf.fill(first, (first + i) * dims.nTextCtx, (first + i) * dims.nTextCtx + initialTokens.length);
        this.#audio.push(slotOf(audio));
        this.#promptLength.push(initialTokens.length);
        this.#sampled.push([]);
      }
    }
  }

  /** Feeds the prompts, reads the no-speech probabilities, leaves the first logits of every row. */
  async prefill(signal?: AbortSignal): Promise<void> {
    const { state } = this.#set.decoder;
    const device = this.#device;
    device.write(state.rules, encodeRules(this.#rules, this.#dims.nVocab));
    device.write(state.masks, encodeMasks(this.#rules, this.#dims.nVocab));
    device.write(state.noSpeechIds, new Uint32Array(this.rows).fill(this.#rules.noSpeech ?? noToken));
    const prompts: PromptRow[] = [];
    const sotRows: number[] = [];
    const lastRows: number[] = [];
    let fed = 0;
    for (const { initialTokens: tokens, sotIndex, rows } of this.#groups) {
      const sequence = lastRows.length;
      prompts.push({ tokens, sequence, audio: this.#audio[sequence]! });
      sotRows.push(fed + sotIndex);
      fed += tokens.length;
      for (let i = 0; i < rows; i++) lastRows.push(fed - 1);
    }
    feedPrompt(device, this.#set, prompts);
    device.write(state.headIndex, Uint32Array.from(sotRows));
    device.submit(this.#set.ready.head, { rows: sotRows.length });
    device.submit(this.#set.ready.noSpeech, { rows: sotRows.length });
    device.write(this.#set.slotOf, this.#slotOf);
    device.write(state.headIndex, Uint32Array.from(lastRows));
    device.submit(this.#set.ready.head, { rows: this.rows });
    this.#writeRows();
    this.noSpeechProb.set(await readFloats(device, state.noSpeech, 0, sotRows.length));
    signal?.throwIfAborted();
  }

  /** Tells the device what each row feeds next, and what its rules must know. */
  #writeRows(): void {
    const rowWords = new Uint32Array(this.rows * rowStateWidth);
    const ruleWords = new Uint32Array(this.rows * ruleStateWidth);
    for (const [row, sampled] of this.#sampled.entries()) {
      const token = sampled.at(-1) ?? 0;
      const position = this.#promptLength[row]! + sampled.length - 1;
      rowWords.set([token, position, row, this.#audio[row]!], row * rowStateWidth);
      ruleWords.set(encodeRuleState(sampled, this.#rules), row * ruleStateWidth);
    }
    this.#device.write(this.#set.decoder.state.rowState, rowWords);
    this.#device.write(this.#set.decoder.state.ruleState, ruleWords);
  }

  async run(limit: number, signal?: AbortSignal): Promise<readonly PickedSequence[]> {
    const { state } = this.#set.decoder;
    const device = this.#device;
    const steps = Math.max(1, Math.min(limit, ...this.#promptLength.map((n) => this.#dims.nTextCtx + 1 - n)));
    device.write(state.loop, Uint32Array.of(0, steps, 0, 0));
    device.submit(this.#set.ready.pick);
    const { ready } = this.#set;
    await this.#pace.repeat(
      steps - 1,
      (times) => device.submit(ready.step, { times, until: state.loop }),
      async () => (await device.read(state.loop, 0, 1))[0] !== 0,
      signal,
    );
    const ruleWords = await readWords(device, state.ruleState);
    const picked = await readWords(device, state.picked);
    const bits = new Float32Array(picked.buffer, picked.byteOffset, picked.length);
    return this.#sampled.map((_, row) => {
      if (ruleWords[row * ruleStateWidth + 5] !== 0) throw nonFinite();
      const tokens: number[] = [];
      const logprobs: number[] = [];
      for (let i = 0; i < ruleWords[row * ruleStateWidth]!; i++) {
        const at = (row * this.#dims.nTextCtx + i) * 2;
        tokens.push(picked[at]!);
        logprobs.push(bits[at + 1]!);
      }
      return { tokens, logprobs };
    });
  }

  async candidates(perRow: number, signal?: AbortSignal): Promise<Candidates> {
    signal?.throwIfAborted();
    let choose = this.#set.candidates.get(perRow);
    if (!choose) {
      const made = this.#set.decoder.candidates(perRow);
      const [ready] = await this.#device.prepare([made.program], signal);
      choose = { ...made, ready: ready! };
      this.#set.candidates.set(perRow, choose);
    }
    this.#device.submit(choose.ready);
    const [tokens, logprobs] = await Promise.all([
      readWords(this.#device, choose.ids),
      readFloats(this.#device, choose.logprobs),
    ]);
    for (const [i, token] of tokens.entries()) {
      if (token === nonFiniteToken) throw nonFinite();
      if (token !== noToken) continue;
      tokens[i] = this.#rules.eot;
      logprobs[i] = Number.NEGATIVE_INFINITY;
    }
    signal?.throwIfAborted();
    return { perRow, tokens, logprobs };
  }

  advance(tokens: ArrayLike<number>, sourceRows?: ArrayLike<number>): void {
    const { nTextCtx } = this.#dims;
    const source = Array.from({ length: this.rows }, (_, row) => sourceRows?.[row] ?? row);
    if (source.some((from, row) => from !== row)) {
      const before = this.#slotOf.slice();
      for (const [row, from] of source.entries())
        this.#slotOf.set(before.subarray(from * nTextCtx, (from + 1) * nTextCtx), row * nTextCtx);
    }
    this.#sampled = source.map((from, row) => {
      const sampled = this.#sampled[from]!;
      // A row that has ended stands still, whatever it is given: the others may go on to the end of the context.
      return sampled.at(-1) === this.#rules.eot ? sampled : [...sampled, tokens[row]!];
    });
    for (const [row, sampled] of this.#sampled.entries()) {
      const position = this.#promptLength[row]! + sampled.length - 1;
      if (position >= nTextCtx) throw new InternalError(`row ${row} is at ${position}, the decoder holds ${nTextCtx}`);
      this.#slotOf[row * nTextCtx + position] = row;
    }
    if (sourceRows) this.#device.write(this.#set.slotOf, this.#slotOf);
    this.#writeRows();
    this.#device.submit(this.#set.ready.forward);
  }

  async logits(begin = 0, end = this.#dims.nVocab): Promise<Float32Array> {
    const { nVocab } = this.#dims;
    const out = new Float32Array(this.rows * (end - begin));
    for (let row = 0; row < this.rows; row++) {
      const part = await readFloats(
        this.#device,
        this.#set.decoder.state.logits,
        row * nVocab + begin,
        row * nVocab + end,
      );
      out.set(part, row * (end - begin));
    }
    return out;
  }

  close(): void {
    if (!this.#closed) this.#set.busy = false;
    this.#closed = true;
  }
}

function nonFinite(): NumericError {
  return new NumericError('nonFinite', 'the model gave a number that is not finite, so its text cannot be trusted', {
    hint: 'Check the recording and the weights ("sotto convert" again); if both are sound, please report it.',
  });
}
