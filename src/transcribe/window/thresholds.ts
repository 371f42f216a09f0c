import type { QualityThresholds } from '../../decode/fallback.ts';
import type { TranscribeOptions } from '../options.ts';

/** The thresholds of a window's quality with their defaults; null switches a test off. */
export function qualityThresholds(options: Pick<TranscribeOptions, keyof QualityThresholds>): QualityThresholds {
  const { compressionRatioThreshold = 2.4, logprobThreshold = -1, noSpeechThreshold = 0.6 } = options;
  return { compressionRatioThreshold, logprobThreshold, noSpeechThreshold };
}
