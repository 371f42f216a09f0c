/** What `sotto --help` prints: examples first, then every option with its default. */
import { defaultText, helpSentences, placeholder, type WrittenOption } from '../options/text.ts';
import { GROUP_TITLES, OPTIONS } from './options.ts';

const EXAMPLES: readonly (readonly [string, string])[] = [
  ['sotto talk.mp3', 'print what is said and write talk.txt, .vtt, .srt, .tsv and .json here'],
  ['sotto talk.mp3 -m base --language de', 'a smaller model; the language is known'],
  ['sotto *.wav -o out -f txt,srt --verbose False', 'text and subtitles of many recordings, with a progress bar'],
  ['sotto *.mp3 --batch_size 8 --vad True', 'quicker: eight windows at once; silence is left out'],
  ['sotto talk.mp3 --device webgpu --task translate', 'on the GPU, into English'],
  ['sotto talk.mp3 --initial_prompt "Ada, Babbage"', 'names are spelt so'],
  ['sotto film.mp4 -f srt --word_timestamps True --max_line_width 42', 'subtitles in short lines'],
  ['sotto call.wav --channels speakers', 'a call with a party a side: every line says who speaks'],
  ['arecord -f S16_LE -r 16000 | sotto - -m base', 'live, from the microphone'],
  ['sotto models', 'the names of models, their sizes, which are here'],
  ['sotto fetch large-v3', 'fetch a model before it is needed'],
  ['sotto align talk.mp3 talk.txt -m base', 'when each word of a known text is said'],
  ['sotto inspect talk.mp3 -m base', 'candidates, beams and attention of a window, drawn'],
  ['sotto serve -m base', "a server for OpenAI's clients, on this machine"],
  ['sotto batch ./recordings -o out', 'thousands of recordings; goes on where it was stopped'],
  ['sotto bench -m tiny,base --dtype f32,int8', 'how fast it is here, and how right'],
  ['sotto convert ./whisper-tiny ./tiny --dtype f16', 'make a model folder of a download'],
];

/** @param width columns of the terminal */
export function helpText(width = 80): string {
  const columns = Math.max(30, Math.min(width, 110));
  const wide = Math.max(...EXAMPLES.map(([command]) => command.length));
  const meanings = Math.max(...EXAMPLES.map(([, meaning]) => meaning.length));
  const lines = [
    'sotto: Whisper speech to text.',
    '',
    'Usage:  sotto AUDIO... [options]',
    '        sotto - [options]  (from a pipe)',
    '        sotto models',
    '        sotto fetch NAME...',
    '        sotto convert SRC DST [--dtype f32|f16|int8]',
    '        sotto align RECORDING TEXT [options]  (sotto help align)',
    '        sotto inspect RECORDING [options]  (sotto help inspect)',
    '        sotto serve [options]  (sotto help serve)',
    '        sotto batch SOURCE... -o DIR [options]  (sotto help batch)',
    '        sotto batch enqueue|work|status|retry --queue URL [options]',
    '        sotto kernel NAME|all',
    '        sotto bench [options]  (sotto help bench)',
    '        sotto help [models|fetch|convert|align|inspect|serve|batch|kernel|bench]',
    '',
    'Examples:',
  ];
  for (const [command, meaning] of EXAMPLES) {
    if (columns >= wide + meanings + 4) lines.push(`  ${command.padEnd(wide)}  ${meaning}`);
    else lines.push(`  ${command}`, ...wrap(meaning, columns - 6).map((line) => `      ${line}`));
  }
  lines.push(
    ...optionLines(OPTIONS, columns),
    '',
    'Other:',
    "  --help, -h   this text, or of a word's",
    '  --version    the version of sotto',
    '',
    ...wrap(
      'Names may have dashes or underscores; values stand after a space or "="; claims are True and False. ' +
        "Options of openai/whisper's that are not built yet are refused, never ignored.",
      columns,
    ),
    '',
    ...wrap(
      'The text goes to stdout, everything else to stderr. Exit status: 0 all is done; 1 something failed (with several ' +
        'recordings the others are still transcribed); 2 the arguments are wrong and nothing was done; after a signal 128 and ' +
        'its number: 130 for Ctrl-C, 143 for SIGTERM. ' +
        'No file is ever left half written.',
      columns,
    ),
    '',
    ...wrap(
      'Environment: SOTTO_CACHE (folder of models), HF_ENDPOINT and HF_TOKEN (the hub), HTTPS_PROXY, ' +
        "SOTTO_WASM_FLAGS=none (leave V8's flags alone), SOTTO_DAWN_FLAGS (more flags of Dawn, which is WebGPU in Node).",
      columns,
    ),
    '',
  );
  return lines.join('\n');
}

/** Every option under the heading of its group. */
export function optionLines(options: readonly WrittenOption[], columns: number): string[] {
  const lines: string[] = [];
  for (const [group, title] of Object.entries(GROUP_TITLES)) {
    const members = options.filter((option) => option.spec.group === group);
    if (members.length > 0) lines.push('', `${title}:`);
    for (const { name, spec } of members) {
      const short = spec.command?.short ? `, -${spec.command.short}` : '';
      const title = `  --${name}${short} ${placeholder(spec)}`;
      const byDefault = `(default: ${defaultText(spec)})`;
      const isOneLine = title.length + 3 + byDefault.length <= columns;
      lines.push(isOneLine ? `${title}   ${byDefault}` : title, ...(isOneLine ? [] : [`      ${byDefault}`]));
      lines.push(...wrap(helpSentences(spec), columns - 6).map((line) => `      ${line}`));
    }
  }
  return lines;
}

export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line ? `${line} ${word}` : word;
  }
  lines.push(line);
  return lines;
}
