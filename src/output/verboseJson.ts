/**
 * The JSON of OpenAI's transcription API for `response_format=verbose_json`: the language by its English name, the
 * duration, and the words (if the transcript has word times) in a list of their own.
 *
 * @see https://platform.openai.com/docs/api-reference/audio/verbose-json-object
 */

import { strip } from '../base/python.ts';
import { languageName } from '../text/languages.ts';
import type { Transcript, Word } from '../transcribe/transcript.ts';
import { list, object, segmentFields, speakerField, unmatchedField } from './json.ts';
import { floatRepr, jsonString } from './pythonJson.ts';
import { hasWords } from './words.ts';

export function writeVerboseJson(transcript: Transcript): string {
  const { segments, language, task = 'transcribe' } = transcript;
  const duration = transcript.duration ?? segments.at(-1)?.end ?? 0;
  const fields: [string, string][] = [
    ['task', jsonString(task)],
    ['language', jsonString(languageName(language) ?? language)],
    ['duration', floatRepr(duration)],
    ['text', jsonString(strip(transcript.text))],
    ['segments', list(segments.map((segment) => object(segmentFields(segment))))],
  ];
  if (hasWords(transcript)) {
    const words = segments.flatMap((segment) => segment.words ?? []);
    fields.push(['words', list(words.map(wordJson))]);
  }
  return object([...fields, ...unmatchedField(transcript)]);
}

function wordJson({ word, start, end, speaker }: Word): string {
  return object([
    ['word', jsonString(strip(word))],
    ['start', floatRepr(start)],
    ['end', floatRepr(end)],
    ...speakerField(speaker),
  ]);
}
