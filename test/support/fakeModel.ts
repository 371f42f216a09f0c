/** A model for tests of the server: it says given texts, waits when it is told to, and stops at an abort as the real one does. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServedModel } from '../../src/server/models.ts';
import type { TranscribeOptions } from '../../src/transcribe/options.ts';
import type { Segment, Transcript } from '../../src/transcribe/transcript.ts';
import { smallTokenizer as tokenizer } from './tokenizer.ts';

export interface FakeModel extends ServedModel {
  /** Calls of `transcribe` that are not done. */
  readonly running: number;
  /** What each call of `transcribe` was given. */
  readonly calls: readonly TranscribeOptions[];
  isClosed: boolean;
}

export interface FakeModelOptions {
  /** Of the segments; a second each. */
  readonly texts?: readonly string[];
  /** Before each segment. */
  readonly ms?: number;
  /** What a call is to throw, by its number. */
  readonly fail?: (call: number) => Error | undefined;
  readonly stream?: ServedModel['stream'];
}

export function fakeModel({
  texts = [' Hello there.', ' How are you? '],
  ms = 0,
  fail = () => undefined,
  stream,
}: FakeModelOptions = {}): FakeModel {
  const calls: TranscribeOptions[] = [];
  let running = 0;
  return {
    tokenizer,
    calls,
    isClosed: false,
    get running() {
      return running;
    },
    async transcribe(_, options = {}) {
      const number = calls.push(options) - 1;
      running++;
      try {
        const { signal, onSegment, onProgress } = options;
        const segments: Segment[] = [];
        for (const [id, text] of texts.entries()) {
          if (ms > 0) await sleep(ms, undefined, signal ? { signal } : {});
          signal?.throwIfAborted();
          const error = fail(number);
          if (error) throw error;
          const speaker = ['Left', 'Right'][id % 2];
          const named = options.channels === 'speakers' && speaker !== undefined && { speaker };
          const segment = { ...segmentOf(id, text), ...named };
          segments.push(segment);
          onSegment?.(segment);
          onProgress?.({ stage: 'transcribe', done: id + 1, total: texts.length, unit: 'seconds' });
        }
        return transcriptOf(segments, options);
      } finally {
        running--;
      }
    },
    /** Finds every word, a second a line. */
    async align(_, text, options = {}) {
      calls.push(options);
      options.signal?.throwIfAborted();
      const lines = typeof text === 'string' ? text.split(/\r?\n/) : text;
      const segments = lines.map((line, i) => ({
        ...segmentOf(i, ` ${line}`),
        words: [{ word: ` ${line}`, start: i, end: i + 1, probability: 0.5 }],
      }));
      const unmatched = [{ kind: 'notSaid', text: 'well', line: 1, start: 0, end: 1 }] as const;
      return { ...transcriptOf(segments, options), unmatched, wordCount: 3, foundCount: 2 };
    },
    async detectLanguage() {
      return { language: 'de', probabilities: { de: 0.6, fr: 0.3, en: 0.1 } };
    },
    stream: stream ?? noStream,
    async close() {
      this.isClosed = true;
    },
  };
}

function segmentOf(id: number, text: string): Segment {
  const tokens = tokenizer.encode(text);
  return {
    id,
    seek: 0,
    start: id,
    end: id + 1,
    text,
    tokens,
    tokenLogprobs: tokens.map(() => -0.25),
    temperature: 0,
    avgLogprob: -0.25,
    compressionRatio: 1,
    noSpeechProb: 0.1,
  };
}

function transcriptOf(segments: readonly Segment[], { task, language = 'en' }: TranscribeOptions): Transcript {
  const text = segments.map((segment) => segment.text).join('');
  return { text, segments, language, duration: segments.length - 0.5, ...(task && { task }) };
}

function noStream(): never {
  throw new Error('this model hears no streams');
}
