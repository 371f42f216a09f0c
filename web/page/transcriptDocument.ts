/** A transcript as the page holds it: what the engine adds to, the editor changes, and the history keeps. */
import { type Signal, signal } from '@preact/signals';
import type { Segment, TranscriptSummary } from 'sotto/core';
import type { Asked } from './asked.ts';

export interface PageWord {
  /** As it stands in the text, with the space before it where there is one. */
  readonly text: string;
  /** Seconds. */
  readonly start: number;
  readonly end: number;
  /** Of 1; absent where a person typed the word. */
  readonly probability?: number | undefined;
}

export interface PageSegment {
  /** Its own for as long as the document is open; order is that of the list. */
  readonly id: number;
  /** Seconds. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** In order; joined they are the text. Absent where no word times were asked for. */
  readonly words?: readonly PageWord[] | undefined;
  readonly speaker?: string | undefined;
  readonly isEdited?: boolean | undefined;
  /** What the model gave: exports of segments that are not edited are made from it. */
  readonly source?: Segment | undefined;
}

/** The loudness of a recording, in as many steps as a screen can show, whatever its length. */
export interface Peaks {
  /** Of each step the largest magnitude, 0 to 1. */
  readonly values: Float32Array;
  /** Seconds of the recording; each step has its equal share. */
  readonly duration: number;
}

export interface TranscriptDocument {
  /** What it was made with. */
  readonly asked: Asked;
  readonly name: Signal<string>;
  /** Code, `en`; undefined until it is known. */
  readonly language: Signal<string | undefined>;
  /** Each change is a new list, in which segments that stay are the same objects. */
  readonly segments: Signal<readonly PageSegment[]>;
  /** What the model says of the whole recording when it is done. */
  readonly summary: Signal<TranscriptSummary | undefined>;
  /** What is played; undefined for a live recording that is not over, and where it was not kept. */
  readonly audio: Signal<Blob | undefined>;
  readonly peaks: Signal<Peaks | undefined>;
  /** Segments are still being added. */
  readonly isBusy: Signal<boolean>;
}

/** @param name of the recording, as its file is called */
export function createDocument(name: string, asked: Asked): TranscriptDocument {
  return {
    asked,
    name: signal(name),
    language: signal(undefined),
    segments: signal([]),
    summary: signal(undefined),
    audio: signal(undefined),
    peaks: signal(undefined),
    isBusy: signal(false),
  };
}

/** A segment of the model as the page holds it. */
export function pageSegment(source: Segment): PageSegment {
  const { id, start, end, text, words, speaker } = source;
  return {
    id,
    start,
    end,
    text,
    ...(words && {
      words: words.map((word) => ({
        text: word.word,
        start: word.start,
        end: word.end,
        probability: word.probability,
      })),
    }),
    ...(speaker !== undefined && { speaker }),
    source,
  };
}
