/** What a person asks for, and a transcript was made with. */
import type { TranscribeOptions } from 'sotto';

/** Options of a transcription that can be sent: no functions. */
export type PageOptions = Pick<
  TranscribeOptions,
  'language' | 'task' | 'initialPrompt' | 'vad' | 'wordTimestamps' | 'beamSize' | 'bestOf'
>;

export interface Asked {
  /** As in `EngineSetup`. */
  readonly model: string;
  readonly options: PageOptions;
}
