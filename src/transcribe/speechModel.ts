import type { Inference } from '../decode/inference.ts';
import type { Tokenizer } from '../text/tokenizer.ts';

/** What transcription needs of a loaded model. */
export interface SpeechModel {
  readonly inference: Inference;
  readonly tokenizer: Tokenizer;
}
