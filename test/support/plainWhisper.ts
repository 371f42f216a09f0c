/**
 * Whisper written a second time, as plainly as can be: nested arrays, f64, no cache, no fusion, and no arithmetic of the
 * kernels. What the engine's programs are held against on small random models. @see openai/whisper, whisper/model.py
 */
import { randomStream } from '../../src/base/random.ts';
import type { ModelDimensions } from '../../src/model/dims.ts';

type Matrix = number[][];
export type Weights = Map<string, Float32Array>;

/** Random weights under Hugging Face names, scaled so that activations stay near 1. */
export function randomWeights(d: ModelDimensions, seed: number): Weights {
  const random = randomStream(seed);
  const weights: Weights = new Map();
  const add = (name: string, n: number, scale: number, mean = 0): void => {
    weights.set(
      `model.${name}`,
      Float32Array.from({ length: n }, () => mean + scale * (2 * random() - 1)),
    );
  };
  const linear = (name: string, n: number, k: number, bias = true): void => {
    add(`${name}.weight`, n * k, 1.7 / Math.sqrt(k));
    if (bias) add(`${name}.bias`, n, 0.1);
  };
  const norm = (name: string, n: number): void => {
    add(`${name}.weight`, n, 0.2, 1);
    add(`${name}.bias`, n, 0.1);
  };
  const attention = (name: string, n: number): void => {
    for (const part of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) linear(`${name}.${part}`, n, n, part !== 'k_proj');
    norm(`${name}_layer_norm`, n);
  };
  const { nAudioState: a, nTextState: t } = d;
  linear('encoder.conv1', a, 3 * d.nMels);
  linear('encoder.conv2', a, 3 * a);
  add('encoder.embed_positions.weight', d.nAudioCtx * a, 0.5);
  for (let i = 0; i < d.nAudioLayer; i++) {
    attention(`encoder.layers.${i}.self_attn`, a);
    linear(`encoder.layers.${i}.fc1`, 4 * a, a);
    linear(`encoder.layers.${i}.fc2`, a, 4 * a);
    norm(`encoder.layers.${i}.final_layer_norm`, a);
  }
  norm('encoder.layer_norm', a);
  add('decoder.embed_tokens.weight', d.nVocab * t, 0.3);
  add('decoder.embed_positions.weight', d.nTextCtx * t, 0.3);
  for (let i = 0; i < d.nTextLayer; i++) {
    attention(`decoder.layers.${i}.self_attn`, t);
    attention(`decoder.layers.${i}.encoder_attn`, t);
    linear(`decoder.layers.${i}.fc1`, 4 * t, t);
    linear(`decoder.layers.${i}.fc2`, t, 4 * t);
    norm(`decoder.layers.${i}.final_layer_norm`, t);
  }
  norm('decoder.layer_norm', t);
  return weights;
}

const at = (w: Weights, name: string): Float32Array => {
  const tensor = w.get(`model.${name}`);
  if (!tensor) throw new Error(`no weight ${name}`);
  return tensor;
};

function linear(w: Weights, name: string, x: Matrix): Matrix {
  const weight = at(w, `${name}.weight`);
  const bias = w.get(`model.${name}.bias`);
  const k = x[0]!.length;
  const n = weight.length / k;
  return x.map((row) =>
    Array.from({ length: n }, (_, j) => row.reduce((sum, v, i) => sum + v * weight[j * k + i]!, bias?.[j] ?? 0)),
  );
}

function norm(w: Weights, name: string, x: Matrix): Matrix {
  const gamma = at(w, `${name}.weight`);
  const beta = at(w, `${name}.bias`);
  return x.map((row) => {
    const mean = row.reduce((a, b) => a + b, 0) / row.length;
    const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length;
    return row.map((v, i) => ((v - mean) / Math.sqrt(variance + 1e-5)) * gamma[i]! + beta[i]!);
  });
}

const add = (a: Matrix, b: Matrix): Matrix => a.map((row, r) => row.map((v, i) => v + b[r]![i]!));

type SeeScores = (head: number, row: number, scores: readonly number[]) => void;

/** Multi-head attention of x over `over` (x itself when the same), causal or not. */
function attend(
  w: Weights,
  name: string,
  x: Matrix,
  over: Matrix,
  nHead: number,
  causal: boolean,
  see?: SeeScores,
): Matrix {
  const q = linear(w, `${name}.q_proj`, x);
  const k = linear(w, `${name}.k_proj`, over);
  const v = linear(w, `${name}.v_proj`, over);
  const headDim = q[0]!.length / nHead;
  const y = q.map((row) => row.map(() => 0));
  for (let head = 0; head < nHead; head++) {
    const dims = Array.from({ length: headDim }, (_, i) => head * headDim + i);
    for (const [r, row] of q.entries()) {
      const keys = causal ? k.slice(0, r + 1) : k;
      const scores = keys.map((key) => dims.reduce((s, i) => s + row[i]! * key[i]!, 0) / Math.sqrt(headDim));
      see?.(head, r, scores);
      const max = Math.max(...scores);
      const exps = scores.map((s) => Math.exp(s - max));
      const sum = exps.reduce((a, b) => a + b, 0);
      for (const i of dims) y[r]![i] = exps.reduce((s, e, key) => s + (e / sum) * v[key]![i]!, 0);
    }
  }
  return linear(w, `${name}.out_proj`, y);
}

