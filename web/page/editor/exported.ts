/** A document as the transcript that the writers of `sotto/core` take. */
import type { Segment, Transcript, TranscriptSummary } from 'sotto/core';
import type { PageSegment } from '../transcriptDocument.ts';

/**
 * Of a document that nobody edited this is the model's own transcript, so that files are those of the command to the
 * byte. An edited segment has no tokens: those of the model are of another text.
 *
 * @param language code, if there is no summary
 */
export function toTranscript(
  segments: readonly PageSegment[],
  language: string,
  summary: TranscriptSummary | undefined,
): Transcript {
  const isEdited = segments.some(({ isEdited: changed, source }) => changed || !source);
  const joined = segments.map((segment) => segment.text).join('');
  // A segment that was deleted leaves no mark on the others.
  const isWhole = summary !== undefined && summary.text.trim() === joined.trim();
  const text = isEdited || !isWhole ? joined : summary.text;
  return { language, ...summary, text, segments: segments.map(toSegment) };
}

/** What a file about a recording is called without its extension: as the command does it, and as every system takes it. */
export function fileStem(name: string): string {
  return name.replace(/(.)\.\w{1,5}$/u, '$1').replace(/[\\/:*?"<>|\p{Cc}]/gu, '-');
}

function toSegment(segment: PageSegment, id: number): Segment {
  const { start, end, text, words, speaker, isEdited, source } = segment;
  if (source && !isEdited) return { ...source, id };
  const { speaker: _, words: __, ...scores } = source ?? NO_SCORES;
  const who = speaker === undefined ? {} : { speaker };
  return {
    ...scores,
    id,
    start,
    end,
    text,
    tokens: [],
    tokenLogprobs: [],
    ...who,
    ...(words && {
      words: words.map(({ text: word, probability = 1, ...time }) => ({ word, ...time, probability, ...who })),
    }),
  };
}

/** Of a segment that no model gave. */
const NO_SCORES: Segment = {
  id: 0,
  seek: 0,
  start: 0,
  end: 0,
  text: '',
  tokens: [],
  tokenLogprobs: [],
  temperature: 0,
  avgLogprob: 0,
  compressionRatio: 0,
  noSpeechProb: 0,
};
