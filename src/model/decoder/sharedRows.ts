/** Groups that come and go between steps, each in a place of its own: `SharedRows` of decode/inference.ts on a device. */
import type { Joining, PlaceStep, SharedCandidates, SharedRows, SharedSequence } from '../../decode/inference.ts';
import { readFloats } from '../../engine/device.ts';
import { LOOP_STATE } from '../../kernels/sampling/decodeState.ts';
import { ChunkedSubmit } from '../chunkedSubmit.ts';
import {
  type DecodingContext,
  type DecodingRow,
  makeSlotOf,
  nonFinite,
  prefillGroups,
  writeRows,
} from './decodingRows.ts';
import { readPicked } from './greedy.ts';
import { advanced, bestTokens } from './steppedRows.ts';

/**
 * The rows that step are the first of the device's tables, in the order in which they were named; a place is where their
 * keys, values and rules lie.
 */
export class DeviceSharedRows implements SharedRows {
  readonly places: number;
  readonly rowsEach: number;
  readonly #context: DecodingContext;
  readonly #release: () => void;
  readonly #slotOf: Uint32Array<ArrayBuffer>;
  readonly #chunks = new ChunkedSubmit();
  /** By place. */
  readonly #groups = new Map<number, readonly DecodingRow[]>();
  /** Those of the logits that are there. */
  #rows: readonly DecodingRow[] = [];

  /** @param release gives the batch slot back */
  constructor(
    context: DecodingContext,
    { places, rowsEach }: Pick<SharedRows, 'places' | 'rowsEach'>,
    release: () => void,
  ) {
    this.places = places;
    this.rowsEach = rowsEach;
    this.#context = context;
    this.#release = release;
    this.#slotOf = makeSlotOf(context);
  }

  async join(groups: readonly Joining[]): Promise<Float32Array> {
    const placed = groups.map(({ place, group, rules }) => {
      return { group, rules, set: place, sequence: place * this.rowsEach };
    });
    const { rows, noSpeechProb } = await prefillGroups(this.#context, placed, this.#slotOf);
    for (const [i, { place }] of groups.entries())
      this.#groups.set(place, rows.slice(i * this.rowsEach, (i + 1) * this.rowsEach));
    this.#rows = rows;
    return noSpeechProb;
  }

  advance(steps: readonly PlaceStep[]): void {
    const { device, slot } = this.#context;
    this.#feed(steps);
    device.submit(slot.ready.forward, { rows: this.#rows.length });
  }

  async candidates(perRow: number): Promise<SharedCandidates> {
    const { finite, ...found } = await bestTokens(this.#context, this.#rows, perRow);
    return { ...found, errors: finite.map((is) => (is ? undefined : nonFinite())) };
  }

  async logits(at: number, begin: number, end: number): Promise<Float32Array> {
    const { device, dims, slot } = this.#context;
    const out = new Float32Array(this.rowsEach * (end - begin));
    for (let row = 0; row < this.rowsEach; row++) {
      const first = (at * this.rowsEach + row) * dims.nVocab;
      out.set(await readFloats(device, slot.state.logits, first + begin, first + end), row * (end - begin));
    }
    return out;
  }

  async greedy(steps: readonly PlaceStep[], most: number): Promise<readonly SharedSequence[]> {
    const { device, dims, slot } = this.#context;
    const { state, ready } = slot;
    this.#feed(steps);
    const rows = this.#rows;
    device.write(state.loopState, Uint32Array.from(LOOP_STATE.encode({ limit: dims.nTextCtx })));
    const found = await this.#chunks.once(most, (times) => {
      device.submit(ready.step, { times, rows: rows.length, until: state.loopState });
      return readPicked(this.#context, rows);
    });
    for (const [i, { place }] of steps.entries()) {
      const row = rows[i]!;
      // The last one is given again, when it is to be fed.
      this.#groups.set(place, [{ ...row, sampled: [...row.sampled, ...found[i]!.tokens.slice(0, -1)] }]);
    }
    this.#rows = [];
    return found.map(({ tokens, logprobs, finite }) => ({
      tokens,
      logprobs,
      error: finite ? undefined : nonFinite(),
    }));
  }

  leave(place: number): void {
    this.#groups.delete(place);
  }

  close(): void {
    this.#release();
  }

  /** Gives rows their next tokens, and makes them the first of the device's tables. */
  #feed(steps: readonly PlaceStep[]): void {
    const { device, dims, slot } = this.#context;
    this.#rows = steps.flatMap(({ place, tokens, sourceRows }) => {
      const before = this.#groups.get(place) ?? [];
      const rows = advanced(before, tokens, sourceRows, this.#slotOf, dims.nTextCtx);
      this.#groups.set(place, rows);
      return rows;
    });
    if (steps.some(({ sourceRows }) => sourceRows)) device.write(slot.slotOf, this.#slotOf);
    writeRows(this.#context, this.#rows);
  }
}
