/** Rows that decode step by step: `Decoding` of decode/inference.ts on a device. */
import { InternalError } from '../../base/errors.ts';
import type { Candidates, Decoding } from '../../decode/inference.ts';
import { readFloats, readWords } from '../../engine/device.ts';
import { NO_TOKEN, NON_FINITE_TOKEN } from '../../kernels/sampling/decodeState.ts';
import { type DecodingContext, type DecodingRow, nonFinite, type PrefilledRows, writeRows } from './decodingRows.ts';

export class DeviceDecoding implements Decoding {
  readonly noSpeechProb: Float32Array;
  readonly #context: DecodingContext;
  readonly #slotOf: Uint32Array<ArrayBuffer>;
  readonly #release: () => void;
  #rows: readonly DecodingRow[];
  #closed = false;

  /** @param release gives the batch slot back */
  constructor(context: DecodingContext, { rows, slotOf, noSpeechProb }: PrefilledRows, release: () => void) {
    this.#context = context;
    this.#rows = rows;
    this.#slotOf = slotOf;
    this.#release = release;
    this.noSpeechProb = noSpeechProb;
  }

  get rows(): number {
    return this.#rows.length;
  }

  async candidates(perRow: number, signal?: AbortSignal): Promise<Candidates> {
    signal?.throwIfAborted();
    const { device, slot, rules } = this.#context;
    const choose = await slot.candidates(perRow, signal);
    device.submit(choose.ready);
    const [tokens, logprobs] = await Promise.all([readWords(device, choose.ids), readFloats(device, choose.logprobs)]);
    for (const [i, token] of tokens.entries()) {
      if (token === NON_FINITE_TOKEN) throw nonFinite();
      if (token !== NO_TOKEN) continue;
      tokens[i] = rules.eot;
      logprobs[i] = Number.NEGATIVE_INFINITY;
    }
    signal?.throwIfAborted();
    return { perRow, tokens, logprobs };
  }

  advance(tokens: ArrayLike<number>, sourceRows?: ArrayLike<number>): void {
    const { device, dims, slot, rules } = this.#context;
    const { nTextCtx } = dims;
    const source = Array.from({ length: this.rows }, (_, row) => sourceRows?.[row] ?? row);
    if (source.some((from, row) => from !== row)) {
      const before = this.#slotOf.slice();
      for (const [row, from] of source.entries())
        this.#slotOf.set(before.subarray(from * nTextCtx, (from + 1) * nTextCtx), row * nTextCtx);
    }
    const before = this.#rows;
    this.#rows = before.map((own, row) => {
      const { sampled } = before[source[row]!]!;
      // A row that has ended stands still, whatever it is given: the others may go on to the end of the context.
      return { ...own, sampled: sampled.at(-1) === rules.eot ? sampled : [...sampled, tokens[row]!] };
    });
    for (const [row, { promptLength, sampled }] of this.#rows.entries()) {
      const position = promptLength + sampled.length - 1;
      if (position >= nTextCtx) throw new InternalError(`row ${row} is at ${position}, the decoder holds ${nTextCtx}`);
      this.#slotOf[row * nTextCtx + position] = row;
    }
    if (sourceRows) device.write(slot.slotOf, this.#slotOf);
    writeRows(this.#context, this.#rows);
    device.submit(slot.ready.forward);
  }

  async logits(begin = 0, end = this.#context.dims.nVocab): Promise<Float32Array> {
    const { device, dims, slot } = this.#context;
    const out = new Float32Array(this.rows * (end - begin));
    for (let row = 0; row < this.rows; row++) {
      const first = row * dims.nVocab;
      const part = await readFloats(device, slot.state.logits, first + begin, first + end);
      out.set(part, row * (end - begin));
    }
    return out;
  }

  close(): void {
    if (!this.#closed) this.#release();
    this.#closed = true;
  }
}
