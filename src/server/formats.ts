/**
 * What a transcript is answered as: OpenAI's formats and ours. All but `json` are the bytes that the command writes into its
 * files; `verbose_json` has `usage` beside them.
 *
 * @see https://platform.openai.com/docs/api-reference/audio/createTranscription
 */
import { strip } from '../base/python.ts';
import type { WrapOptions } from '../output/wrap.ts';
import { type Format, write } from '../output/writer.ts';
import type { Transcript } from '../transcribe/transcript.ts';
import type { TokenLogprob } from './logprobs.ts';

export const RESPONSE_FORMATS = ['json', 'text', 'srt', 'vtt', 'verbose_json', 'tsv', 'lrc', 'csv'] as const;
export type ResponseFormat = (typeof RESPONSE_FORMATS)[number];

/** Clients parse JSON by it, and nothing else. */
const CONTENT_TYPES: Readonly<Record<ResponseFormat, string>> = {
  json: 'application/json',
  verbose_json: 'application/json',
  text: 'text/plain; charset=utf-8',
  srt: 'application/x-subrip; charset=utf-8',
  vtt: 'text/vtt; charset=utf-8',
  tsv: 'text/tab-separated-values; charset=utf-8',
  lrc: 'text/plain; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
};

const WRITERS: Readonly<Record<Exclude<ResponseFormat, 'json' | 'verbose_json'>, Format>> = {
  text: 'txt',
  srt: 'srt',
  vtt: 'vtt',
  tsv: 'tsv',
  lrc: 'lrc',
  csv: 'csv',
};

export interface Usage {
  readonly type: 'duration';
  /** Of the recording, rounded up. */
  readonly seconds: number;
}

export interface Answer {
  readonly contentType: string;
  readonly body: string;
}

export function usageOf({ duration = 0 }: Transcript): Usage {
  return { type: 'duration', seconds: Math.ceil(duration) };
}

/** @param logprobs of the tokens of the text, where they were asked for: `json` alone has a place for them */
export function answerOf(
  transcript: Transcript,
  format: ResponseFormat,
  layout: WrapOptions,
  logprobs?: readonly TokenLogprob[],
): Answer {
  const contentType = CONTENT_TYPES[format];
  const usage = usageOf(transcript);
  if (format === 'json') {
    const text = strip(transcript.text);
    return { contentType, body: JSON.stringify({ text, ...(logprobs && { logprobs }), usage }) };
  }
  if (format === 'verbose_json') {
    const file = write(transcript, 'verbose_json', layout);
    return { contentType, body: `${file.slice(0, -1)}, "usage": ${JSON.stringify(usage)}}` };
  }
  return { contentType, body: write(transcript, WRITERS[format], layout) };
}
