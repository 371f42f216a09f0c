/** Reads and checks a model's `config.json` and `generation_config.json` (Hugging Face). */
import { WeightsError } from '../base/errors.ts';
import type { ModelDimensions } from '../model/dims.ts';
import { isObject, type JsonObject, parseJsonObject, shown } from './strictJson.ts';

/** A model's own settings for decoding. */
export interface GenerationFacts {
  /** Ids that are never sampled. */
  readonly suppressTokens?: readonly number[];
  /** Ids that are not sampled as the first token. */
  readonly beginSuppressTokens?: readonly number[];
  /** Decoder attention heads that are aligned with the audio, as [layer, head]. */
  readonly alignmentHeads?: readonly (readonly [layer: number, head: number])[];
}

export interface ModelConfig {
  readonly dims: ModelDimensions;
  readonly isMultilingual: boolean;
  readonly generation: GenerationFacts;
}

/** Larger than any size of a Whisper model (large-v3 has 51866 ids and layers 5120 wide). */
const MAX_SIZE = 2 ** 20;
/**
 * Sizes that cost memory beyond the tensors that prove them: log-mel, scores and caches. The spectrum that mel bins are made
 * of has 201 values, a window 1500 positions; every published model has 448 text positions.
 */
const LIMITS: Partial<Record<keyof ModelDimensions, number>> = { nMels: 201, nAudioCtx: 1500, nTextCtx: 4096 };

/** @throws {WeightsError} `badConfig`, `notWhisper`, `unsupported`, `badJson`, `duplicateKey` */
export function readConfig(
  config: { readonly name: string; readonly text: string },
  generation: { readonly name: string; readonly text: string } | undefined,
): ModelConfig {
  const json = parseJsonObject(config.name, config.text);
  if (json.model_type !== 'whisper') {
    throw new WeightsError(
      'notWhisper',
      `${config.name} has the model type ${shown(json.model_type)}, not "whisper".`,
      {
        hint: 'sotto runs Whisper models only.',
      },
    );
  }
  const expect = (field: string, value: unknown): void => {
    const found = json[field] ?? value;
    if (found === value) return;
    const values = `${shown(found)}, not ${shown(value)}`;
    throw new WeightsError('unsupported', `${config.name} has ${field} = ${values}.`);
  };
  expect('activation_function', 'gelu');
  expect('scale_embedding', false);
  if (typeof json.d_model === 'number') {
    expect('encoder_ffn_dim', 4 * json.d_model);
    expect('decoder_ffn_dim', 4 * json.d_model);
  }
  const dims = {
    nMels: json.num_mel_bins,
    nAudioCtx: json.max_source_positions,
    nAudioState: json.d_model,
    nAudioHead: json.encoder_attention_heads,
    nAudioLayer: json.encoder_layers,
    nVocab: json.vocab_size,
    nTextCtx: json.max_target_positions,
    nTextState: json.d_model,
    nTextHead: json.decoder_attention_heads,
    nTextLayer: json.decoder_layers,
  };
  const extra: JsonObject = generation ? parseJsonObject(generation.name, generation.text) : {};
  return checkConfig(config.name, {
    dims,
    isMultilingual: extra.is_multilingual ?? undefined,
    generation: {
      suppressTokens: extra.suppress_tokens ?? json.suppress_tokens,
      beginSuppressTokens: extra.begin_suppress_tokens ?? json.begin_suppress_tokens,
      alignmentHeads: extra.alignment_heads,
    },
  });
}

/**
 * Checks that a value is a ModelConfig.
 * @throws {WeightsError} `badConfig`
 */
export function checkConfig(name: string, value: unknown): ModelConfig {
  const bad = (what: string): WeightsError => new WeightsError('badConfig', `${name} ${what}.`);
  if (!isObject(value) || !isObject(value.dims) || !isObject(value.generation)) throw bad('contains no configuration');
  const given = value.dims;
  const size = (field: keyof ModelDimensions): number => {
    const n = given[field];
    const max = LIMITS[field] ?? MAX_SIZE;
    if (isCount(n) && n > 0 && n <= max) return n;
    throw bad(`has ${field} = ${shown(n)}, which is no integer from 1 to ${max}`);
  };
  const dims: ModelDimensions = {
    nMels: size('nMels'),
    nAudioCtx: size('nAudioCtx'),
    nAudioState: size('nAudioState'),
    nAudioHead: size('nAudioHead'),
    nAudioLayer: size('nAudioLayer'),
    nVocab: size('nVocab'),
    nTextCtx: size('nTextCtx'),
    nTextState: size('nTextState'),
    nTextHead: size('nTextHead'),
    nTextLayer: size('nTextLayer'),
  };
  if (dims.nAudioState % dims.nAudioHead !== 0 || dims.nTextState % dims.nTextHead !== 0) {
    throw bad('has a state size that is not a multiple of its number of heads');
  }
  const { suppressTokens, beginSuppressTokens, alignmentHeads } = value.generation;
  const isIds = (list: unknown): list is readonly number[] =>
    Array.isArray(list) && list.length <= dims.nVocab && list.every((id) => isBelow(id, dims.nVocab));
  const isHead = (pair: unknown): pair is readonly [number, number] =>
    Array.isArray(pair) && pair.length === 2 && isBelow(pair[0], dims.nTextLayer) && isBelow(pair[1], dims.nTextHead);
  const isHeads = (list: unknown): list is readonly (readonly [number, number])[] =>
    Array.isArray(list) && list.length <= dims.nTextLayer * dims.nTextHead && list.every(isHead);
  /** Absent and null mean the same; anything else must be valid. */
  const optional = <K extends string, T>(
    key: K,
    list: unknown,
    isValid: (list: unknown) => list is T,
  ): { [_ in K]?: T } => {
    if (list === undefined || list === null) return {};
    if (isValid(list)) return { [key]: list } as { [_ in K]?: T }; // its only key is K
    throw bad(`or generation_config.json has ${key} that are not valid for the model`);
  };
  return {
    dims,
    // Where the files do not say, openai/whisper's rule (whisper/model.py, is_multilingual).
    isMultilingual: typeof value.isMultilingual === 'boolean' ? value.isMultilingual : dims.nVocab >= 51865,
    generation: {
      ...optional('suppressTokens', suppressTokens, isIds),
      ...optional('beginSuppressTokens', beginSuppressTokens, isIds),
      ...optional('alignmentHeads', alignmentHeads, isHeads),
    },
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0; // an integer is a number
}

function isBelow(value: unknown, end: number): boolean {
  return isCount(value) && value < end;
}
