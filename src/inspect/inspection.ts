/** What `inspect` gives: plain data about one window of a recording. Matrices are row-major. */
import type { RuleName } from '../rules/strikes.ts';
import type { Task } from '../text/tokenizer.ts';
import type { Segment } from '../transcribe/transcript.ts';

export interface Inspection {
  readonly window: InspectedWindow;
  /** Code of the language. */
  readonly language: string;
  readonly task: Task;
  /** The log-mel that the encoder was given, without what it was padded with: [nMels, frames of 10 ms], about -1 to 1.5. */
  readonly mel: Matrix;
  /** One a temperature that was tried, in this order; the last one's text is the window's. */
  readonly attempts: readonly InspectedAttempt[];
  /** What a transcription with word times gives of this window; none if nothing of it is kept. */
  readonly segments: readonly Segment[];
  /** Absent where the window has no text. */
  readonly alignment?: InspectedAlignment;
}

export interface InspectedWindow {
  /** Counts from 0 through the recording. */
  readonly index: number;
  /** Seconds. */
  readonly start: number;
  readonly end: number;
  /** Where the window after it begins. */
  readonly next: number;
  /** Seconds of the recording. */
  readonly duration: number;
}

export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** f32 [rows, columns] */
  readonly values: Float32Array;
}

/** A token of a prompt. */
export interface InspectedToken {
  readonly token: number;
  /** By itself: U+FFFD where it is a part of a character, `<|1.08|>` for a timestamp. */
  readonly text: string;
}

export interface InspectedAttempt {
  readonly temperature: number;
  /** The decoder's first tokens: the text before, start, language, task, prefix. */
  readonly initial: readonly InspectedToken[];
  readonly text: string;
  readonly avgLogprob: number;
  readonly compressionRatio: number;
  readonly noSpeechProb: number;
  /** One a token of the text, and one for its end where that was chosen. */
  readonly steps: readonly InspectedStep[];
  /** Present if beams were searched. */
  readonly beams?: BeamTree;
}

/** The choice of one token. */
export interface InspectedStep extends InspectedToken {
  /** log-probability of the token, after the rules and before the temperature. */
  readonly logprob: number;
  /** The likeliest before the rules and the likeliest after them, the chosen one, and the end; best before the rules first. */
  readonly candidates: readonly Candidate[];
  /** Allowed tokens that are not among the candidates, together. */
  readonly rest: { readonly count: number; readonly probability: number };
  /** What each rule forbids, those with the most probability first. */
  readonly struck: readonly Struck[];
}

export interface Candidate extends InspectedToken {
  /** By the model alone: softmax of the logits. */
  readonly modelProbability: number;
  /** After the rules: 0 where one forbids it. */
  readonly probability: number;
  /** The rule that forbids it. */
  readonly rule?: RuleName;
  readonly isChosen: boolean;
}

export interface Struck {
  readonly rule: RuleName;
  /** Tokens. */
  readonly count: number;
  /** What the model alone gives them. */
  readonly modelProbability: number;
}

/** A beam search: each node is a token, and its way from the root a text. */
export interface BeamTree {
  readonly beamSize: number;
  /** By step, best first: a parent stands before its children. */
  readonly nodes: readonly BeamNode[];
}

export interface BeamNode extends InspectedToken {
  /** Index in `nodes`; null after the initial tokens. */
  readonly parent: number | null;
  readonly step: number;
  readonly logprob: number;
  /** Sum of the log-probabilities from the root on. */
  readonly score: number;
  /** `kept` nodes are the next step's beams; with a `finished` one, the end, its text is a candidate. */
  readonly fate: 'kept' | 'finished' | 'dropped';
  /** It is on the way of the text that was chosen. */
  readonly isChosen: boolean;
}

/** How words get their times: the path through the mean of the alignment heads. */
export interface InspectedAlignment {
  /** What the decoder is given at once: start, language, task, notimestamps, text, end. They are the rows of each head. */
  readonly tokens: readonly InspectedToken[];
  /** Index in `tokens` of the path's first row; it is notimestamps, which predicts the first token of the text. */
  readonly firstRow: number;
  /** Encoder positions of 20 ms are the columns. */
  readonly secondsPerColumn: number;
  /** Mean of the filtered alignment heads, in the path's rows: [tokens of the text + 1, columns]. */
  readonly mean: Matrix;
  /** Column at which the path enters each row of `mean`: when token i of the text begins, and the last one's end. */
  readonly path: readonly number[];
  /** Words with what the path says, in seconds of the recording, before punctuation and pauses are dealt with. */
  readonly words: readonly PathWord[];
  /** Those that were asked for. */
  readonly heads: readonly InspectedHead[];
}

export interface PathWord {
  readonly word: string;
  readonly tokens: readonly number[];
  readonly start: number;
  readonly end: number;
  /** Mean probability of its tokens. */
  readonly probability: number;
  /** First of its rows in `mean`. */
  readonly row: number;
}

export interface InspectedHead {
  readonly layer: number;
  readonly head: number;
  /** Cross-attention, [tokens, columns]: each row's sum is 1. */
  readonly probabilities: Matrix;
  /** Columns normalised over the tokens (mean 0, deviation 1), then a median of 7 along each row: [tokens, columns]. */
  readonly filtered: Matrix;
}
