/** A small random model, and what `plainWhisper`, an implementation of its own, makes of it. */
import * as assert from 'uvu/assert';
import { randomStream } from '../../src/base/random.ts';
import type { Decoding } from '../../src/decode/inference.ts';
import type { Device } from '../../src/engine/device.ts';
import { storageType, type WeightType } from '../../src/engine/dtype.ts';
import type { ModelDimensions } from '../../src/model/dims.ts';
import type { TensorReader } from '../../src/model/tensorData.ts';
import { storedAs, tensorSpecs } from '../../src/model/tensorSpec.ts';
import { applyRules, type LogitRules, ruleState } from '../../src/rules/logitRules.ts';
import { decode, type Weights } from '../support/plainWhisper.ts';

export const dims: ModelDimensions = {
  nMels: 5,
  nAudioCtx: 9,
  nAudioState: 24,
  nAudioHead: 3,
  nAudioLayer: 2,
  nVocab: 151,
  nTextCtx: 20,
  nTextState: 24,
  nTextHead: 3,
  nTextLayer: 3,
};
export const rules: LogitRules = {
  eot: 100,
  noSpeech: 104,
  suppress: [3, 101, 102, 103, 104],
  suppressAtStart: [7, 100],
  timestamps: { begin: 110, noTimestamps: 105, eot: 100, maxInitial: 10 },
};
export const prompt = [101, 5, 102];

export function melOf(seed: number): Float32Array {
  const random = randomStream(seed);
  return Float32Array.from({ length: dims.nMels * 2 * dims.nAudioCtx }, () => 2 * random() - 1);
}

/** What greedy decoding gives by the plain model, with full recomputation at each step. */
export function plainGreedy(w: Weights, audio: number[][], limit: number): { tokens: number[]; logprobs: number[] } {
  const tokens: number[] = [];
  const logprobs: number[] = [];
  while (tokens.length < limit && tokens.at(-1) !== rules.eot) {
    const row = Float32Array.from(decode(w, dims, audio, [...prompt, ...tokens]).at(-1)!);
    const logSum = applyRules(row, ruleState(tokens, rules), rules);
    const best = row.indexOf(Math.max(...row));
    tokens.push(best);
    logprobs.push(row[best]! - logSum);
  }
  return { tokens, logprobs };
}

/** Rows of the plain model, as far as drawing needs them. */
export function plainDecoding(w: Weights, audio: number[][], rows: number): Decoding {
  const histories = Array.from({ length: rows }, () => [...prompt]);
  const refuse = (): never => {
    throw new Error('drawing asks for logits alone');
  };
  return {
    rows,
    noSpeechProb: new Float32Array(1),
    candidates: refuse,
    close() {},
    advance(tokens) {
      for (const [row, history] of histories.entries()) history.push(tokens[row]!);
    },
    logits: async () => Float32Array.from(histories.flatMap((history) => decode(w, dims, audio, history).at(-1)!)),
  };
}

export function near(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string): void {
  assert.is(actual.length, expected.length, what);
  for (let i = 0; i < expected.length; i++)
    if (!(Math.abs(actual[i]! - expected[i]!) <= tolerance))
      assert.unreachable(`${what}[${i}] is ${actual[i]}, should be ${expected[i]} within ${tolerance}`);
}

/** The same device, saying that it takes no larger tensor. */
export function withLargestTensor(device: Device, maxTensorBytes: number): Device {
  return new Proxy(device, {
    get(target, property) {
      if (property === 'maxTensorBytes') return maxTensorBytes;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A reader of f32 tensors, in pieces that end within rows; what a piece was is NaN afterwards. */
export function readerOf(weights: Weights): TensorReader {
  return {
    dtype: () => 'f32',
    async *pieces(name) {
      const values = weights.get(name)!;
      const piece = new Float32Array(1009);
      for (let at = 0; at < values.length; at += piece.length) {
        const part = values.subarray(at, at + piece.length);
        piece.set(part);
        yield { dtype: 'f32', values: piece.subarray(0, part.length) };
        piece.fill(Number.NaN);
      }
    },
  };
}

/** The weights as they are once stored: what is left of them is what the device computes with. */
export function rounded(weights: Weights, dtype: WeightType): Weights {
  const specs = tensorSpecs(dims);
  return new Map(
    [...weights].map(([name, values]) => {
      const spec = specs.get(name)!;
      const [rows = 1] = spec.shape;
      const type = storageType(storedAs(spec, dtype));
      const asPanels = [rows, values.length / rows, 1];
      return [name, Float32Array.from(type.widen(type.narrow(values, asPanels), asPanels))];
    }),
  );
}
