/**
 * The JSON that OpenAI's transcription API answers with for `response_format=verbose_json`: the language by its English
 * name, the duration, and the words (where their times were asked for) in one list of their own.
 *
 * @see https://platform.openai.com/docs/api-reference/audio/verbose-json-object
 */
import { strip } from '../numeric/python.js';
import { languageName } from '../tokenizer/languages.js';
import type { Transcript } from '../transcribe/transcribe.js';
import { list, object, segmentFields } from './json.js';
import { floatRepr, jsonString } from './pythonJson.js';
import { hasWords } from './words.js';

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
  return object(fields);
}

function wordJson({ word, start, end }: { readonly word: string; readonly start: number; readonly end: number }) {
  return object([
    ['word', jsonString(strip(word))],
    ['start', floatRepr(start)],
    ['end', floatRepr(end)],
  ]);
}
