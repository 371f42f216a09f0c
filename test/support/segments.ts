/** Segments for tests that look at some of their fields only. */
import type { Segment } from '../../src/transcribe/transcript.ts';

/** The first segment, from 0 to 2 s, without tokens, with scores of no meaning; `fields` replace them. */
export function segmentOf(text: string, fields: Partial<Segment> = {}): Segment {
  const scores = { temperature: 0, avgLogprob: -0.5, compressionRatio: 1, noSpeechProb: 1e-5 };
  return { id: 0, seek: 0, start: 0, end: 2, text, tokens: [], tokenLogprobs: [], ...scores, ...fields };
}
