/** Rows that decode step by step, and are fed their tokens again on the next engine when theirs is lost. */
import type { Candidates, DecodeGroup, Decoding } from '../decode/inference.ts';
import type { ModelInference } from '../model/inference.ts';
import type { LogitRules } from '../rules/logitRules.ts';
import type { Engines } from './engines.ts';
import { groupsOn } from './lastingFeatures.ts';

/** What rows were fed at once, as `Decoding.advance` takes it. */
export interface Fed {
  readonly tokens: readonly number[];
  readonly sourceRows?: readonly number[] | undefined;
}

/** A copy: the caller may use its arrays again. */
export function fed(tokens: ArrayLike<number>, sourceRows: ArrayLike<number> | undefined): Fed {
  return { tokens: Array.from(tokens), sourceRows: sourceRows && Array.from(sourceRows) };
}

export async function startLasting(
  engines: Engines,
  groups: readonly DecodeGroup[],
  rules: LogitRules,
  signal?: AbortSignal,
): Promise<Decoding> {
  const start = async (engine: ModelInference, until?: AbortSignal): Promise<Decoding> =>
    engine.start(await groupsOn(engine, groups, until), rules, until);
  const begun = await engines.run(signal, async (engine) => ({ engine, decoding: await start(engine, signal) }));
  return new LastingDecoding(engines, start, begun.engine, begun.decoding);
}

class LastingDecoding implements Decoding {
  readonly rows: number;
  readonly noSpeechProb: Float32Array;
  readonly #engines: Engines;
  readonly #start: (engine: ModelInference, signal?: AbortSignal) => Promise<Decoding>;
  readonly #fed: Fed[] = [];
  #engine: ModelInference;
  #decoding: Decoding;

  constructor(
    engines: Engines,
    start: (engine: ModelInference, signal?: AbortSignal) => Promise<Decoding>,
    engine: ModelInference,
    decoding: Decoding,
  ) {
    this.#engines = engines;
    this.#start = start;
    this.#engine = engine;
    this.#decoding = decoding;
    this.rows = decoding.rows;
    this.noSpeechProb = decoding.noSpeechProb;
  }

  candidates(perRow: number, signal?: AbortSignal): Promise<Candidates> {
    return this.#engines.run(signal, async (engine) => (await this.#on(engine, signal)).candidates(perRow, signal));
  }

  advance(tokens: ArrayLike<number>, sourceRows?: ArrayLike<number>): void {
    this.#fed.push(fed(tokens, sourceRows));
    this.#decoding.advance(tokens, sourceRows);
  }

  logits(begin?: number, end?: number): Promise<Float32Array> {
    return this.#engines.run(undefined, async (engine) => (await this.#on(engine)).logits(begin, end));
  }

  close(): void {
    this.#decoding.close();
  }

  async #on(engine: ModelInference, signal?: AbortSignal): Promise<Decoding> {
    if (engine === this.#engine) return this.#decoding;
    const decoding = await this.#start(engine, signal);
    for (const { tokens, sourceRows } of this.#fed) decoding.advance(tokens, sourceRows);
    this.#engine = engine;
    this.#decoding = decoding;
    return decoding;
  }
}
