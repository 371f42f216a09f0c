/**
 * The core of sotto, which knows no platform: types, errors, and every part for itself. The entry points of the
 * runtimes (`index.node.ts`, `index.deno.ts`, `index.web.ts`) add `load` to it; `sotto/core` is this file alone, for
 * runtimes that bring a platform of their own.
 */

export type { AudioFile, ReadAudio } from './audio/audioFile.ts';
export { type DecodeAudioOptions, decodeAudio } from './audio/decode.ts';
export { type LogMel, logMel } from './audio/features/logMel.ts';
export { RunningLogMel } from './audio/features/runningLogMel.ts';
export {
  type Activity,
  measureActivity,
  type SpeechOptions,
  type SpeechSpan,
  speechSpans,
} from './audio/features/vad.ts';
export { type RawFormat, type RawSound, readSoundStream } from './audio/pcmStream.ts';
export * from './base/errors.ts';
export type { CallOptions, Progress, Warning } from './base/progress.ts';
export { type ModelFiles, openModelFiles } from './checkpoint/modelFiles.ts';
export { blobSource, memorySource, type OpenSource, type WeightSource } from './checkpoint/source.ts';
export { openUrlFolder } from './checkpoint/urlSource.ts';
export type {
  AudioFeatures,
  Candidates,
  DecodeGroup,
  Decoding,
  Inference,
  PickedSequence,
} from './decode/inference.ts';
export { detectLanguage, type LanguageDetection } from './decode/languageDetect.ts';
export type { DecodingOptions } from './decode/options.ts';
export { type DecodingResult, DecodingTask } from './decode/task.ts';
export { chooseDevice } from './devices/choose.ts';
export type { DeviceChoice } from './devices/options.ts';
export type { Device } from './engine/device.ts';
export { type LoadOptions, loadWhisper } from './load.ts';
export type { ModelDimensions } from './model/dims.ts';
export { createInference, type InferenceOptions, type ModelInference } from './model/inference.ts';
export type { WrapOptions } from './output/wrap.ts';
export { extensionOf, FORMATS, type Format, OPENAI_FORMATS, write } from './output/writer.ts';
export type { LogitRules } from './rules/logitRules.ts';
export type { CpuFlags, Platform, WorkerPort } from './runtime/platform.ts';
export { languageCode, languageCodes, languageName } from './text/languages.ts';
export { type Task, Tokenizer } from './text/tokenizer.ts';
export type { TokenizerData } from './text/tokenizerData.ts';
export { type RecordingResult, type TranscribeAllOptions, transcribeAll } from './transcribe/batch/transcribeAll.ts';
export type { TranscribeOptions } from './transcribe/options.ts';
export type { SampleSource } from './transcribe/stream/sampleFeed.ts';
export type { StreamSummary, StreamUpdate } from './transcribe/stream/stream.ts';
export type { StreamOptions } from './transcribe/stream/streamOptions.ts';
export { transcribe, transcribeSegments } from './transcribe/transcribe.ts';
export type { Segment, Transcript, Word } from './transcribe/transcript.ts';
export { type AudioInput, Whisper, type WhisperParts } from './whisper.ts';
