/**
 * What a session of `/v1/realtime` is told of its sound, as `session.update` and the older `transcription_session.update` say it.
 *
 * @see https://platform.openai.com/docs/api-reference/realtime-client-events (2026-08)
 */
import { OptionsError } from '../../base/errors.ts';
import { languageCode } from '../../text/languages.ts';
import { ApiError } from '../errors.ts';

export type SoundFormat = 'audio/pcm' | 'audio/pcmu' | 'audio/pcma';

/** Hz; samples have 16 bits in `audio/pcm`, 8 in the others. */
export const RATES: Readonly<Record<SoundFormat, number>> = {
  'audio/pcm': 24_000,
  'audio/pcmu': 8000,
  'audio/pcma': 8000,
};

export interface TurnDetection {
  readonly threshold: number;
  readonly prefixMs: number;
  readonly silenceMs: number;
}

export interface SessionConfig {
  readonly format: SoundFormat;
  /** As the client names it; undefined: the default one. */
  readonly model: string | undefined;
  readonly language: string | undefined;
  readonly prompt: string | undefined;
  /** Words shown to every window. */
  readonly keywords: readonly string[];
  /** null: turns end when the client says so. */
  readonly turns: TurnDetection | null;
}

const DEFAULT_TURNS: TurnDetection = { threshold: 0.5, prefixMs: 300, silenceMs: 500 };

export const DEFAULT_CONFIG: SessionConfig = {
  format: 'audio/pcm',
  model: undefined,
  language: undefined,
  prompt: undefined,
  keywords: [],
  turns: DEFAULT_TURNS,
};

type Fields = Readonly<Record<string, unknown>>;

const OLD_FORMATS: Readonly<Record<string, SoundFormat>> = {
  pcm16: 'audio/pcm',
  g711_ulaw: 'audio/pcmu',
  g711_alaw: 'audio/pcma',
};

/**
 * @param session of the event
 * @returns the configuration with what it changes
 * @throws {ApiError} 400 that names the field
 */
export function updatedConfig(config: SessionConfig, session: unknown): SessionConfig {
  const fields = fieldsOf(session, 'session');
  takes(fields, 'session', [
    ...['type', 'audio', 'include'],
    ...['input_audio_format', 'input_audio_transcription', 'turn_detection', 'input_audio_noise_reduction'],
  ]);
  if (fields.type !== undefined && fields.type !== 'transcription') {
    throw refused('session.type', 'session.type is transcription: this server does not speak.');
  }
  if (Array.isArray(fields.include) && fields.include.length > 0) {
    throw refused('session.include', 'session.include has nothing that this server can add.');
  }
  const audio = fieldsOf(fields.audio ?? {}, 'session.audio');
  takes(audio, 'session.audio', ['input']);
  const input = fieldsOf(audio.input ?? {}, 'session.audio.input');
  takes(input, 'session.audio.input', ['format', 'transcription', 'turn_detection', 'noise_reduction']);
  if ((input.noise_reduction ?? fields.input_audio_noise_reduction ?? null) !== null) {
    throw refused('noise_reduction', 'Noise is not taken out here: set noise_reduction to null.');
  }
  const transcription = input.transcription ?? fields.input_audio_transcription;
  const turns = 'turn_detection' in input ? input.turn_detection : fields.turn_detection;
  return {
    ...config,
    format: formatOf(input.format, fields.input_audio_format) ?? config.format,
    ...(transcription !== undefined && transcription !== null && transcriptionOf(transcription)),
    ...(turns !== undefined && { turns: turnsOf(turns) }),
  };
}

/** What the client is told of it. */
export function shownConfig({ format, model, language, prompt, keywords, turns }: SessionConfig): object {
  return {
    type: 'transcription',
    audio: {
      input: {
        format: { type: format, ...(format === 'audio/pcm' && { rate: RATES[format] }) },
        transcription: { model: model ?? null, language: language ?? null, prompt: prompt ?? '', keywords },
        noise_reduction: null,
        turn_detection: turns && {
          type: 'server_vad',
          threshold: turns.threshold,
          prefix_padding_ms: turns.prefixMs,
          silence_duration_ms: turns.silenceMs,
        },
      },
    },
  };
}

