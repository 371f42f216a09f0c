/**
 * A recording of digits, and a model that reads them: each frame of the log-mel shows which digit sounds in it, so the
 * model hears what is in its window and nothing else, and hears a digit wrongly that the window cuts.
 */
import type { LogMel } from '../../src/audio/features/logMel.ts';
import { logitsOf, type Script, type ScriptedAlignment, ScriptedInference } from './scriptedInference.ts';
import { smallTokenizer as tokenizer } from './tokenizer.ts';

export interface SpokenDigit {
  readonly digit: number;
  /** Frames of 10 ms. */
  readonly start: number;
  readonly end: number;
}

/** Every digit takes this many frames. */
export const digitFrames = 30;
const nMels = 20;
const columns = 3000;
/** Values of the log-mel: silence is 80 dB below the loudest band, the rest of a voice 40. */
const [silent, soft, loud] = [-1, 0, 1];
/** A digit that is 24 dB softer is understood too. */
const audible = 0.4;

/** @param gaps frames of silence before each digit */
export function layDigits(digits: readonly number[], gaps: (i: number) => number): SpokenDigit[] {
  let at = 0;
  return digits.map((digit, i) => {
    const start = at + gaps(i);
    at = start + digitFrames;
    return { digit, start, end: at };
  });
}

export function digitRecording(digits: readonly SpokenDigit[], nFrames: number): LogMel {
  const values = new Float32Array(nMels * nFrames).fill(silent);
  for (const { digit, start, end } of digits)
    for (let m = 0; m < nMels; m++)
      for (let t = start; t < Math.min(end, nFrames); t++) values[m * nFrames + t] = m === digit + 2 ? loud : soft;
  const window = async (seek: number, size: number): Promise<Float32Array> => {
    const out = new Float32Array(nMels * columns);
    for (let m = 0; m < nMels; m++)
      for (let i = 0; i < size; i++) {
        out[m * columns + i] = seek + i < nFrames ? values[m * nFrames + seek + i]! : silent;
      }
    return out;
  };
  return {
    nMels,
    nFrames,
    window,
    detectionWindow: () => window(0, Math.min(columns, nFrames)),
    close: async () => {},
  };
}

/** What is heard in a window. A digit of which the window has less than two thirds is taken for another. */
function hear(mel: Float32Array): SpokenDigit[] {
  const at = (frame: number): number => {
    for (let digit = 0; digit < 10; digit++) if (mel[(digit + 2) * columns + frame]! >= audible) return digit;
    return -1;
  };
  const heard: SpokenDigit[] = [];
  for (let t = 0; t < columns; t++) {
    const digit = at(t);
    if (digit < 0) continue;
    let end = t + 1;
    while (end < columns && end < t + digitFrames && at(end) === digit) end++;
    const whole = end - t >= (digitFrames * 2) / 3;
    if (end - t > 3) heard.push({ digit: whole ? digit : (digit + 5) % 10, start: t, end });
    t = end - 1;
  }
  return heard;
}

export interface ReaderOptions {
  /** Digits of a segment; default 5. */
  readonly perSegment?: number;
  /**
   * How a window that ends in speech or silence is ended: with one timestamp, with two, or with text that has no end yet
   * (which is to be decoded again). Default one.
   */
  readonly ending?: (window: number) => 'one' | 'two' | 'text';
  readonly onStep?: (() => void) | undefined;
  /** Without heads, times are guessed. */
  readonly withoutHeads?: boolean;
  /** Changes the logits that the model would give. */
  readonly change?: (logits: Float32Array, context: Parameters<Script>[0]) => Float32Array;
}

/** A model that writes what it hears: ` 3 1 4`. */
export function digitReader(options: ReaderOptions = {}): ScriptedInference {
  const { perSegment = 5, ending = () => 'one', onStep, withoutHeads, change = (logits) => logits } = options;
  const { nVocab, eot, timestampBegin } = tokenizer;
  const heard = new Map<number, readonly SpokenDigit[]>();
  const texts = new Map<number, readonly number[]>();
  const time = (frame: number): number => timestampBegin + Math.round(frame / 2);
  const textOf = (window: number, mel: Float32Array): readonly number[] => {
    const known = texts.get(window);
    if (known) return known;
    const digits = hear(mel);
    const tokens: number[] = [];
    for (let i = 0; i < digits.length; i += perSegment) {
      const own = digits.slice(i, i + perSegment);
      // The first timestamp is at most 1 s.
      tokens.push(i === 0 ? Math.min(time(100), time(own[0]!.start)) : time(own[0]!.start));
      for (const { digit } of own) tokens.push(32, 48 + digit);
      tokens.push(time(own.at(-1)!.end));
    }
    const end = ending(window);
    if (digits.length > perSegment && end === 'text') tokens.pop();
    else if (digits.length > 0 && end === 'two') tokens.push(tokens.at(-1)!);
    heard.set(window, digits);
    texts.set(window, tokens);
    return tokens;
  };
  const script: Script = (context) => {
    const token = textOf(context.window, context.mel)[context.sampled.length] ?? eot;
    return change(logitsOf(nVocab, { [token]: 20 }), context);
  };
  const inference = new ScriptedInference({
    nVocab,
    script,
    onStep,
    align: withoutHeads
      ? undefined
      : ({ tokens, columns: n }, window) => looks(heard.get(window) ?? hear(inference.mels[window]!), tokens.length, n),
  });
  return inference;
}

/** Attention of the text's tokens: a space looks at the first half of its digit, the digit at the second. */
function looks(digits: readonly SpokenDigit[], nTokens: number, n: number): ScriptedAlignment {
  const scores = new Float32Array(nTokens * n);
  // sot, notimestamps, text, eot; the row before a token is the one that is asked for it.
  const first = tokenizer.sotSequence('en', 'transcribe').length;
  for (let row = first; row < nTokens; row++) {
    const token = row - first;
    const spoken = digits[token >> 1];
    const middle = spoken ? (spoken.start + spoken.end) / 2 : 0;
    const [start, end] = spoken
      ? token % 2 === 0
        ? [spoken.start, middle]
        : [middle, spoken.end]
      : [(digits.at(-1)?.end ?? 0) + 2, n * 2];
    for (let column = Math.round(start / 2); column < Math.min(n, Math.round(end / 2)); column++)
      scores[row * n + column] = 12;
  }
  return { heads: [scores], probs: new Float32Array(nTokens - 1).fill(0.9) };
}
