/**
 * Lanes that decode side by side in the places of `SharedRows`. All of them step together: a step waits until each has
 * said what it wants next, which takes the host some microseconds. Lanes join and leave between two steps.
 */
import { InternalError } from '../../base/errors.ts';
import type { Candidates, PlaceStep, SharedRows } from '../inference.ts';
import { type Ask, GreedyLane, type Lane } from './lane.ts';

export class Table {
  readonly #rows: SharedRows;
  readonly #places: (Lane | undefined)[];
  /** Those whose logits are there, in their order. */
  #current: readonly Lane[] = [];

  constructor(rows: SharedRows) {
    this.#rows = rows;
    this.#places = new Array<Lane | undefined>(rows.places).fill(undefined);
  }

  /** Empties the places of lanes that nobody wants any more. */
  sweep(): void {
    for (const [place, lane] of this.#places.entries()) {
      if (!lane?.isGone) continue;
      this.#rows.leave(place);
      this.#places[place] = undefined;
    }
  }

  get #lanes(): readonly Lane[] {
    return this.#places.filter((lane) => lane !== undefined);
  }

  get isEmpty(): boolean {
    return this.#lanes.length === 0;
  }

  get freePlaces(): number {
    return this.#places.length - this.#lanes.length;
  }

  /** Do all of its lanes wait for the table, and none for one another's owner? */
  get isReady(): boolean {
    return this.#lanes.every(({ ask }) => ask !== undefined);
  }

  /** Do some want more of the logits that are there? New ones would take their place. */
  get #isCurrentAsked(): boolean {
    return this.#current.some((lane) => isAsking(lane));
  }

  /** May lanes join now? */
  get isOpen(): boolean {
    return this.freePlaces > 0 && this.isReady && !this.#isCurrentAsked;
  }

  /** @param lanes no more than there are free places */
  async join(lanes: readonly Lane[]): Promise<void> {
    const free = [...this.#places.keys()].filter((place) => !this.#places[place]);
    const joining = lanes.map((lane, i) => {
      const place = free[i]!;
      this.#places[place] = lane;
      return { place, group: lane.group, rules: lane.rules };
    });
    const noSpeechProb = await this.#rows.join(joining);
    this.#current = lanes;
    for (const [i, lane] of lanes.entries()) lane.join(noSpeechProb[i]!);
    if (this.#isCurrentAsked) await this.#answer();
  }

  /** Answers what is asked of the logits that are there; else feeds all rows their next tokens, and answers then. */
  async step(): Promise<void> {
    if (this.#isCurrentAsked) return this.#answer();
    const lanes = this.#lanes;
    const steps: PlaceStep[] = [];
    for (const [place, lane] of this.#places.entries()) if (lane?.next) steps.push({ place, ...lane.next });
    if (steps.length < lanes.length) throw new InternalError('a window asks for logits that are gone');
    if (lanes.every((lane) => lane instanceof GreedyLane)) return this.#greedy(lanes, steps);
    this.#rows.advance(steps);
    this.#current = lanes;
    for (const lane of lanes) lane.fed();
    await this.#answer();
  }

  /** Several steps, all on the device. */
  async #greedy(lanes: readonly GreedyLane[], steps: readonly PlaceStep[]): Promise<void> {
    const found = await this.#rows.greedy(steps, Math.min(...lanes.map(({ left }) => left)));
    this.#current = [];
    for (const [i, lane] of lanes.entries()) {
      const { tokens, logprobs, error } = found[i]!;
      if (lane.isGone) continue;
      if (error) lane.fail(error);
      else lane.add(tokens, logprobs);
    }
  }

  async #answer(): Promise<void> {
    const asked = this.#current.flatMap((lane, at) => {
      const { ask } = lane;
      return ask && isAsking(lane) ? [{ lane, ask, at }] : [];
    });
    const most = Math.max(0, ...asked.map(({ ask }) => ('perRow' in ask ? ask.perRow : 0)));
    const found = most > 0 ? await this.#rows.candidates(most) : undefined;
    const answers: (() => void)[] = [];
    for (const { lane, ask, at } of asked) {
      if ('perRow' in ask) {
        const error = found!.errors.slice(at * this.#rows.rowsEach, (at + 1) * this.#rows.rowsEach).find(Boolean);
        answers.push(
          error ? () => lane.fail(error) : () => answerCandidates(ask, found!, at * this.#rows.rowsEach, lane),
        );
      } else {
        const logits = await this.#rows.logits(at, ask.begin, ask.end);
        answers.push(() => ask.answer(logits));
      }
    }
    for (const [i, answer] of answers.entries()) if (!asked[i]!.lane.isGone) answer();
  }

  /** Something went wrong with all of it. */
  fail(error: unknown): void {
    for (const lane of this.#lanes) lane.fail(error);
    this.close();
  }

  close(): void {
    this.#rows.close();
  }
}

/** Does it ask about logits that are there? */
function isAsking({ isGone, ask, next }: Lane): boolean {
  return !isGone && ask !== undefined && next === undefined;
}

/** Gives a lane the candidates of its rows, from `first` on: the best of each, as many as it asked for. */
function answerCandidates(
  ask: Extract<Ask, { readonly perRow: number }>,
  found: Candidates,
  first: number,
  { group }: Lane,
): void {
  const { perRow } = ask;
  const tokens = new Uint32Array(group.rows * perRow);
  const logprobs = new Float32Array(group.rows * perRow);
  for (let row = 0; row < group.rows; row++) {
    const from = (first + row) * found.perRow;
    tokens.set(found.tokens.subarray(from, from + perRow), row * perRow);
    logprobs.set(found.logprobs.subarray(from, from + perRow), row * perRow);
  }
  ask.answer({ perRow, tokens, logprobs });
}
