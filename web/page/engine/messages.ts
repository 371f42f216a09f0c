/** What the page and its engine, which runs in a worker of its own, say to each other. */
import type { LoadOptions, Progress, Segment, TranscriptSummary } from 'sotto';
import type { PageOptions } from '../asked.ts';
import type { Peaks } from '../transcriptDocument.ts';

/** What is loaded: another one is another engine. */
export interface EngineSetup {
  /** A name, or the address of a folder. */
  readonly model: string;
  readonly device: NonNullable<LoadOptions['device']>;
}

/** An error, as far as a person needs it. */
export interface EngineFailure {
  /** Of `sotto/codes`; undefined for an error that sotto did not throw. */
  readonly code: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
}

export interface LoadedEngine {
  /** `webgpu`, `cpu`. */
  readonly device: string;
  readonly description: string;
  readonly weightBytes: number;
  readonly dtype: string;
}

export type ToEngine =
  | { readonly kind: 'load'; readonly setup: EngineSetup }
  | {
      readonly kind: 'transcribe';
      readonly run: number;
      /** A recording, or its address. */
      readonly audio: Blob | string;
      readonly name: string;
      readonly options: PageOptions;
    }
  /** 16 kHz mono comes through the port in arrays; null ends it. */
  | {
      readonly kind: 'listen';
      readonly run: number;
      readonly samples: MessagePort;
      readonly options: PageOptions;
    }
  | { readonly kind: 'pause'; readonly isPaused: boolean }
  | { readonly kind: 'abort' };

export interface LoadingMessage {
  readonly kind: 'loading';
  readonly stage: string;
  /** Bytes, or whatever else is counted. */
  readonly done: number;
  readonly total: number;
}

/** Of the engine itself. */
export type LoadMessage =
  | LoadingMessage
  | { readonly kind: 'loaded'; readonly engine: LoadedEngine }
  /** Another device computes from now on: a GPU was lost. */
  | { readonly kind: 'moved'; readonly engine: LoadedEngine }
  | { readonly kind: 'warning'; readonly message: string }
  | { readonly kind: 'loadFailed'; readonly failure: EngineFailure };

/** Of one recording. */
export type WorkMessage =
  | { readonly kind: 'language'; readonly language: string }
  | { readonly kind: 'segment'; readonly segment: Segment }
  /** Of a live recording: the text after the last segment, and what of it may still change. */
  | { readonly kind: 'partial'; readonly stable: string; readonly partial: string }
  /** What was fetched. */
  | { readonly kind: 'recording'; readonly audio: Blob }
  /** Of what was read by now. */
  | { readonly kind: 'peaks'; readonly peaks: Peaks }
  /**
   * Of `transcribe`: seconds of sound whose text is there, how far the work has got, and how long it is; of `audio`: seconds
   * that are read; of `fetch`: bytes. A total of 0 is not known.
   */
  | {
      readonly kind: 'progress';
      readonly stage: Progress['stage'];
      readonly done: number;
      readonly reached: number;
      readonly total: number;
    }
  | { readonly kind: 'done'; readonly summary: TranscriptSummary }
  | { readonly kind: 'failed'; readonly failure: EngineFailure };

/** What is said of a recording says of which: one that was stopped may have a word on its way. */
export type FromEngine = LoadMessage | (WorkMessage & { readonly run: number });
