/**
 * Decodes windows at rising temperatures until each result is good enough.
 *
 * @see openai/whisper, whisper/transcribe.py: decode_with_fallback
 */
import type { ResolvedOptions } from '../options/spec.ts';
import type { Tokenizer } from '../text/tokenizer.ts';
import type { Inference } from './inference.ts';
import type { DECODING_OPTIONS, DecodingOptions } from './options.ts';
import { type DecodingObserver, type DecodingResult, DecodingTask, type WindowInput } from './task.ts';

/** What makes a result good enough; null switches a test off. All comparisons are strict. */
export type QualityThresholds = Pick<
  ResolvedOptions<typeof DECODING_OPTIONS, 'transcribe'>,
  'compressionRatioThreshold' | 'logprobThreshold' | 'noSpeechThreshold'
>;

export class FallbackDecoder {
  readonly #tasks: readonly DecodingTask[];
  readonly #thresholds: QualityThresholds;

  /**
   * @param options      with `beamSize` and `patience` for temperature 0 and `bestOf` for those above, and the thresholds
   * @param temperatures at least one, tried in this order; the result of the last is kept whatever its scores
   * @throws {OptionsError} for options that are out of range or contradict each other
   */
  constructor(
    inference: Inference,
    tokenizer: Tokenizer,
    options: Omit<DecodingOptions, 'temperature'> & QualityThresholds,
    temperatures: readonly number[],
    observer?: DecodingObserver,
  ) {
    const { beamSize, patience, bestOf, ...common } = options;
    this.#tasks = temperatures.map((temperature) => {
      const own = temperature > 0 ? { bestOf } : { beamSize, patience };
      return new DecodingTask(inference, tokenizer, { ...common, ...own, temperature }, observer);
    });
    this.#thresholds = options;
  }

  /** Windows of one call are decoded together; those that fail are decoded again together. */
  async run<const W extends readonly WindowInput[]>(
    windows: W,
    signal?: AbortSignal,
  ): Promise<{ readonly [I in keyof W]: DecodingResult }> {
    const results: DecodingResult[] = [];
    const isBad = (i: number): boolean => needsFallback(results[i]!, this.#thresholds);
    const speechUntil = windows.map((window) => window.speechUntil);
    let open = windows.map((_, i) => i);
    for (const [attempt, task] of this.#tasks.entries()) {
      for (let part = open; part.length > 0; ) {
        // Each attempt draws its own numbers.
        const inputs = part.map((i) => ({
          ...windows[i]!,
          stream: (windows[i]!.stream ?? 0) * 64 + attempt,
          speechUntil: speechUntil[i],
        }));
        const found = await task.run(inputs, signal);
        part.forEach((i, at) => {
          results[i] = found[at]!;
        });
        // Where more text was asked for and is bad, the model may end where it wants to.
        part = part.filter(
          (i) => speechUntil[i] !== undefined && (isBad(i) || isSilence(results[i]!, this.#thresholds)),
        );
        for (const i of part) speechUntil[i] = undefined;
      }
      open = open.filter(isBad);
      if (open.length === 0) break;
    }
    // One a window.
    return results as { readonly [I in keyof W]: DecodingResult };
  }
}

export function needsFallback(result: DecodingResult, thresholds: QualityThresholds): boolean {
  const { compressionRatioThreshold, logprobThreshold, noSpeechThreshold } = thresholds;
  const repeats = compressionRatioThreshold !== null && result.compressionRatio > compressionRatioThreshold;
  const unsure = logprobThreshold !== null && result.avgLogprob < logprobThreshold;
  const silent = noSpeechThreshold !== null && result.noSpeechProb > noSpeechThreshold && unsure;
  return (repeats || unsure) && !silent;
}

/** Is the window silence, to be passed over? */
export function isSilence(result: DecodingResult, thresholds: QualityThresholds): boolean {
  const { logprobThreshold, noSpeechThreshold } = thresholds;
  if (noSpeechThreshold === null || !(result.noSpeechProb > noSpeechThreshold)) return false;
  return logprobThreshold === null || !(result.avgLogprob > logprobThreshold);
}
