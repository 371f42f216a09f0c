/** Rows that decode step by step: `Decoding` of decode/inference.ts on a device. */
import type { Candidates, Decoding } from '../../decode/inference.ts';
import { readFloats } from '../../engine/device.ts';
import { type DecodingContext, type DecodingRow, nonFinite, type PrefilledRows, writeRows } from './decodingRows.ts';
import { advanced, bestTokens } from './steppedRows.ts';

export class DeviceDecoding implements Decoding {
  readonly noSpeechProb: Float32Array;
  readonly #context: DecodingContext;
  readonly #slotOf: Uint32Array<ArrayBuffer>;
  readonly #release: () => void;
  #rows: readonly DecodingRow[];
  #closed = false;

  /**
   * @param slotOf  the host's copy
   * @param release gives the batch slot back
   */
  constructor(
    context: DecodingContext,
    { rows, noSpeechProb }: PrefilledRows,
    slotOf: Uint32Array<ArrayBuffer>,
    release: () => void,
  ) {
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
    const { tokens, logprobs, finite } = await bestTokens(this.#context, this.#rows, perRow, signal);
    if (!finite.every(Boolean)) throw nonFinite();
    signal?.throwIfAborted();
    return { perRow, tokens, logprobs };
  }

  advance(tokens: ArrayLike<number>, sourceRows?: ArrayLike<number>): void {
    const { device, dims, slot } = this.#context;
    this.#rows = advanced(this.#rows, tokens, sourceRows, this.#slotOf, dims.nTextCtx);
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
