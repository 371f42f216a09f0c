/** Places in which groups decode side by side: on the next engine they join again, and are fed what they were fed. */
import type { Joining, PlaceStep, SharedCandidates, SharedRows, SharedSequence } from '../decode/inference.ts';
import type { ModelInference } from '../model/inference.ts';
import type { Engines } from './engines.ts';
import { type Fed, fed } from './lastingDecoding.ts';
import { groupsOn, lastingFeatures } from './lastingFeatures.ts';

/** A group in its place. */
interface Placed {
  readonly joining: Joining;
  readonly fed: Fed[];
}

export async function shareLasting(engines: Engines, places: number, rowsEach: number): Promise<SharedRows> {
  return engines.run(undefined, async (engine) => {
    return new LastingRows(engines, engine, await engine.shareRows(places, rowsEach));
  });
}

class LastingRows implements SharedRows {
  readonly places: number;
  readonly rowsEach: number;
  readonly #engines: Engines;
  readonly #placed = new Map<number, Placed>();
  /** Places whose logits are there, in their order. */
  #current: readonly number[] = [];
  /** Those of them that the engine has: who left before it was opened is not there. */
  #there: readonly number[] = [];
  #engine: ModelInference;
  #rows: SharedRows;

  constructor(engines: Engines, engine: ModelInference, rows: SharedRows) {
    this.#engines = engines;
    this.#engine = engine;
    this.#rows = rows;
    this.places = rows.places;
    this.rowsEach = rows.rowsEach;
  }

  async join(groups: readonly Joining[]): Promise<Float32Array> {
    const noSpeechProb = await this.#run(async (rows, engine) => rows.join(await joiningsOn(engine, groups)));
    for (const joining of groups) this.#placed.set(joining.place, { joining, fed: [] });
    this.#now(groups.map(({ place }) => place));
    return noSpeechProb;
  }

  advance(steps: readonly PlaceStep[]): void {
    this.#rows.advance(steps);
    for (const { place, tokens, sourceRows } of steps) this.#placed.get(place)?.fed.push(fed(tokens, sourceRows));
    this.#now(steps.map(({ place }) => place));
  }

  candidates(perRow: number): Promise<SharedCandidates> {
    return this.#run(async (rows) => this.#inPlace(await rows.candidates(perRow)));
  }

  logits(at: number, begin: number, end: number): Promise<Float32Array> {
    return this.#run((rows) => rows.logits(this.#there.indexOf(this.#current[at]!), begin, end));
  }

  async greedy(steps: readonly PlaceStep[], most: number): Promise<readonly SharedSequence[]> {
    const found = await this.#run((rows) => rows.greedy(steps, most));
    for (const [i, { place, tokens }] of steps.entries()) {
      // The last one is not fed yet.
      const all = [...Array.from(tokens), ...found[i]!.tokens.slice(0, -1)];
      this.#placed.get(place)?.fed.push(...all.map((token) => ({ tokens: [token] })));
    }
    this.#now([]);
    return found;
  }

  leave(place: number): void {
    this.#placed.delete(place);
    this.#rows.leave(place);
  }

  close(): void {
    this.#rows.close();
  }

  #now(places: readonly number[]): void {
    this.#current = places;
    this.#there = places;
  }

  #run<T>(work: (rows: SharedRows, engine: ModelInference) => Promise<T>): Promise<T> {
    return this.#engines.run(undefined, async (engine) => {
      if (engine !== this.#engine) await this.#moveTo(engine);
      return work(this.#rows, engine);
    });
  }

  /** One place after the other, and those whose logits are to be there at the end, together. */
  async #moveTo(engine: ModelInference): Promise<void> {
    const rows = await engine.shareRows(this.places, this.rowsEach);
    // The window of who gave up is closed: it is not opened again.
    const open = [...this.#placed].filter(([, { joining }]) => !lastingFeatures(joining.group.audio).isClosed);
    const there = this.#current.filter((place) => open.some(([own]) => own === place));
    const joining: Joining[] = [];
    const steps: PlaceStep[] = [];
    for (const [place, placed] of open) {
      const last = there.includes(place) ? placed.fed.at(-1) : undefined;
      if (there.includes(place) && !last) {
        joining.push(placed.joining);
        continue;
      }
      await rows.join(await joiningsOn(engine, [placed.joining]));
      for (const step of placed.fed) if (step !== last) rows.advance([{ place, ...step }]);
      if (last) steps.push({ place, ...last });
    }
    const inOrder = <T extends { readonly place: number }>(list: readonly T[]): T[] =>
      there.flatMap((place) => list.filter((one) => one.place === place));
    if (joining.length > 0) await rows.join(await joiningsOn(engine, inOrder(joining)));
    if (steps.length > 0) rows.advance(inOrder(steps));
    this.#there = there;
    this.#engine = engine;
    this.#rows = rows;
  }

  /** Rows of places that are not there have zeros, which nobody reads. */
  #inPlace(found: SharedCandidates): SharedCandidates {
    if (this.#there.length === this.#current.length) return found;
    const { perRow, errors } = found;
    const nRows = this.#current.length * this.rowsEach;
    const all = {
      perRow,
      tokens: new Uint32Array(nRows * perRow),
      logprobs: new Float32Array(nRows * perRow),
      errors: new Array<SharedCandidates['errors'][number]>(nRows).fill(undefined),
    };
    for (const [from, place] of this.#there.entries()) {
      const [source, target] = [from * this.rowsEach, this.#current.indexOf(place) * this.rowsEach];
      const [begin, end] = [source * perRow, (source + this.rowsEach) * perRow];
      all.tokens.set(found.tokens.subarray(begin, end), target * perRow);
      all.logprobs.set(found.logprobs.subarray(begin, end), target * perRow);
      for (let row = 0; row < this.rowsEach; row++) all.errors[target + row] = errors[source + row];
    }
    return all;
  }
}

async function joiningsOn(engine: ModelInference, joinings: readonly Joining[]): Promise<Joining[]> {
  const groups = await groupsOn(
    engine,
    joinings.map(({ group }) => group),
  );
  return joinings.map((joining, i) => ({ ...joining, group: groups[i]! })); // as many
}