function formatOf(given: unknown, old: unknown): SoundFormat | undefined {
  if (old !== undefined) {
    const format = typeof old === 'string' && Object.hasOwn(OLD_FORMATS, old) ? OLD_FORMATS[old] : undefined;
    return format ?? fail('session.input_audio_format', 'is pcm16, g711_ulaw or g711_alaw');
  }
  if (given === undefined) return undefined;
  const place = 'session.audio.input.format';
  const { type, rate } = fieldsOf(given, place);
  if (type !== 'audio/pcm' && type !== 'audio/pcmu' && type !== 'audio/pcma') {
    return fail(`${place}.type`, 'is audio/pcm, audio/pcmu or audio/pcma');
  }
  if (rate !== undefined && rate !== RATES[type]) return fail(`${place}.rate`, `is ${RATES[type]} for ${type}`);
  return type;
}

function transcriptionOf(given: unknown): Partial<SessionConfig> {
  const place = 'session.audio.input.transcription';
  const fields = fieldsOf(given, place);
  takes(fields, place, ['model', 'language', 'languages', 'prompt', 'keywords']);
  const text = (name: string): string | undefined => {
    const value = fields[name] ?? '';
    if (typeof value !== 'string') return fail(`${place}.${name}`, 'is a text');
    return value === '' ? undefined : value;
  };
  const list = (name: string): readonly string[] => {
    const value = fields[name] ?? [];
    const isList = Array.isArray(value) && value.every((item) => typeof item === 'string');
    return isList ? value : fail(`${place}.${name}`, 'is a list of texts');
  };
  const languages = list('languages');
  if (languages.length > 1) return fail(`${place}.languages`, 'has one language, or is left out: it is then detected');
  const language = text('language') ?? languages[0];
  try {
    return {
      model: text('model'),
      prompt: text('prompt'),
      keywords: list('keywords'),
      language: language === undefined ? undefined : languageCode(language),
    };
  } catch (error) {
    if (error instanceof OptionsError) throw refused(`${place}.language`, error.message);
    throw error;
  }
}

function turnsOf(given: unknown): TurnDetection | null {
  if (given === null) return null;
  const place = 'session.audio.input.turn_detection';
  const fields = fieldsOf(given, place);
  takes(fields, place, ['type', 'threshold', 'prefix_padding_ms', 'silence_duration_ms']);
  if ((fields.type ?? 'server_vad') !== 'server_vad')
    return fail(`${place}.type`, 'is server_vad, or there is none: null');
  const number = (name: string, most: number, standard: number): number => {
    const value = fields[name] ?? standard;
    if (typeof value === 'number' && value >= 0 && value <= most) return value;
    return fail(`${place}.${name}`, `is a number from 0 to ${most}`);
  };
  return {
    threshold: number('threshold', 1, DEFAULT_TURNS.threshold),
    prefixMs: number('prefix_padding_ms', 10_000, DEFAULT_TURNS.prefixMs),
    silenceMs: number('silence_duration_ms', 60_000, DEFAULT_TURNS.silenceMs),
  };
}

function fieldsOf(given: unknown, place: string): Fields {
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given as Fields; // an object
  return fail(place, 'is an object');
}

function takes(fields: Fields, place: string, names: readonly string[]): void {
  const other = Object.keys(fields).find((name) => !names.includes(name));
  if (other !== undefined) throw refused(`${place}.${other}`, `${place} has no field ${other.slice(0, 100)} here.`);
}

function fail(place: string, wanted: string): never {
  throw refused(place, `${place} ${wanted}.`);
}

function refused(param: string, message: string): ApiError {
  return new ApiError(400, message, { param, code: 'invalid_value' });
}