/** x times the normal distribution at x, whose series has no term below 0. @see Abramowitz, Stegun 1964, 26.2.11 */
function gelu(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 3; Math.abs(term) > 1e-17 * Math.abs(sum); n += 2) {
    term *= (x * x) / n;
    sum += term;
  }
  return x * (0.5 + (sum * Math.exp(-(x * x) / 2)) / Math.sqrt(2 * Math.PI));
}

function mlp(w: Weights, layer: string, x: Matrix): Matrix {
  const up = linear(w, `${layer}.fc1`, norm(w, `${layer}.final_layer_norm`, x));
  return linear(
    w,
    `${layer}.fc2`,
    up.map((row) => row.map(gelu)),
  );
}

/** Three taps over time, channels [channel][time]. */
function conv(w: Weights, name: string, x: Matrix, stride: number): Matrix {
  const weight = at(w, `${name}.weight`);
  const bias = at(w, `${name}.bias`);
  const cIn = x.length;
  const nOut = Math.floor((x[0]!.length + 2 - 3) / stride) + 1;
  return Array.from(bias, (b, o) =>
    Array.from({ length: nOut }, (_, t) => {
      let sum = b;
      for (let c = 0; c < cIn; c++)
        for (let tap = 0; tap < 3; tap++) sum += weight[(o * cIn + c) * 3 + tap]! * (x[c]![t * stride + tap - 1] ?? 0);
      return gelu(sum);
    }),
  );
}

/** @param mel [nMels, 2 nAudioCtx] row-major; returns [nAudioCtx][nAudioState] */
export function encode(w: Weights, d: ModelDimensions, mel: Float32Array): Matrix {
  const nFrames = mel.length / d.nMels;
  const channels = Array.from({ length: d.nMels }, (_, m) => Array.from(mel.subarray(m * nFrames, (m + 1) * nFrames)));
  const features = conv(w, 'encoder.conv2', conv(w, 'encoder.conv1', channels, 1), 2);
  const positions = at(w, 'encoder.embed_positions.weight');
  let x: Matrix = Array.from({ length: d.nAudioCtx }, (_, t) =>
    features.map((channel, i) => channel[t]! + positions[t * d.nAudioState + i]!),
  );
  for (let i = 0; i < d.nAudioLayer; i++) {
    const layer = `encoder.layers.${i}`;
    const normed = norm(w, `${layer}.self_attn_layer_norm`, x);
    x = add(x, attend(w, `${layer}.self_attn`, normed, normed, d.nAudioHead, false));
    x = add(x, mlp(w, layer, x));
  }
  return norm(w, 'encoder.layer_norm', x);
}

/** Logits after every token: [tokens.length][nVocab]. `see` gets the cross-attention's scores before their softmax. */
export function decode(
  w: Weights,
  d: ModelDimensions,
  audio: Matrix,
  tokens: readonly number[],
  see?: (layer: number, ...rest: Parameters<SeeScores>) => void,
): Matrix {
  const embedding = at(w, 'decoder.embed_tokens.weight');
  const positions = at(w, 'decoder.embed_positions.weight');
  const n = d.nTextState;
  let x: Matrix = tokens.map((token, p) =>
    Array.from({ length: n }, (_, i) => embedding[token * n + i]! + positions[p * n + i]!),
  );
  for (let i = 0; i < d.nTextLayer; i++) {
    const layer = `decoder.layers.${i}`;
    const normed = norm(w, `${layer}.self_attn_layer_norm`, x);
    x = add(x, attend(w, `${layer}.self_attn`, normed, normed, d.nTextHead, true));
    const crossNormed = norm(w, `${layer}.encoder_attn_layer_norm`, x);
    x = add(
      x,
      attend(w, `${layer}.encoder_attn`, crossNormed, audio, d.nTextHead, false, (...seen) => see?.(i, ...seen)),
    );
    x = add(x, mlp(w, layer, x));
  }
  return norm(w, 'decoder.layer_norm', x).map((row) =>
    Array.from({ length: d.nVocab }, (_, id) => row.reduce((s, v, i) => s + v * embedding[id * n + i]!, 0)),
  );
}
