/**
 * The logit rules of a window, as data made of options and tokenizer. Their meaning is `applyRules`.
 *
 * @see openai/whisper, whisper/decoding.py: DecodingTask.__init__, _get_suppress_tokens
 */
import { OptionsError } from '../base/errors.ts';
import { roundHalfEven } from '../base/python.ts';
import type { LogitRules, TimestampRules } from '../rules/logitRules.ts';
import { TIME_PRECISION, type Tokenizer } from '../text/tokenizer.ts';
import type { ResolvedDecodingOptions } from './options.ts';

export function logitRules(tokenizer: Tokenizer, options: ResolvedDecodingOptions): LogitRules {
  const { suppressBlank, withoutTimestamps } = options;
  return {
    eot: tokenizer.eot,
    noSpeech: tokenizer.noSpeech,
    suppress: suppressedTokens(tokenizer, options.suppressTokens),
    suppressAtStart: suppressBlank ? [...tokenizer.encode(' '), tokenizer.eot] : [],
    timestamps: withoutTimestamps ? undefined : timestampRules(tokenizer, options.maxInitialTimestamp),
  };
}

function timestampRules(tokenizer: Tokenizer, maxInitial: number | null): TimestampRules {
  return {
    begin: tokenizer.timestampBegin,
    noTimestamps: tokenizer.noTimestamps,
    eot: tokenizer.eot,
    // 0 means no limit, as null does: openai/whisper tests it for truth.
    maxInitial: maxInitial ? roundHalfEven(maxInitial / TIME_PRECISION) : undefined,
  };
}

/**
 * @returns ids in ascending order; none at all if the option is empty
 * @throws {OptionsError} `suppressTokens` for what is no list of ids of this model
 */
function suppressedTokens(tokenizer: Tokenizer, given: string | readonly number[] | null): number[] {
  const ids = typeof given === 'string' ? parseIds(given) : (given ?? []);
  if (ids.length === 0) return [];
  const all = new Set<number>();
  for (const id of ids) {
    if (!Number.isInteger(id) || id < -1 || id >= tokenizer.nVocab) {
      throw new OptionsError('suppressTokens', `${id} in suppressTokens is no id from 0 to ${tokenizer.nVocab - 1}.`, {
        hint: 'Use -1 for the tokens that are no speech.',
      });
    }
    if (id >= 0) all.add(id);
    else for (const nonSpeech of tokenizer.nonSpeechTokens) all.add(nonSpeech);
  }
  const { transcribe, translate, sot, sotPrev, sotLm, noSpeech } = tokenizer;
  for (const id of [transcribe, translate, sot, sotPrev, sotLm]) all.add(id);
  if (noSpeech !== undefined) all.add(noSpeech);
  return [...all].sort((a, b) => a - b);
}

function parseIds(text: string): number[] {
  if (text === '') return [];
  return text.split(',').map((part) => {
    const id = /^\s*-?\d+\s*$/.test(part) ? Number(part) : Number.NaN;
    if (Number.isInteger(id)) return id;
    throw new OptionsError('suppressTokens', `suppressTokens has "${part}" where an id should stand.`, {
      hint: 'Write ids with commas between them, e.g. "-1,11,13".',
    });
  });
}
