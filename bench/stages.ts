/**
 * One transcription, and where its time went: an engine between decoding and the real one, which reads the clock before
 * and after each call.
 */
import { type LogMel, logMel } from '../src/audio/features/logMel.ts';
import type { Inference } from '../src/decode/inference.ts';
import type { Tokenizer } from '../src/text/tokenizer.ts';
import { transcribe } from '../src/transcribe/transcribe.ts';

/** Milliseconds by the wall clock, and of all threads of the process together. */
export interface Time {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export interface Stages {
  readonly text: string;
  /** From samples to text. */
  readonly endToEnd: Time;
  readonly logMel: Time;
  /** All windows together. */
  readonly encode: Time;
  /** Prompts and sampled tokens of all windows together. */
  readonly decode: Time;
  readonly windows: number;
  readonly promptTokens: number;
  readonly sampledTokens: number;
}

/** What some work took. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly time: Time }> {
  const watch = new Stopwatch();
  const value = await watch.time(work);
  return { value, time: watch.total };
}

/** Adds up what some calls took. */
class Stopwatch {
  #wallMs = 0;
  #cpuMs = 0;

  async time<T>(work: () => Promise<T>): Promise<T> {
    const cpu = process.cpuUsage();
    const wall = performance.now();
    try {
      return await work();
    } finally {
      this.#wallMs += performance.now() - wall;
      const { user, system } = process.cpuUsage(cpu);
      this.#cpuMs += (user + system) / 1000;
    }
  }

  get total(): Time {
    return { wallMs: tenth(this.#wallMs), cpuMs: tenth(this.#cpuMs) };
  }
}

export interface LoadedModel {
  readonly inference: Inference;
  readonly tokenizer: Tokenizer;
}

/** English, temperature 0, timestamps. @param samples mono, 16 kHz; [nSamples] */
export async function timeStages({ inference, tokenizer }: LoadedModel, samples: Float32Array): Promise<Stages> {
  const watches = {
    all: new Stopwatch(),
    mel: new Stopwatch(),
    encode: new Stopwatch(),
    decode: new Stopwatch(),
  };
  let windows = 0;
  let promptTokens = 0;
  let sampledTokens = 0;

  const observed: Inference = {
    nVocab: inference.nVocab,
    nTextCtx: inference.nTextCtx,
    nMels: inference.nMels,
    encode(...args) {
      windows++;
      return watches.encode.time(() => inference.encode(...args));
    },
    start: (...args) => inference.start(...args),
    async greedy(groups, ...args) {
      for (const { initialTokens } of groups) promptTokens += initialTokens.length;
      const result = await watches.decode.time(() => inference.greedy(groups, ...args));
      for (const { tokens } of result.sequences) sampledTokens += tokens.length;
      return result;
    },
  };

  const { text } = await watches.all.time(async () => {
    const mel: LogMel = await watches.mel.time(() => logMel(samples, { nMels: inference.nMels }));
    return transcribe({ inference: observed, tokenizer }, mel, { language: 'en', temperature: 0 });
  });
  return {
    text,
    endToEnd: watches.all.total,
    logMel: watches.mel.total,
    encode: watches.encode.total,
    decode: watches.decode.total,
    windows,
    promptTokens,
    sampledTokens,
  };
}

export function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}
