/**
 * The rooms and which may import which. A room is a folder of `src`, a file that stands in `src` itself, or the folder
 * `weights`. `test/layers.test.ts` holds every import against this table.
 */

export interface Room {
  readonly holds: string;
  /** Rooms that it imports at run time, types included; a path means this one file of a room. */
  readonly values: readonly string[];
  /** Rooms of which it imports types alone. */
  readonly types: readonly string[];
}

export const rooms: Readonly<Record<string, Room>> = {
  base: { holds: 'errors, progress, signals; random numbers, half floats, rounding', values: [], types: [] },
  options: {
    holds: 'what an option is: from one row come types, checks, defaults, help and parsing',
    values: ['base'],
    types: [],
  },
  rules: { holds: 'the rules of logits, as host and kernels know them', values: [], types: [] },
  text: { holds: 'tokenizer, languages, compression ratio', values: ['base'], types: [] },
  audio: {
    holds: 'containers, codecs, resampling, log-mel, speech detection',
    values: ['base', 'engine', 'options'],
    types: [],
  },
  checkpoint: {
    holds: "a model's files: safetensors, config, tokenizer, where bytes come from",
    values: ['base', 'model/tensorData.ts', 'model/tensorSpec.ts'],
    types: ['model/dims.ts', 'text'],
  },
  engine: {
    holds: 'what a tensor, a kernel, a program and a device are; how WGSL and WebAssembly are written',
    values: ['base'],
    types: [],
  },
  runtime: {
    holds: 'Node, Deno, browsers, each as one `Platform`',
    values: ['audio', 'base'],
    types: ['engine/wasm/variant.ts', 'engine/wgsl/tuning.ts', 'options'],
  },
  kernels: {
    holds: 'kernels by family: contract, reference and cases, with the variants of each device beside them',
    values: ['engine', 'rules'],
    types: [],
  },
  devices: {
    holds: 'WebGPU, WebAssembly and the reference, which do not know each other',
    values: ['base', 'engine', 'kernels'],
    types: ['options', 'runtime'],
  },
  decode: {
    holds: "decoding as in openai/whisper's decoding.py; the `Inference` interface",
    values: ['base', 'options', 'rules', 'text'],
    types: [],
  },
  model: {
    holds: 'Whisper as programs; implements `Inference`',
    values: ['base', 'engine', 'kernels'],
    types: ['decode', 'rules'],
  },
  transcribe: {
    holds: 'the loop over windows: one after another, in batches, of a stream',
    values: [
      'audio/constants.ts',
      'audio/features/activity.ts',
      'audio/features/crosstalk.ts',
      'audio/features/vad.ts',
      'base',
      'decode',
      'options',
      'text',
    ],
    types: ['audio/features/logMel.ts', 'audio/features/runningLogMel.ts'],
  },
  inspect: {
    holds: 'looks inside a window: candidates, rules, beams, attention; draws them as SVG',
    values: ['audio/constants.ts', 'base', 'decode', 'options', 'rules', 'transcribe'],
    types: ['audio/audioInput.ts', 'audio/features/logMel.ts', 'text'],
  },
  output: { holds: 'output formats', values: ['base', 'text'], types: ['options', 'transcribe'] },
  benchmark: {
    holds: 'what `sotto bench` and its view in a page share: order, report, table, chart, word errors',
    values: ['base'],
    types: [],
  },
  lab: {
    holds: 'checks, times and profiles kernels and programs',
    values: ['base', 'engine', 'kernels', 'model', 'tuning'],
    types: ['rules'],
  },
  weights: {
    holds: 'offline and in Node: converters, hub, cache',
    values: [
      'base',
      'checkpoint',
      'engine/int8.ts',
      'model/tensorData.ts',
      'model/tensorSpec.ts',
      'runtime/environment.ts',
      'runtime/nodeProxy.ts',
    ],
    types: ['options'],
  },
  tuning: {
    holds:
      'which variants of kernels were measured to be the fastest on a GPU: the table, and its file outside of pages',
    values: ['base', 'engine', 'files', 'runtime/environment.ts', 'weights/environment.ts'],
    types: ['options', 'runtime'],
  },
  'whisper.ts': {
    holds: 'a loaded model',
    values: ['audio', 'base', 'decode', 'transcribe'],
    types: ['engine', 'model', 'text'],
  },
  store: {
    holds: 'models that pages keep on the machine: fetched once, checked, mended',
    values: ['base', 'checkpoint'],
    types: [],
  },
  lasting: {
    holds: 'an engine that outlives its GPU: opened again when that is lost, and asked again',
    values: ['base'],
    types: ['decode', 'devices', 'engine', 'model', 'rules'],
  },
  'load.ts': {
    holds: 'puts a loaded model together',
    values: [
      'audio/constants.ts',
      'base',
      'checkpoint',
      'devices',
      'lasting',
      'model',
      'options',
      'text',
      'whisper.ts',
    ],
    types: ['audio', 'runtime'],
  },
  'index.ts': {
    holds: '`sotto/core`: all that knows no platform',
    values: [
      'audio',
      'base',
      'checkpoint',
      'decode',
      'devices',
      'inspect',
      'load.ts',
      'model',
      'output',
      'text',
      'transcribe',
      'whisper.ts',
    ],
    types: ['engine', 'rules', 'runtime'],
  },
  'load.node.ts': {
    holds: 'loads a model in Node and Bun',
    values: ['checkpoint', 'load.ts', 'options', 'runtime', 'tuning', 'weights'],
    types: ['whisper.ts'],
  },
  'index.node.ts': {
    holds: '`sotto` in Node and Bun',
    values: ['index.ts', 'load.node.ts', 'runtime', 'weights'],
    types: ['tuning'],
  },
  'index.deno.ts': { holds: '`sotto` in Deno', values: ['index.node.ts', 'runtime'], types: ['whisper.ts'] },
  'index.web.ts': {
    holds: '`sotto` in browsers',
    values: ['checkpoint', 'index.ts', 'load.ts', 'runtime', 'store'],
    types: ['whisper.ts'],
  },
  'lab.ts': {
    holds: '`sotto/lab`',
    values: ['benchmark', 'devices', 'engine', 'inspect', 'kernels', 'lab', 'tuning'],
    types: [],
  },
  server: {
    holds: "`sotto serve`: OpenAI's transcription API over HTTP, loaded by the command alone",
    values: [
      'audio/constants.ts',
      'audio/pcmStream.ts',
      'base',
      'checkpoint/modelNames.ts',
      'files/isAlive.ts',
      'output',
      'runtime/nodeTemporary.ts',
      'text',
    ],
    types: ['audio/audioInput.ts', 'options', 'transcribe', 'whisper.ts'],
  },
  files: {
    holds: 'recordings and files of results on disk: named, checked, written in one step',
    values: ['base', 'output'],
    types: ['transcribe'],
  },
  batch: {
    holds: '`sotto batch`: many recordings, resumable, over processes and machines, loaded by the command alone',
    values: ['base', 'files', 'output', 'transcribe'],
    types: ['audio/audioInput.ts', 'options', 'whisper.ts'],
  },
  cli: {
    holds: 'the command',
    values: [
      'audio',
      'base',
      'batch',
      'benchmark',
      'checkpoint/modelNames.ts',
      'devices',
      'files',
      'inspect',
      'kernels',
      'lab',
      'load.node.ts',
      'options',
      'output',
      'runtime',
      'server',
      'text',
      'transcribe',
      'tuning',
      'weights',
    ],
    types: ['decode', 'engine', 'whisper.ts'],
  },
};
