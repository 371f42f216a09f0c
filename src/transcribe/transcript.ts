/** What a transcription gives: words, segments, transcripts. */
import type { LanguageDetection } from '../decode/languageDetect.ts';
import type { Task } from '../text/tokenizer.ts';

/** One word with its time. */
export interface Word {
  /** With its leading space and the punctuation that belongs to it. */
  readonly word: string;
  /** Seconds from the start of the recording. */
  readonly start: number;
  readonly end: number;
  /** Mean probability of its tokens. */
  readonly probability: number;
  /** Who says it; present if the channels of the recording are speakers. */
  readonly speaker?: string;
}

/** The text between two timestamps. Temperature and the three scores after it are those of the whole window. */
export interface Segment {
  /** Counts from 0 through the recording. */
  readonly id: number;
  /** First frame (10 ms) of the window it was decoded from. */
  readonly seek: number;
  /** Seconds from the start of the recording. */
  readonly start: number;
  readonly end: number;
  /** As the tokenizer gives it: usually with a leading space. */
  readonly text: string;
  /** With timestamp tokens. */
  readonly tokens: readonly number[];
  /** log-probability of each token, after the rules and before the temperature. */
  readonly tokenLogprobs: readonly number[];
  /** Who speaks; present if the channels of the recording are speakers. */
  readonly speaker?: string;
  /** Code of its language; present if that was detected for each window, or speakers were found to have several. */
  readonly language?: string;
  readonly temperature: number;
  readonly avgLogprob: number;
  readonly compressionRatio: number;
  readonly noSpeechProb: number;
  /** Present if word times were asked for, and (empty) in a segment without text. */
  readonly words?: readonly Word[];
}

/** What is known when all segments are. */
export interface TranscriptSummary {
  /** All text, as the tokenizer gives it: usually with a leading space. */
  readonly text: string;
  /** Code of the language. */
  readonly language: string;
  /** Present if the language was detected. */
  readonly detection?: LanguageDetection | undefined;
  /** `translate` if the text is a translation into English. */
  readonly task?: Task | undefined;
  /** Seconds of the recording, in steps of 10 ms; absent in a transcript made by hand. */
  readonly duration?: number | undefined;
}

/** A part of the text that was not found in the recording, or of the recording that is not in the text. */
export interface Unmatched {
  /** `notSaid`: it stands in the text. `notInText`: somebody says it. */
  readonly kind: 'notSaid' | 'notInText';
  readonly text: string;
  /** Of the text, from 1 on: where it stands, or after which it belongs. */
  readonly line: number;
  /** What is said in its place. */
  readonly heard?: string;
  /** Seconds: where it is said, or between which words it would be. */
  readonly start: number;
  readonly end: number;
}

export interface Transcript extends TranscriptSummary {
  readonly segments: readonly Segment[];
  /** What a known text and the recording do not have in common, in the order of time; present if a text was aligned. */
  readonly unmatched?: readonly Unmatched[];
}
