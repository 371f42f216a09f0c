/** The transcript as one line of JSON, with openai/whisper's names, numbers and strings as Python writes them. */

import type { Segment, Transcript, Word } from '../transcribe/transcript.ts';
import { floatRepr, jsonString } from './pythonJson.ts';

export function writeJson(transcript: Transcript): string {
  return object([
    ['text', jsonString(transcript.text)],
    ['segments', list(transcript.segments.map(segmentJson))],
    ['language', jsonString(transcript.language)],
    ...unmatchedField(transcript),
  ]);
}

function segmentJson(segment: Segment): string {
  const fields = segmentFields(segment);
  if (segment.words) fields.push(['words', list(segment.words.map(wordJson))]);
  return object(fields);
}

/** What a known text and the recording do not have in common; no field if no text was aligned. */
export function unmatchedField({ unmatched }: Transcript): [string, string][] {
  if (!unmatched) return [];
  const rows = unmatched.map(({ kind, text, line, heard, start, end }) =>
    object([
      ['kind', jsonString(kind === 'notSaid' ? 'not_said' : 'not_in_text')],
      ['text', jsonString(text)],
      ['line', String(line)],
      ...(heard === undefined ? [] : [['heard', jsonString(heard)] as const]),
      ['start', floatRepr(start)],
      ['end', floatRepr(end)],
    ]),
  );
  return [['unmatched', list(rows)]];
}

/** All fields of a segment except its words. */
export function segmentFields(segment: Segment): [string, string][] {
  return [
    ['id', String(segment.id)],
    ['seek', String(segment.seek)],
    ['start', floatRepr(segment.start)],
    ['end', floatRepr(segment.end)],
    ['text', jsonString(segment.text)],
    ['tokens', list(segment.tokens.map(String))],
    ['temperature', floatRepr(segment.temperature)],
    ['avg_logprob', floatRepr(segment.avgLogprob)],
    ['compression_ratio', floatRepr(segment.compressionRatio)],
    ['no_speech_prob', floatRepr(segment.noSpeechProb)],
    ...speakerField(segment.speaker),
  ];
}

function wordJson(word: Word): string {
  return object([
    ['word', jsonString(word.word)],
    ['start', floatRepr(word.start)],
    ['end', floatRepr(word.end)],
    ['probability', floatRepr(word.probability)],
    ...speakerField(word.speaker),
  ]);
}

/** None where it is not known who speaks. */
export function speakerField(speaker: string | undefined): [string, string][] {
  return speaker === undefined ? [] : [['speaker', jsonString(speaker)]];
}

export function list(items: readonly string[]): string {
  return `[${items.join(', ')}]`;
}

export function object(fields: readonly (readonly [string, string])[]): string {
  return `{${fields.map(([name, value]) => `"${name}": ${value}`).join(', ')}}`;
}
