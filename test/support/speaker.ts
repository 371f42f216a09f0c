/**
 * Someone who says known words at known times, and an engine that hears of them what is in its window: whole words right,
 * the one at the end of the sound wrong, cut into segments by timestamps. For tests of streams, without weights.
 */
import type { AlignRequest } from '../../src/decode/inference.ts';
import type { RunningMel } from '../../src/transcribe/stream/streamWindow.ts';
import { logitsOf, type Script, type ScriptedAlignment, ScriptedInference } from './scriptedInference.ts';
import { smallTokenizer as tokenizer } from './tokenizer.ts';

export interface Spoken {
  /** With its leading space; ASCII. */
  readonly word: string;
  /** Seconds. */
  readonly start: number;
  readonly end: number;
  /** Number of its segment. */
  readonly segment: number;
}

/** Hears the word at `index` otherwise, in the decode of that number; or leaves it be. */
export type Mishear = (index: number, decode: number) => string | undefined;

/** mulberry32. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Speech of so many seconds: words of 0.4 to 1 s, sentences of 3 to 6 words, pauses between. */
export function speech(seconds: number, seed: number): Spoken[] {
  const next = random(seed);
  const words: Spoken[] = [];
  let time = 0.2;
  for (let segment = 0; ; segment++) {
    const n = 3 + Math.floor(next() * 4);
    for (let i = 0; i < n; i++) {
      const end = time + 0.4 + 0.6 * next();
      if (end > seconds) return words;
      const letters = Array.from({ length: 1 + Math.floor(next() * 2) }, () => 'abcdefgh'[Math.floor(next() * 8)]);
      words.push({ word: ` ${letters.join('')}${i === n - 1 ? '.' : ''}`, start: time, end, segment });
      time = end;
    }
    time += 0.1 + 0.6 * next();
  }
}

/** What is heard in frames seek .. seek + size. */
function heardIn(spoken: readonly Spoken[], seek: number, size: number, decode: number, mishear: Mishear): Spoken[] {
  const [from, to] = [seek / 100, (seek + size) / 100];
  return spoken.flatMap((word, index) => {
    if (word.start < from - 0.05 || word.start >= to - 0.05) return [];
    // Each time otherwise, so that no two decodes agree on what is not there yet.
    if (word.end > to) return [{ ...word, word: ` z${'stuvwxyz'[Math.round((seek + size) / 10) % 8]}`, end: to }];
    return [{ ...word, word: mishear(index, decode) ?? word.word }];
  });
}

/** A timestamp token of the window that begins at `seek`. */
function tick(time: number, seek: number): number {
  return tokenizer.timestampBegin + Math.max(0, Math.min(1500, Math.round((time - seek / 100) * 50)));
}

function tokensOf(words: readonly Spoken[], all: readonly Spoken[], seek: number, size: number): number[] {
  const tokens: number[] = [];
  words.forEach((word, i) => {
    if (words[i - 1]?.segment !== word.segment) tokens.push(tick(word.start, seek));
    tokens.push(...tokenizer.encode(word.word));
    const isEnd = words[i + 1] ? words[i + 1]!.segment !== word.segment : false;
    const isWhole = all.findLast(({ segment }) => segment === word.segment)!.end <= (seek + size) / 100;
    if (isEnd || (!words[i + 1] && isWhole)) tokens.push(tick(word.end, seek));
  });
  return tokens;
}

/** Sees only how much sound there is; a window of it is [seek, size]. */
export class CountedMel implements RunningMel {
  samples = 0;
  /** Most frames that were held at once. */
  most = 0;
  #forgotten = 0;

  get nFrames(): number {
    return Math.floor(this.samples / 160);
  }

  push(samples: Float32Array): void {
    this.samples += samples.length;
    this.most = Math.max(this.most, this.nFrames - this.#forgotten);
  }

  end(): void {}

  window(seek: number, size: number): Float32Array {
    return Float32Array.of(seek, size);
  }

  forget(frame: number): void {
    this.#forgotten = frame;
  }
}

export interface Listener {
  readonly inference: ScriptedInference;
  /** [seek, size] of each decode. */
  readonly windows: () => (readonly [number, number])[];
}

export function listenerTo(
  spoken: readonly Spoken[],
  mishear: Mishear = () => undefined,
  onStep?: () => void,
  /** Of each token. */
  probability = 0.9,
): Listener {
  const { nVocab, eot } = tokenizer;
  const silence = tokenizer.noSpeech!;
  const windows: [number, number][] = [];
  const memo = new Map<number, { words: Spoken[]; tokens: number[] }>();
  const heard = (decode: number, mel: Float32Array) => {
    const found = memo.get(decode);
    if (found) return found;
    const [seek, size] = [mel[0]!, mel[1]!];
    windows.push([seek, size]);
    const words = heardIn(spoken, seek, size, decode, mishear);
    const made = { words, tokens: tokensOf(words, spoken, seek, size) };
    memo.clear();
    memo.set(decode, made);
    return made;
  };
  const script: Script = ({ window, mel, sampled, history }) => {
    const { tokens } = heard(window, mel);
    if (tokens.length === 0) return logitsOf(nVocab, { [silence]: history.at(-1) === tokenizer.sot ? 20 : -60 }, 0);
    return logitsOf(nVocab, { [tokens[sampled.length] ?? eot]: 20 });
  };
  const align = ({ tokens, columns }: AlignRequest, window: number): ScriptedAlignment => {
    const mel = inference.mels[window]!;
    const { words } = heard(window, mel);
    // Where each text token begins, in columns; then where the last one ends.
    const starts = words.flatMap(({ word, start, end }) => {
      const n = tokenizer.encode(word).length;
      return Array.from({ length: n }, (_, i) => (start + ((end - start) * i) / n - mel[0]! / 100) * 50);
    });
    const scores = new Float32Array(tokens.length * columns);
    const first = tokens.indexOf(tokenizer.noTimestamps);
    for (let row = first; row < tokens.length; row++) {
      const from = row === first ? 0 : (starts[row - first] ?? columns);
      const to = starts[row - first + 1] ?? columns;
      for (let j = 0; j < columns; j++) scores[row * columns + j] = j >= from && j < to ? 9 : 0;
    }
    return { heads: [scores], probs: new Float32Array(tokens.length - 1).fill(probability) };
  };
  const inference: ScriptedInference = new ScriptedInference({ nVocab, script, align, onStep });
  return { inference, windows: () => windows };
}

export { tokenizer as speakerTokenizer };
