/** The words that may come first on the command line, and guesses for those that are none. */
import { OptionsError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';

export const COMMAND_WORDS = [
  'help',
  'version',
  'models',
  'fetch',
  'convert',
  'align',
  'inspect',
  'serve',
  'batch',
  'kernel',
  'bench',
] as const;
export type CommandWord = (typeof COMMAND_WORDS)[number];

/** What people try, by other programs' words. */
const SENTENCES: Readonly<Record<string, string>> = {
  transcribe: 'It needs no word for that: sotto talk.mp3',
  run: 'It needs no word for that: sotto talk.mp3',
  translate: 'Into English: sotto talk.mp3 --task translate',
  listen: 'Sound that is still coming is read from a pipe: arecord -f S16_LE -r 16000 | sotto -',
  stream: 'Sound that is still coming is read from a pipe: arecord -f S16_LE -r 16000 | sotto -',
  live: 'Sound that is still coming is read from a pipe: arecord -f S16_LE -r 16000 | sotto -',
  mic: 'Sound that is still coming is read from a pipe: arecord -f S16_LE -r 16000 | sotto -',
  server: 'Did you mean sotto serve?',
  api: 'Did you mean sotto serve?',
  enqueue: 'Did you mean sotto batch enqueue?',
  work: 'Did you mean sotto batch work?',
  worker: 'Did you mean sotto batch work?',
  list: 'Did you mean sotto models?',
  ls: 'Did you mean sotto models?',
  demo: 'In a clone of the repository: npm run demo',
  kernels: 'Did you mean sotto kernel all?',
  benchmark: 'Did you mean sotto bench?',
  speed: 'Did you mean sotto bench?',
  usage: 'Did you mean sotto help?',
  man: 'Did you mean sotto help?',
  update: 'With npm: npm update sotto',
  install: 'Models are fetched when they are first asked for, or with: sotto fetch base',
  download: 'Did you mean sotto fetch?',
  pull: 'Did you mean sotto fetch?',
};

/**
 * @param word the first argument, of which there is no file
 * @throws {OptionsError} `noCommand` if it looks like the name of a command more than like that of a file
 */
export function refuseMisspeltCommand(word: string): void {
  const lower = word.toLowerCase();
  if (!/^[a-z]{2,}$/.test(lower)) return;
  const near = nearest(lower, COMMAND_WORDS);
  const sentence = Object.hasOwn(SENTENCES, lower) ? SENTENCES[lower] : near && `Did you mean sotto ${near}?`;
  if (!sentence) return;
  throw new OptionsError('noCommand', `There is no file ${word}, and no command of that name.`, { hint: sentence });
}
