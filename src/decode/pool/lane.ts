/**
 * One window in a table of the pool: what it waits for, and the tokens that its rows are to be fed.
 *
 * A lane has no logits of its own. Who decodes it asks (`ask`), and the table answers when the lane's turn has come.
 */
import { InternalError } from '../../base/errors.ts';
import { onAbort, untilAborted } from '../../base/signals.ts';
import { type LogitRules, type RuleState, ruleState } from '../../rules/logitRules.ts';
import type { Candidates, DecodeGroup, Decoding, GreedyResult, PlaceStep } from '../inference.ts';

/** What a lane wants to know of the logits of its rows. */
export type Ask =
  | { readonly perRow: number; answer(found: Candidates): void }
  | { readonly begin: number; readonly end: number; answer(logits: Float32Array): void };

export interface LaneRequest {
  readonly group: DecodeGroup;
  readonly rules: LogitRules;
  readonly signal: AbortSignal | undefined;
  /** Told when there may be something to do. */
  readonly wake: () => void;
}

/** What both kinds of lanes have: they are wanted until they end, fail, or their signal aborts. */
export abstract class Lane {
  readonly group: DecodeGroup;
  readonly rules: LogitRules;
  readonly #wake: () => void;
  readonly #ended: Promise<never>;
  #reject: (error: unknown) => void = () => {};
  #stopListening = (): void => {};
  #isGone = false;

  constructor({ group, rules, signal, wake }: LaneRequest) {
    this.group = group;
    this.rules = rules;
    this.#wake = wake;
    this.#ended = new Promise<never>((_, reject) => {
      this.#reject = reject;
    });
    // Who waits for something gets the error.
    this.#ended.catch(() => {});
    this.#stopListening = onAbort(signal, () => this.fail(signal?.reason));
  }

  /** Undefined while whoever decodes it is at work. */
  abstract readonly ask: Ask | undefined;
  /** Tokens that its rows have to be fed before the ask can be answered. */
  abstract readonly next: Omit<PlaceStep, 'place'> | undefined;
  /** Its rows have run their initial tokens. */
  abstract join(noSpeechProb: number): void;
  /** Its rows have been fed `next`. */
  abstract fed(): void;

  /** Nobody wants its rows any more: its place is free. */
  get isGone(): boolean {
    return this.#isGone;
  }

  fail(error: unknown): void {
    this.#reject(error);
    this.close();
  }

  close(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#stopListening();
    this.#wake();
  }

  protected wake(): void {
    this.#wake();
  }

  /** What `begin` resolves with, or the error that the lane fails with. */
  protected until<T>(begin: (resolve: (value: T) => void) => void): Promise<T> {
    return Promise.race([this.#ended, new Promise<T>(begin)]);
  }
}

/** Takes the most probable token each time. */
export class GreedyLane extends Lane {
  readonly result: Promise<GreedyResult>;
  readonly #limit: number;
  readonly #onStep: ((rows: readonly RuleState[]) => void) | undefined;
  readonly #tokens: number[] = [];
  readonly #logprobs: number[] = [];
  #noSpeechProb = 0;
  #resolve: (result: GreedyResult) => void = () => {};
  #isFed = false;
  readonly ask: Ask = {
    perRow: 1,
    answer: ({ tokens, logprobs }: Candidates) => this.add([tokens[0]!], [logprobs[0]!]),
  };

  /** @param limit tokens that it may sample */
  constructor(request: LaneRequest, limit: number, onStep?: (rows: readonly RuleState[]) => void) {
    super(request);
    this.#limit = limit;
    this.#onStep = onStep;
    this.result = this.until((resolve) => {
      this.#resolve = resolve;
    });
  }

  get next(): Omit<PlaceStep, 'place'> | undefined {
    return this.#isFed || this.#tokens.length === 0 ? undefined : { tokens: this.#tokens.slice(-1) };
  }

  /** Tokens that it may still sample. */
  get left(): number {
    return this.#limit - this.#tokens.length;
  }

  join(noSpeechProb: number): void {
    this.#noSpeechProb = noSpeechProb;
  }

  fed(): void {
    this.#isFed = true;
  }

  /** What came next, up to and including an `eot`. */
  add(tokens: readonly number[], logprobs: readonly number[]): void {
    this.#tokens.push(...tokens);
    this.#logprobs.push(...logprobs);
    this.#isFed = false;
    if (this.left > 0 && tokens.at(-1) !== this.rules.eot) {
      this.#onStep?.([ruleState(this.#tokens, this.rules)]);
      return;
    }
    const sequences = [{ tokens: this.#tokens, logprobs: this.#logprobs }];
    this.#resolve({ sequences, noSpeechProb: Float32Array.of(this.#noSpeechProb) });
    this.close();
  }
}

/** Decoded step by step by who has it. */
export class StepLane extends Lane implements Decoding {
  /** Once it has joined. */
  readonly started: Promise<Decoding>;
  readonly #nVocab: number;
  #noSpeechProb = new Float32Array(1);
  #start: (decoding: Decoding) => void = () => {};
  #ask: Ask | undefined;
  #next: Omit<PlaceStep, 'place'> | undefined;

  constructor(request: LaneRequest, nVocab: number) {
    super(request);
    this.#nVocab = nVocab;
    this.started = this.until((resolve) => {
      this.#start = resolve;
    });
  }

  get ask(): Ask | undefined {
    return this.#ask;
  }

  get next(): Omit<PlaceStep, 'place'> | undefined {
    return this.#next;
  }

  get rows(): number {
    return this.group.rows;
  }

  get noSpeechProb(): Float32Array {
    return this.#noSpeechProb;
  }

  join(noSpeechProb: number): void {
    this.#noSpeechProb = Float32Array.of(noSpeechProb);
    this.#start(this);
  }

  fed(): void {
    this.#next = undefined;
  }

  candidates(perRow: number, signal?: AbortSignal): Promise<Candidates> {
    return untilAborted(
      this.#asking<Candidates>((answer) => ({ perRow, answer })),
      signal,
    );
  }

  logits(begin = 0, end = this.#nVocab): Promise<Float32Array> {
    return this.#asking<Float32Array>((answer) => ({ begin, end, answer }));
  }

  advance(tokens: ArrayLike<number>, sourceRows?: ArrayLike<number>): void {
    if (this.#next) throw new InternalError('rows were given a second token before the first was looked at');
    this.#next = { tokens: Array.from(tokens), sourceRows: sourceRows && Array.from(sourceRows) };
  }

  #asking<T>(make: (answer: (found: T) => void) => Ask): Promise<T> {
    return this.until((resolve) => {
      this.#ask = make((found: T) => {
        this.#ask = undefined;
        resolve(found);
      });
      this.wake();
    });
  }
}
