/**
 * What decoding asks of an engine, and all it knows of one.
 *
 * The interface belongs to `decode`; `model/inference.ts` implements it on a device, and
 * `test/support/scriptedInference.ts` plays it from a script, so that every decoding rule is tested without weights.
 */
import type { NumericError } from '../base/errors.ts';
import type { LogitRules, RuleState } from '../rules/logitRules.ts';

/** One window's sound after the encoder: its cross-attention keys and values, held on the device. */
export interface AudioFeatures {
  close(): void;
}

/** Rows (beams or samples) that decode one window from the same initial tokens. */
export interface DecodeGroup {
  readonly audio: AudioFeatures;
  /** `[sot_prev, ...prompt]? sot, language, task, ...`, at least one token, at most `nTextCtx - 1`. */
  readonly initialTokens: readonly number[];
  /** Index of `<|startoftranscript|>` in them: where `noSpeechProb` is read. */
  readonly sotIndex: number;
  /** How many rows decode this window. */
  readonly rows: number;
  /** A timestamp id: after a pair of earlier ones comes more text (`RuleState`); 0 when absent. */
  readonly noEndBefore?: number;
}

/** The best tokens of each row after the rules, best first, ties by the lower id; shapes [rows, perRow]. */
export interface Candidates {
  readonly perRow: number;
  readonly tokens: Uint32Array;
  /** log_softmax of the filtered logits, f32. A forbidden token that had to fill a place has -Infinity. */
  readonly logprobs: Float32Array;
}

/** What a row sampled, up to and including its first `eot`. */
export interface PickedSequence {
  readonly tokens: readonly number[];
  readonly logprobs: readonly number[];
}

/** Rows that were decoded greedily to their end. */
export interface GreedyResult {
  readonly sequences: readonly PickedSequence[];
  /** Probability of `<|nospeech|>` at `sotIndex`, unfiltered; one a group. */
  readonly noSpeechProb: Float32Array;
}

/** A candidate of a search, or a beam. */
export interface SummedSequence extends PickedSequence {
  /** f32 sum of the log-probabilities, with `eot`'s where it has ended. */
  readonly sumLogprob: number;
}

/** What a beam search on the device has found of one group. */
export interface FoundBeams {
  /** In the order in which they ended; their tokens are without `eot`. */
  readonly ended: readonly SummedSequence[];
  /** The beams of the last step, best first. */
  readonly running: readonly SummedSequence[];
}

export interface BeamsResult {
  readonly groups: readonly FoundBeams[];
  /** As in `GreedyResult`. */
  readonly noSpeechProb: Float32Array;
}

/** When a beam search is over. */
export interface BeamsEnd {
  /** Candidates of a group that have ended. */
  readonly wanted: number;
  /** Tokens that a beam samples at most. */
  readonly limit: number;
}

/** The state of some rows while they decode step by step. Calls are in order; none may overlap another. */
export interface Decoding {
  readonly rows: number;
  /** Probability of `<|nospeech|>` at `sotIndex`, unfiltered; one a group. */
  readonly noSpeechProb: Float32Array;
  /**
   * The `perRow` best tokens of each row for its next position.
   * @throws {NumericError} `nonFinite` when a row's logits hold NaN or infinity
   */
  candidates(perRow: number, signal?: AbortSignal): Promise<Candidates>;
  /** Gives each row its next token; row r continues what row `sourceRows[r]` was (itself when absent). */
  advance(tokens: ArrayLike<number>, sourceRows?: ArrayLike<number>): void;
  /** Raw logits of the rows' next position, ids `begin` to `end`; [rows, end - begin]. For language detection, tests and filters of the user's. */
  logits(begin?: number, end?: number): Promise<Float32Array>;
  close(): void;
}

/** A group that takes one of the places of `SharedRows`, with the rules of its own. */
export interface Joining {
  readonly place: number;
  /** With `rowsEach` rows. */
  readonly group: DecodeGroup;
  readonly rules: LogitRules;
}

/** The next token of each row of a place. */
export interface PlaceStep {
  readonly place: number;
  readonly tokens: ArrayLike<number>;
  /** As in `Decoding.advance`: rows of this place, counted from its first. */
  readonly sourceRows?: ArrayLike<number> | undefined;
}

/** Candidates of rows that are of different recordings: what is wrong with one is no error of the others. */
export interface SharedCandidates extends Candidates {
  /** One a row: that its logits held NaN or infinity. */
  readonly errors: readonly (NumericError | undefined)[];
}

/** What a row sampled in a few steps, until its logits held NaN or infinity. */
export interface SharedSequence extends PickedSequence {
  readonly error?: NumericError | undefined;
}

/**
 * Places in which groups decode side by side: they take one and leave it between two steps, each with its own initial
 * tokens and rules. A row's numbers are those that it would have if its group decoded alone.
 *
 * `join` and `advance` say which places the logits are of from then on, in that order; `candidates` and `logits` are about
 * these. Calls are in order; none may overlap another.
 */
