/**
 * The core of sotto, which knows no platform: types, errors, and every part for itself. The entry points of the
 * runtimes (`index.node.ts`, `index.deno.ts`, `index.web.ts`) add `load` to it; `sotto/core` is this file alone, for
 * runtimes that bring a platform of their own.
 */

// Load and transcribe: a model, and what its calls take and give.

export type { CallOptions, Progress, Warning } from './base/progress.ts';
export type { LanguageDetection } from './decode/languageDetect.ts';
export type { DecoderSize } from './inspect/inspect.ts';
export type {
  BeamNode,
  BeamTree,
  Candidate,
  InspectedAlignment,
  InspectedAttempt,
  InspectedHead,
  InspectedStep,
  InspectedToken,
  InspectedWindow,
  Inspection,
  Matrix,
  PathWord,
  Struck,
} from './inspect/inspection.ts';
export { type InspectedModel, inspectRecording } from './inspect/inspectRecording.ts';
export type { InspectOptions } from './inspect/options.ts';
export { type LoadOptions, loadWhisper } from './load.ts';
export type { RuleName } from './rules/strikes.ts';
export type { Alignment } from './transcribe/align/alignment.ts';
export type { AlignOptions } from './transcribe/align/options.ts';
export type { BatchRecording } from './transcribe/batch/batch.ts';
export { type RecordingResult, type TranscribeAllOptions, transcribeAll } from './transcribe/batch/transcribeAll.ts';
export type { TranscribeOptions } from './transcribe/options.ts';
export type { SpeechModel } from './transcribe/speechModel.ts';
export type { SampleSource } from './transcribe/stream/sampleFeed.ts';
export type { StreamSummary, StreamUpdate } from './transcribe/stream/stream.ts';
export type { StreamOptions } from './transcribe/stream/streamOptions.ts';
export { transcribe, transcribeSegments } from './transcribe/transcribe.ts';
export type { Segment, Transcript, TranscriptSummary, Unmatched, Word } from './transcribe/transcript.ts';
export { Whisper, type WhisperParts } from './whisper.ts';

// Audio: bytes to samples, whole or while they come; samples to a log-mel; where somebody speaks.

export type {
  AudioBufferLike,
  AudioFile,
  AudioInput,
  AudioPlanes,
  FileInput,
  OpenSound,
} from './audio/audioInput.ts';
export { ByteReader, type ByteReaderOptions } from './audio/byteReader.ts';
export { type ByteSource, blobBytes, memoryBytes } from './audio/byteSource.ts';
export { type DecodeAudioOptions, decodeAudio, decodeWhole } from './audio/decode.ts';
export type { Activity } from './audio/features/activity.ts';
export type { Scratch } from './audio/features/frameStore.ts';
export { measureActivity } from './audio/features/loadedActivity.ts';
export { type LogMel, type LogMelOptions, logMel } from './audio/features/logMel.ts';
export { RunningLogMel } from './audio/features/runningLogMel.ts';

export { type SpeechOptions, type SpeechSpan, speechSpans } from './audio/features/vad.ts';
export { type RawFormat, type RawPcm, readPcmStream } from './audio/pcmStream.ts';
export type { Samples } from './audio/resample/filterMachine.ts';
export { readWhole, type Sound, samplesSound } from './audio/sound.ts';

// Decoding: one window to tokens, tokens to text, languages.

export { detectLanguage } from './decode/languageDetect.ts';
export type { DecodingCallbacks, DecodingOptions, LogitFilter } from './decode/options.ts';
export { type DecodingResult, DecodingTask, type WindowInput } from './decode/task.ts';
export { languageCode, languageCodes, languageName } from './text/languages.ts';
export { type Task, type TokenDecoder, Tokenizer } from './text/tokenizer.ts';
export type { TokenizerData } from './text/tokenizerData.ts';
export type { WordTokens } from './text/words.ts';

// Engine: the model on a device, what decoding asks of it, and what a runtime must give it.

export type {
  AlignRequest,
  AudioFeatures,
  Candidates,
  DecodeGroup,
  Decoding,
  GreedyResult,
  Inference,
  PickedSequence,
} from './decode/inference.ts';
export { type ChooseOptions, chooseDevice, type DeviceOpeners } from './devices/choose.ts';
export type { DeviceChoice, DeviceOptions } from './devices/options.ts';
export type { Device, Executable, SubmitOptions } from './engine/device.ts';
export type { CacheType, DType, Shape, StorageArray, WeightType } from './engine/dtype.ts';
export type { Command, Program, Tensor } from './engine/program.ts';
export type { Dims, KernelContext, Params, RowRange, Variant } from './engine/variant.ts';
export type { WasmFeatures } from './engine/wasm/variant.ts';
export type { Feature, GpuFeatures, MatrixShape } from './engine/wgsl/features.ts';
export type { FindTuning, Prefers } from './engine/wgsl/tuning.ts';
export type { AlignmentHeads } from './model/alignment/alignmentHeads.ts';
export type { ModelDimensions } from './model/dims.ts';
export { createInference, type InferenceOptions, type ModelInference } from './model/inference.ts';
export type { ChosenStorage, Storage } from './model/storage.ts';
export type { StoredType, TensorData, TensorReader } from './model/tensorData.ts';
export { weightBytes } from './model/tensorSpec.ts';
export type { LogitRules, RuleState, TimestampRules } from './rules/logitRules.ts';
export type { Platform, WorkerPort } from './runtime/platform.ts';

// Files and output: a model's files in, transcripts out.

export type { FetchOptions } from './base/http.ts';
export type { GenerationFacts } from './checkpoint/config.ts';
export { type ModelFiles, openModelFiles } from './checkpoint/modelFiles.ts';
export { blobSource, memorySource, type OpenSource, type WeightSource } from './checkpoint/source.ts';
export { openUrlFolder } from './checkpoint/urlSource.ts';
export type { WrapOptions } from './output/wrap.ts';
export { extensionOf, FORMATS, type Format, OPENAI_FORMATS, write } from './output/writer.ts';

// Errors. What each code means is listed in `sotto/codes`.

export type { ErrorClass, ErrorCode, WarningCode } from './base/codes.ts';
export {
  AudioError,
  DeviceError,
  type ErrorDetails,
  InternalError,
  KernelError,
  NumericError,
  OptionsError,
  SottoError,
  WeightsError,
} from './base/errors.ts';
