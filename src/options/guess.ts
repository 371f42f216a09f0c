/** What a value that is none of an option's choices was most likely meant to be. */
import { nearest } from '../base/nearest.ts';

/** Words of other programs, or of the field, for what is called otherwise here. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  text: 'txt',
  plain: 'txt',
  md: 'txt',
  markdown: 'txt',
  subrip: 'srt',
  subtitles: 'srt',
  webvtt: 'vtt',
  lyrics: 'lrc',
  verbose: 'verbose_json',
  gpu: 'webgpu',
  cuda: 'webgpu',
  metal: 'webgpu',
  mps: 'webgpu',
  vulkan: 'webgpu',
  dml: 'webgpu',
  rocm: 'webgpu',
  wasm: 'cpu',
  default: 'auto',
  en: 'translate',
  fp32: 'f32',
  float: 'f32',
  float32: 'f32',
  full: 'f32',
  fp16: 'f16',
  float16: 'f16',
  half: 'f16',
};

const YES = ['true', 'yes', 'y', 'on', '1', 't'];
const NO = ['false', 'no', 'n', 'off', '0', 'f'];

export function guessChoice(text: string, choices: readonly string[]): string | undefined {
  const word = text.trim().toLowerCase();
  const other = Object.hasOwn(OTHER_WORDS, word) ? OTHER_WORDS[word] : word.replaceAll('-', '_');
  if (other !== undefined && choices.includes(other)) return other;
  return nearest(word, choices);
}

export function guessBoolean(text: string): boolean | undefined {
  const word = text.trim().toLowerCase();
  if (YES.includes(word)) return true;
  return NO.includes(word) ? false : undefined;
}
