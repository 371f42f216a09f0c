/**
 * The core of sotto, which knows no platform: types, errors, and every part for itself. The entry points of the
 * runtimes (`index.node.ts`, `index.deno.ts`, `index.web.ts`) add `load` to it; `sotto/core` is this file alone, for
 * runtimes that bring a platform of their own.
 */
export type { AudioFile, ReadAudio } from './audio/audioFile.js';
export { type DecodeAudioOptions, decodeAudio } from './audio/decodeAudio.js';
export { type LogMel, logMel } from './audio/logMel.js';
export { RunningLogMel } from './audio/runningLogMel.js';
export { type Activity, measureActivity, type SpeechOptions, type SpeechSpan, speechSpans } from './audio/vad.js';
export type {
  AudioFeatures,
  Candidates,
  DecodeGroup,
  Decoding,
  Inference,
  PickedSequence,
} from './decode/inference.js';
export { detectLanguage, type LanguageDetection } from './decode/languageDetect.js';
export type { DecodingOptions } from './decode/options.js';
export { type DecodingResult, DecodingTask } from './decode/task.js';
export { chooseDevice, type DeviceChoice } from './device/choose.js';
export type { Device } from './device/device.js';
export * from './errors.js';
export { type LoadOptions, loadWhisper } from './load.js';
export type { ModelDimensions } from './model/dims.js';
export { createInference, type InferenceOptions, type ModelInference } from './model/inference.js';
export type { LogitRules } from './numeric/logitRules.js';
export type { CpuFlags, Platform, WorkerPort } from './platform/platform.js';
export type { CallOptions, Progress, Warning } from './progress.js';
export type { TokenizerData } from './tokenizer/data.js';
export { languageCode, languageCodes, languageName } from './tokenizer/languages.js';
export { type Task, Tokenizer } from './tokenizer/tokenizer.js';
export { type RecordingResult, type SeveralOptions, transcribeSeveral } from './transcribe/several.js';
export type { SampleSource, StreamOptions, StreamSummary, StreamUpdate } from './transcribe/stream.js';
export {
  type Segment,
  type TranscribeOptions,
  type Transcript,
  transcribe,
  transcribeSegments,
  type Word,
} from './transcribe/transcribe.js';
export { type ModelFiles, openModelFiles } from './weights/modelFiles.js';
export { blobSource, memorySource, type OpenSource, type WeightSource } from './weights/source.js';
export { openUrlFolder } from './weights/urlSource.js';
export { type AudioInput, Whisper, type WhisperParts } from './whisper.js';
export type { WrapOptions } from './write/wrap.js';
export { extensionOf, FORMATS, type Format, OPENAI_FORMATS, write } from './write/writer.js';
