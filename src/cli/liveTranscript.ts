/** Collects the updates of a stream into a transcript, also when it is stopped in the middle of a sentence. */
import { FRAMES_PER_SECOND } from '../audio/constants.ts';
import { strip } from '../base/python.ts';
import { compressionRatio } from '../text/compressionRatio.ts';
import type { StreamUpdate } from '../transcribe/stream/stream.ts';
import type { Segment, Transcript, Word } from '../transcribe/transcript.ts';

export class LiveTranscript {
  readonly #segments: Segment[] = [];
  /** Stable words that are in no segment yet. */
  readonly #pending: Word[] = [];
  /** Seconds of sound so far. */
  #duration = 0;

  add({ words, segments, heard }: StreamUpdate): void {
    this.#duration = heard;
    this.#pending.push(...words);
    for (const segment of segments) {
      this.#segments.push(segment);
      this.#pending.splice(0, segment.words?.length ?? 0);
    }
  }

  /** @param withWords keep the times of words */
  finish(about: Pick<Transcript, 'language' | 'task'>, withWords: boolean): Transcript {
    const pending = [...this.#pending];
    const all = pending.length > 0 ? [...this.#segments, this.#unfinished(pending)] : this.#segments;
    const segments = withWords ? all : all.map(({ words: _, ...segment }) => segment);
    return { ...about, text: all.map(({ text }) => text).join(''), segments, duration: this.#duration };
  }

  /** Its tokens are not known; its log-probability is the mean of its words'. */
  #unfinished(words: readonly Word[]): Segment {
    const text = words.map(({ word }) => word).join('');
    const sum = words.reduce((total, { probability }) => total + Math.log(Math.max(probability, 1e-10)), 0);
    const [start, end] = [words[0]?.start ?? 0, words.at(-1)?.end ?? 0];
    return {
      id: this.#segments.length,
      seek: Math.floor(start * FRAMES_PER_SECOND),
      start,
      end,
      text,
      tokens: [],
      tokenLogprobs: [],
      temperature: 0,
      avgLogprob: sum / words.length,
      compressionRatio: compressionRatio(strip(text)),
      noSpeechProb: 0,
      words,
    };
  }
}
