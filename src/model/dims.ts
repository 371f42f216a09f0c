/** The sizes of one Whisper model, under openai/whisper's names (`ModelDimensions`). All are read from the files. */
export interface ModelDimensions {
  readonly nMels: number;
  /** Encoder positions a window: 1500. */
  readonly nAudioCtx: number;
  readonly nAudioState: number;
  readonly nAudioHead: number;
  readonly nAudioLayer: number;
  readonly nVocab: number;
  /** Decoder positions: 448. */
  readonly nTextCtx: number;
  readonly nTextState: number;
  readonly nTextHead: number;
  readonly nTextLayer: number;
}
