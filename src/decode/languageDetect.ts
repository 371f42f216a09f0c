/**
 * Which language is spoken in a window: the distribution over the language tokens after `<|startoftranscript|>`.
 *
 * @see openai/whisper, whisper/decoding.py: detect_language
 */
import { NumericError } from '../base/errors.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { AudioFeatures, Inference } from './inference.ts';

export interface LanguageDetection {
  /** Code of the most probable language. */
  readonly language: string;
  /** Probability of each language the model knows, by code, the most probable first; their sum is 1. */
  readonly probabilities: Readonly<Record<string, number>>;
}

/**
 * @param audio one window; openai/whisper shows it the first 30 s with their silence (`detectionWindow` of a log-mel)
 * @returns for an English-only model English, without a look
 * @throws {NumericError} `nonFinite`
 */
export async function detectLanguage(
  inference: Inference,
  tokenizer: Tokenizer,
  audio: AudioFeatures,
  signal?: AbortSignal,
): Promise<LanguageDetection> {
  if (!tokenizer.isMultilingual) return { language: 'en', probabilities: { en: 1 } };
  const ids = tokenizer.languages.map((code) => tokenizer.languageToken(code));
  const begin = Math.min(...ids);
  const end = Math.max(...ids) + 1;
  const group = { audio, initialTokens: [tokenizer.sot], sotIndex: 0, rows: 1 };
  const noRules = { eot: tokenizer.eot, suppress: [], suppressAtStart: [] };
  const decoding = await inference.start([group], noRules, signal);
  try {
    const row = await decoding.logits(begin, end);
    return languageOf(
      tokenizer.languages,
      Float32Array.from(ids, (id) => row[id - begin]!),
    );
  } finally {
    decoding.close();
  }
}

function languageOf(codes: readonly string[], logits: Float32Array): LanguageDetection {
  let best = 0;
  for (let i = 0; i < logits.length; i++) {
    if (!Number.isFinite(logits[i]!)) {
      throw new NumericError('nonFinite', `The model's logit for the language ${codes[i]} is ${logits[i]}.`);
    }
    if (logits[i]! > logits[best]!) best = i;
  }
  const weights = Array.from(logits, (logit) => Math.exp(logit - logits[best]!));
  const sum = weights.reduce((a, b) => a + b, 0);
  const order = codes.map((_, i) => i).sort((a, b) => weights[b]! - weights[a]!);
  const probabilities = Object.fromEntries(order.map((i) => [codes[i]!, Math.fround(weights[i]! / sum)]));
  return { language: codes[best]!, probabilities };
}
