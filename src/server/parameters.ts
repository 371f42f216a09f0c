/**
 * The fields of a request: OpenAI's parameters, each with what it is here, and besides them every option that `sotto` takes for
 * a recording, under its name on the command line. What is not known, not possible or contradicts something is refused with the
 * field's name; nothing is taken and ignored.
 *
 * @see https://platform.openai.com/docs/api-reference/audio/createTranscription (2026-08)
 */
import { OptionsError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import type { WrapOptions } from '../output/wrap.ts';
import { languageCode } from '../text/languages.ts';
import type { Task } from '../text/tokenizer.ts';
import type { AlignOptions } from '../transcribe/align/options.ts';
import type { TranscribeOptions } from '../transcribe/options.ts';
import { ApiError } from './errors.ts';
import { RESPONSE_FORMATS, type ResponseFormat } from './formats.ts';

export interface RequestSettings {
  readonly transcribe: TranscribeOptions;
  /** Those of them that count where a known text is aligned. */
  readonly align: AlignOptions;
  readonly layout: WrapOptions;
}

/** Reads options as they are written on the command line: `beam_size`. */
export interface OptionReader {
  /** Those that a request may set. */
  readonly names: readonly string[];
  /** Those of them that a request with a known text may set. */
  readonly alignNames: readonly string[];
  /** With the server's own for what is not given. @throws {OptionsError} */
  read(texts: ReadonlyMap<string, string>): RequestSettings;
}

/** What an endpoint does. */
export type Endpoint = Task | 'align';

/** What a request asks for; plain data, so that a job can be kept. */
export interface Asked {
  readonly model: string | undefined;
  /** A known text, whose times are asked for. */
  readonly text?: string | undefined;
  readonly format: ResponseFormat;
  readonly isStream: boolean;
  readonly wantsLogprobs: boolean;
  /** Codes, of which the likeliest is taken; of all languages where there are none. */
  readonly languages: readonly string[];
  /** Options of the command by their written names. */
  readonly options: Readonly<Record<string, string>>;
}

interface Draft {
  readonly endpoint: Endpoint;
  model: string | undefined;
  text: string | undefined;
  format: ResponseFormat;
  isStream: boolean;
  wantsLogprobs: boolean;
  languages: string[];
  readonly options: Map<string, string>;
  /** Option -> the field that set it, for errors. */
  readonly fieldOf: Map<string, string>;
  /** Fields that say how speech is looked for, by their inner names. */
  readonly chunking: Map<string, string>;
}

type Reader = (value: string, draft: Draft, field: string) => void;

/** Fields with one value. */
const SINGLE: Readonly<Record<string, Reader>> = {
  model: (value, draft) => {
    draft.model = value === '' ? undefined : value;
  },
  response_format: (value, draft, field) => {
    const format = RESPONSE_FORMATS.find((name) => name === value);
    if (!format) throw refused(field, `${field} is one of ${RESPONSE_FORMATS.join(', ')}, not "${short(value)}".`);
    draft.format = format;
  },
  stream: (value, draft, field) => {
    draft.isStream = flag(value, field);
  },
  prompt: (value, draft, field) => set(draft, 'initial_prompt', value, field),
  language: (value, draft, field) => {
    if (value !== '') set(draft, 'language', value, field);
  },
  temperature: (value, draft, field) => {
    // 0 is what OpenAI's API has when nothing is said: the likeliest tokens, and others where their text is bad.
    if (value !== '' && Number(value) === 0) return;
    set(draft, 'temperature', value, field);
  },
  chunking_strategy: (value, draft, field) => {
    if (value === '' || value === 'null') return;
    if (value !== 'auto') throw refused(field, `${field} is auto, or its fields are given: ${field}[type]=server_vad.`);
    draft.chunking.set('type', 'auto');
  },
  text: (value, draft, field) => {
    if (draft.endpoint !== 'align') throw refused(field, 'A known text goes to POST /v1/audio/alignments.');
    draft.text = value;
  },
  user: (_, __, field) => {
    throw refused(field, `${field} has no meaning here: nothing is kept by user. Leave it out.`);
  },
};

/** Fields that may come several times, with or without `[]`. */
const LISTS: Readonly<Record<string, (values: readonly string[], draft: Draft, field: string) => void>> = {
  timestamp_granularities: (values, draft, field) => {
    for (const value of values) {
      if (value !== 'word' && value !== 'segment')
        throw refused(field, `${field} is word or segment, not "${short(value)}".`);
    }
    if (values.includes('word')) set(draft, 'word_timestamps', 'True', field);
  },
  include: (values, draft, field) => {
    const other = values.find((value) => value !== 'logprobs');
    if (other !== undefined) throw refused(field, `${field} is logprobs, not "${short(other)}".`);
    draft.wantsLogprobs = values.length > 0;
  },
  keywords: (values, draft, field) => set(draft, 'hotwords', values.join(', '), field),
  languages: (values, draft, field) => {
    try {
      draft.languages = [...new Set(values.map(languageCode))];
    } catch (error) {
      if (error instanceof OptionsError) throw refused(field, sentence(error), error.code);
      throw error;
    }
  },
  known_speaker_names: (_, __, field) => {
    throw refused(
      field,
      `${field} needs a model that knows voices, which this server does not have: channels=speakers takes speaker_names.`,
    );
  },
  known_speaker_references: (_, __, field) => {
    throw refused(
      field,
      `${field} needs a model that knows voices, which this server does not have: channels=speakers takes speaker_names.`,
    );
  },
};

/** OpenAI's milliseconds -> seconds of ours. */
const CHUNKING: Readonly<Record<string, string>> = {
  silence_duration_ms: 'vad_min_silence',
  prefix_padding_ms: 'vad_padding',
};

/** Options that the endpoint and other fields say. */
const NOT_BY_NAME: Readonly<Record<string, string>> = {
  task: 'Translations are made by POST /v1/audio/translations.',
  initial_prompt: 'Its name here is prompt.',
  hotwords: 'Their name here is keywords[].',
};

/**
 * @param fields in the order of the form
 * @param endpoint what it does
 * @throws {ApiError} 400 that names the field
 */
export function readParameters(
  fields: readonly (readonly [name: string, value: string])[],
  endpoint: Endpoint,
  reader: OptionReader,
): { readonly asked: Asked; readonly settings: RequestSettings } {
  const isAlignment = endpoint === 'align';
  const names = isAlignment ? reader.alignNames : reader.names;
  const draft: Draft = {
    endpoint,
    model: undefined,
    text: undefined,
    format: isAlignment ? 'verbose_json' : 'json',
    isStream: false,
    wantsLogprobs: false,
    languages: [],
    options: new Map(),
    fieldOf: new Map(),
    chunking: new Map(),
  };
  for (const [base, { values, field }] of grouped(fields)) {
    const list = Object.hasOwn(LISTS, base) ? LISTS[base] : undefined;
    if (list) {
      list(values, draft, field);
      continue;
    }
    const [value = ''] = values;
    if (values.length > 1) throw refused(field, `${field} is given ${values.length} times.`);
    const inner = /^chunking_strategy\[(\w+)\]$/.exec(base)?.[1];
    if (inner !== undefined) draft.chunking.set(inner, value);
    else if (Object.hasOwn(SINGLE, base)) SINGLE[base]?.(value, draft, field);
    else if (Object.hasOwn(NOT_BY_NAME, base))
      throw refused(field, `${field} is no field. ${NOT_BY_NAME[base]}`, 'unknown_parameter');
    else if (names.includes(base)) set(draft, base, value, field);
    else throw unknown(field, base, names);
  }
  readChunking(draft);
  // Who speaks is known by the channel.
  if (draft.format === 'diarized_json' && !draft.fieldOf.has('channels'))
    set(draft, 'channels', 'speakers', 'response_format');
  if (endpoint === 'translate') draft.options.set('task', 'translate');
  if (isAlignment) checkAlignment(draft);
  checkTogether(draft);
  const options = Object.fromEntries(draft.options);
  const { model, text, format, isStream, wantsLogprobs, languages } = draft;
  return {
    asked: { model, ...(text !== undefined && { text }), format, isStream, wantsLogprobs, languages, options },
    settings: settingsOf(draft, reader),
  };
}

/** The same field with and without `[]` is one. */
function grouped(
  fields: readonly (readonly [string, string])[],
): Map<string, { readonly values: string[]; readonly field: string }> {
  const found = new Map<string, { readonly values: string[]; readonly field: string }>();
  for (const [field, value] of fields) {
    const base = field.replace(/\[\]$/, '');
    const group = found.get(base);
    if (group) group.values.push(value);
    else found.set(base, { values: [value], field });
  }
  return found;
}

function set(draft: Draft, option: string, value: string, field: string): void {
  const other = draft.fieldOf.get(option);
  if (other !== undefined) throw refused(field, `${field} and ${other} say the same thing: give one of them.`);
  draft.options.set(option, value);
  draft.fieldOf.set(option, field);
}

/** `auto` and `server_vad` look for speech first, which is what `vad` does. */
function readChunking(draft: Draft): void {
  const { chunking } = draft;
  if (chunking.size === 0) return;
  const type = chunking.get('type');
  if (type !== 'auto' && type !== 'server_vad') {
    throw refused('chunking_strategy[type]', `chunking_strategy[type] is server_vad, not "${short(type ?? '')}".`);
  }
  set(draft, 'vad', 'True', 'chunking_strategy');
  for (const [inner, value] of chunking) {
    if (inner === 'type') continue;
    const field = `chunking_strategy[${inner}]`;
    const option = Object.hasOwn(CHUNKING, inner) ? CHUNKING[inner] : undefined;
    if (option === undefined) {
      const why = inner === 'threshold' ? ' Speech is told by its level here: vad_threshold, in dB.' : '';
      throw refused(field, `${field} is not known to this server.${why}`);
    }
    const ms = value.trim() === '' ? Number.NaN : Number(value);
    if (!(ms >= 0)) throw refused(field, `${field} takes milliseconds, not "${short(value)}".`);
    set(draft, option, String(ms / 1000), field);
  }
}

/** Words and their times are always looked for. */
function checkAlignment(draft: Draft): void {
  const { text, format, isStream, fieldOf } = draft;
  if (text === undefined) throw refused('text', 'There is no text: send it as the field "text".', 'noText');
  if (isStream) throw refused('stream', 'An alignment has no stream: its times are known when all of it is.');
  if (format === 'json' || format === 'diarized_json') {
    throw refused(
      'response_format',
      `${format} has no place for times: ask for verbose_json, srt, vtt, lrc, tsv or csv.`,
    );
  }
  if (fieldOf.has('vad')) throw refused('chunking_strategy', 'chunking_strategy has no meaning here: leave it out.');
  draft.options.set('word_timestamps', 'True');
}

const STREAMED: readonly ResponseFormat[] = ['json', 'text', 'verbose_json', 'diarized_json'];

function checkTogether({ format, isStream, wantsLogprobs, languages, fieldOf, options }: Draft): void {
  if (format === 'diarized_json' && options.get('channels') !== 'speakers') {
    throw refused('channels', 'diarized_json says who speaks, which is known by the channel: channels is speakers.');
  }
  if (isStream && !STREAMED.includes(format)) {
    throw refused('stream', `stream gives text while it is decoded, and ${format} is written when all of it is there.`);
  }
  if (wantsLogprobs && format !== 'json') throw refused('include[]', `include[]=logprobs needs response_format=json.`);
  const words = fieldOf.get('word_timestamps');
  if (words !== undefined && ['json', 'text', 'diarized_json'].includes(format)) {
    throw refused(words, `${words} needs a response_format that has times: verbose_json, srt, vtt, lrc, tsv or csv.`);
  }
  if (languages.length > 0 && fieldOf.has('language')) {
    throw refused('languages[]', 'language and languages[] exclude each other.');
  }
}

/** @throws {ApiError} 400 with the field of the option that is wrong */
export function settingsOf(
  { options, fieldOf }: Pick<Draft, 'options' | 'fieldOf'>,
  reader: OptionReader,
): RequestSettings {
  try {
    return reader.read(options);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    const option = [...options.keys()].find((name) => new RegExp(`\\b${name}\\b`).test(error.message));
    const field = option === undefined ? undefined : (fieldOf.get(option) ?? option);
    const text = sentence(error);
    throw new ApiError(400, option && field ? text.replaceAll(option, field) : text, {
      param: field,
      code: error.code,
    });
  }
}

function sentence({ message, hint }: OptionsError): string {
  return hint === undefined ? message : `${message} ${hint}`;
}

function flag(value: string, field: string): boolean {
  const lower = value.toLowerCase();
  if (lower === 'true') return true;
  if (lower === 'false' || lower === '') return false;
  throw refused(field, `${field} is true or false, not "${short(value)}".`);
}

function refused(param: string, message: string, code = 'invalid_value'): ApiError {
  return new ApiError(400, message, { param, code });
}

function unknown(field: string, base: string, names: readonly string[]): ApiError {
  const near = nearest(base.toLowerCase(), [...Object.keys(SINGLE), ...Object.keys(LISTS), ...names]);
  const hint = near === undefined ? '' : ` Did you mean ${near}?`;
  return refused(short(field), `There is no parameter ${short(field)}.${hint}`, 'unknown_parameter');
}

function short(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}