export interface SharedRows {
  readonly places: number;
  /** Rows of each place. */
  readonly rowsEach: number;
  /**
   * Runs the initial tokens and leaves the first logits of these groups.
   * @returns probability of `<|nospeech|>` at `sotIndex`, one a group
   */
  join(groups: readonly Joining[]): Promise<Float32Array>;
  /** Gives the rows of some places their next tokens, and leaves the logits that follow. */
  advance(steps: readonly PlaceStep[]): void;
  /** The best tokens of all rows whose logits are there. */
  candidates(perRow: number): Promise<SharedCandidates>;
  /** Raw logits of one place's rows, ids `begin` to `end`; `at` is its index among those whose logits are there. */
  logits(at: number, begin: number, end: number): Promise<Float32Array>;
  /**
   * Places of one row each: gives them their next tokens and then takes the most probable one, again and again, `most`
   * times or as often as is worth a wait. A row that has sampled `eot` stands still.
   * @returns what each has sampled, at least one token; the last is not fed yet
   */
  greedy(steps: readonly PlaceStep[], most: number): Promise<readonly SharedSequence[]>;
  /** Empties a place. */
  leave(place: number): void;
  close(): void;
}

/** A text whose place in the sound is asked for. */
export interface AlignRequest {
  readonly audio: AudioFeatures;
  /** All tokens at once, at most `nTextCtx`: start sequence, `notimestamps`, text, `eot`. */
  readonly tokens: readonly number[];
  /** Encoder positions that are asked for, from the first on. */
  readonly columns: number;
  /** Probabilities are over the ids below this one. */
  readonly vocabEnd: number;
  /** Heads whose scores are asked for, all that the decoder has, or, when absent, the alignment heads. */
  readonly heads?: 'all' | readonly (readonly [layer: number, head: number])[] | undefined;
}

/** @param scores f32 [tokens, columns] of one head */
export type OnHead = (scores: Float32Array, layer: number, head: number) => void;

export interface Inference {
  readonly nVocab: number;
  readonly nTextCtx: number;
  readonly nMels: number;
  /** Rows that one call decodes at most; those that decoding itself allows when absent. */
  readonly maxRows?: number;
  /**
   * @param mel    log-mel of one window, [nMels, 3000] row-major
   * @param onPart told now and then which share of the work is done, in (0, 1]
   */
  encode(mel: Float32Array, signal?: AbortSignal, onPart?: (share: number) => void): Promise<AudioFeatures>;
  /**
   * Makes room for `count` windows at once, where there is less; only while no features are open. An engine without it
   * holds one.
   */
  reserveAudio?(count: number, signal?: AbortSignal): Promise<void>;
  /**
   * The most probable token at each step, for all rows on the device, until each has an `eot` or `limit` tokens.
   * @param onStep told now and then what each row has sampled
   * @throws {NumericError} `nonFinite`
   */
  greedy(
    groups: readonly DecodeGroup[],
    rules: LogitRules,
    limit: number,
    signal?: AbortSignal,
    onStep?: (rows: readonly RuleState[]) => void,
  ): Promise<GreedyResult>;
  /**
   * Beam search on the device, the rows of each group being its beams (as many in all); the meaning is that of
   * `decode/search/beamSearch.ts`. An engine without it is asked step by step.
   * @param onStep as of `greedy`
   * @returns undefined if it has to be asked step by step this time
   * @throws {NumericError} `nonFinite`
   */
  beams?(
    groups: readonly DecodeGroup[],
    rules: LogitRules,
    end: BeamsEnd,
    signal?: AbortSignal,
    onStep?: (rows: readonly RuleState[]) => void,
  ): Promise<BeamsResult | undefined>;
  /**
   * Makes room for `places` groups of `rowsEach` rows that come and go, or for fewer of many rows. An engine without it
   * decodes one call after the other.
   */
  shareRows?(places: number, rowsEach: number): Promise<SharedRows>;
  /** Runs the initial tokens of all groups through the decoder and leaves the first logits ready. */
  start(groups: readonly DecodeGroup[], rules: LogitRules, signal?: AbortSignal): Promise<Decoding>;
  /**
   * One pass over tokens that are known. Calls `onHead` with each alignment head's scores, head by head in the model's
   * order or that of the request, so that one head is in memory at a time: q * k / sqrt(headDim) of the cross-attention before its softmax,
   * f32 [tokens.length, columns], to be read before `onHead` returns.
   *
   * @returns at i the probability of `tokens[i + 1]` after those before it; f32 [tokens.length - 1]. Ids from `vocabEnd`
   *   on have 0
   * @throws {NumericError} `nonFinite`
   */
  align?(request: AlignRequest, onHead: OnHead, signal?: AbortSignal): Promise<Float32Array>;
}
