/**
 * What a transcript is answered as: OpenAI's formats and ours. They are the bytes that the command writes into its
 * files, but for `json` and `diarized_json`; `verbose_json` has `usage` beside them.
 *
 * @see https://platform.openai.com/docs/api-reference/audio/createTranscription
 */
import { strip } from '../base/python.ts';
import type { WrapOptions } from '../output/wrap.ts';
import { type Format, write } from '../output/writer.ts';
import type { Segment, Transcript } from '../transcribe/transcript.ts';
import type { TokenLogprob } from './logprobs.ts';

interface ResponseKind {
  /** Clients parse JSON by it, and nothing else. */
  readonly contentType: string;
  /** The command's file that it is; `json` and `diarized_json` are none of them. */
  readonly file?: Format;
}

const KINDS = {
  json: { contentType: 'application/json' },
  text: { contentType: 'text/plain; charset=utf-8', file: 'txt' },
  srt: { contentType: 'application/x-subrip; charset=utf-8', file: 'srt' },
  vtt: { contentType: 'text/vtt; charset=utf-8', file: 'vtt' },
  verbose_json: { contentType: 'application/json', file: 'verbose_json' },
  diarized_json: { contentType: 'application/json' },
  tsv: { contentType: 'text/tab-separated-values; charset=utf-8', file: 'tsv' },
  lrc: { contentType: 'text/plain; charset=utf-8', file: 'lrc' },
  csv: { contentType: 'text/csv; charset=utf-8', file: 'csv' },
} as const satisfies Readonly<Record<string, ResponseKind>>;

export type ResponseFormat = keyof typeof KINDS;
// The table's own keys.
export const RESPONSE_FORMATS = Object.keys(KINDS) as readonly ResponseFormat[];

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

/** A segment with who speaks, in a `diarized_json` and as an event of a stream. */
export function diarizedSegment({ id, start, end, text, speaker = '' }: Segment) {
  return { id: String(id), type: 'transcript.text.segment', start, end, text: strip(text), speaker };
}

/** @param logprobs of the tokens of the text, where they were asked for: `json` alone has a place for them */
export function answerOf(
  transcript: Transcript,
  format: ResponseFormat,
  layout: WrapOptions,
  logprobs?: readonly TokenLogprob[],
): Answer {
  const { contentType, file }: ResponseKind = KINDS[format];
  const usage = usageOf(transcript);
  const text = strip(transcript.text);
  if (format === 'diarized_json') {
    const { task = 'transcribe', duration = 0, segments } = transcript;
    const diarized = { task, duration, text, segments: segments.map(diarizedSegment), usage };
    return { contentType, body: JSON.stringify(diarized) };
  }
  if (file === undefined) {
    return { contentType, body: JSON.stringify({ text, ...(logprobs && { logprobs }), usage }) };
  }
  const body = write(transcript, file, layout);
  // The file's object, with one more field at its end.
  if (file === 'verbose_json') return { contentType, body: `${body.slice(0, -1)}, "usage": ${JSON.stringify(usage)}}` };
  return { contentType, body };
}
