/** The model's programs on one device against `plainWhisper`, an implementation of its own, on small random models. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError, InternalError, NumericError } from '../../src/base/errors.ts';
import type { Progress } from '../../src/base/progress.ts';
import { randomStream } from '../../src/base/random.ts';
import type { DecodeGroup, Decoding, GreedyResult } from '../../src/decode/inference.ts';
import { samplingSearch } from '../../src/decode/search/sampling.ts';
import type { Device } from '../../src/engine/device.ts';
import { storageBytes, storageType, type WeightType } from '../../src/engine/dtype.ts';
import type { ModelDimensions } from '../../src/model/dims.ts';
import { createInference, type ModelInference } from '../../src/model/inference.ts';
import type { TensorReader } from '../../src/model/tensorData.ts';
import { storedAs, tensorSpecs, weightBytes } from '../../src/model/tensorSpec.ts';
import { applyRules, type LogitRules, type RuleState, ruleState } from '../../src/rules/logitRules.ts';
import { decode, encode, randomWeights, type Weights } from '../support/plainWhisper.ts';
import { reasonOf, throws } from '../support/throws.ts';

const dims: ModelDimensions = {
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
const rules: LogitRules = {
  eot: 100,
  noSpeech: 104,
  suppress: [3, 101, 102, 103, 104],
  suppressAtStart: [7, 100],
  timestamps: { begin: 110, noTimestamps: 105, eot: 100, maxInitial: 10 },
};
const prompt = [101, 5, 102];

function melOf(seed: number): Float32Array {
  const random = randomStream(seed);
  return Float32Array.from({ length: dims.nMels * 2 * dims.nAudioCtx }, () => 2 * random() - 1);
}

/** What greedy decoding gives by the plain model, with full recomputation at each step. */
function plainGreedy(w: Weights, audio: number[][], limit: number): { tokens: number[]; logprobs: number[] } {
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
function plainDecoding(w: Weights, audio: number[][], rows: number): Decoding {
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

function near(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, what: string): void {
  assert.is(actual.length, expected.length, what);
  for (let i = 0; i < expected.length; i++)
    if (!(Math.abs(actual[i]! - expected[i]!) <= tolerance))
      assert.unreachable(`${what}[${i}] is ${actual[i]}, should be ${expected[i]} within ${tolerance}`);
}

/** The same device, saying that it takes no larger tensor. */
function withLargestTensor(device: Device, maxTensorBytes: number): Device {
  return new Proxy(device, {
    get(target, property) {
      if (property === 'maxTensorBytes') return maxTensorBytes;
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A reader of f32 tensors, in pieces that end within rows; what a piece was is NaN afterwards. */
function readerOf(weights: Weights): TensorReader {
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
function rounded(weights: Weights, dtype: WeightType): Weights {
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

export interface ModelChecks {
  open(): Promise<void>;
  readonly checks: readonly { readonly name: string; run(): Promise<void> }[];
  close(): Promise<void>;
}

/** Of logits and log-probabilities, for sums in f32. */
const TOLERANCE = 2e-4;

/** @param dtype how the weights are stored; the plain model then has the rounded ones */
export function modelSuite(
  title: string,
  open: () => Promise<Device>,
  dtype: WeightType = 'f32',
  tolerance = TOLERANCE,
): void {
  const test = suite(`model ${title}, ${dtype}`);
  const model = modelChecks(open, dtype, tolerance);
  test.before(model.open);
  for (const { name, run } of model.checks) test(name, run);
  test.after(model.close);
  test.run();
}

/** The same check by check, for whoever wants to see one fail. */
export function modelChecks(
  open: () => Promise<Device>,
  dtype: WeightType = 'f32',
  tolerance = TOLERANCE,
): ModelChecks {
  const checks: ModelChecks['checks'][number][] = [];
  const test = (name: string, run: () => Promise<void>): void => void checks.push({ name, run });
  const reader = readerOf(randomWeights(dims, 7));
  const weights = rounded(randomWeights(dims, 7), dtype);
  const audio = encode(weights, dims, melOf(1));
  let device: Device;
  let inference: ModelInference;

  test('the encoder, twice in a row', async () => {
    for (const seed of [2, 1]) {
      const features = await inference.encode(melOf(seed));
      near(await inference.encoderOutput(), encode(weights, dims, melOf(seed)).flat(), tolerance, 'encoder');
      features.close();
    }
  });

  test('all positions of a prompt at once', async () => {
    const tokens = [101, 5, 102, 110, 12, 13, 14, 99, 0, 150];
    const features = await inference.encode(melOf(1));
    const logits = await inference.teacherForced(features, tokens);
    near(logits, decode(weights, dims, audio, tokens).flat(), tolerance, 'logits');
    features.close();
  });

  test('greedy steps on the device, to the limit and to the end of the context', async () => {
    for (const limit of [1, 4, 40]) {
      const features = await inference.encode(melOf(1));
      const group = { audio: features, initialTokens: prompt, sotIndex: 0, rows: 1 };
      const { sequences, noSpeechProb } = await inference.greedy([group], rules, limit);
      const [picked] = sequences;
      const expected = plainGreedy(weights, audio, Math.min(limit, dims.nTextCtx + 1 - prompt.length));
      assert.equal(picked!.tokens, expected.tokens);
      near(picked!.logprobs, expected.logprobs, tolerance, 'logprobs');
      const sot = decode(weights, dims, audio, prompt)[0]!;
      const sum = sot.reduce((s, v) => s + Math.exp(v), 0);
      near(noSpeechProb, [Math.exp(sot[104]!) / sum], tolerance / 2, 'noSpeechProb');
      features.close();
    }
  });

  test('who waits is told of the encoder by parts, of greedy steps by what the rows have', async () => {
    const parts: number[] = [];
    const features = await inference.encode(melOf(1), undefined, (share) => parts.push(share));
    assert.ok(parts.length > 0 && parts.every((share, i) => share > (parts[i - 1] ?? 0)));
    assert.is(parts.at(-1), 1);
    const group = { audio: features, initialTokens: prompt, sotIndex: 0, rows: 1 };
    const states: RuleState[] = [];
    const { sequences } = await inference.greedy([group], rules, 40, undefined, ([row]) => states.push(row!));
    const { tokens } = sequences[0]!;
    assert.ok(states.length > 0);
    for (const state of states) assert.equal(state, ruleState(tokens.slice(0, state.sampled), rules));
    features.close();
  });

  test('draws with a seed are the same as anywhere', async () => {
    const features = await inference.encode(melOf(1));
    const drawn: string[] = [];
    for (const seed of [1, 2, 3]) {
      const search = samplingSearch(dims.nVocab, rules, { temperature: 0.8, seed });
      const groups = [{ rows: 3, limit: 6, stream: seed }];
      const decoding = await inference.start([{ audio: features, initialTokens: prompt, sotIndex: 0, rows: 3 }], rules);
      const actual = (await search(decoding, groups))[0]!;
      const expected = (await search(plainDecoding(weights, audio, 3), groups))[0]!;
      assert.equal(
        actual.map(({ tokens }) => tokens),
        expected.map(({ tokens }) => tokens),
      );
      near(
        actual.flatMap(({ logprobs }) => logprobs),
        expected.flatMap(({ logprobs }) => logprobs),
        tolerance,
        'logprobs',
      );
      drawn.push(...actual.map(({ tokens }) => tokens.join()));
      decoding.close();
    }
    assert.is(new Set(drawn).size, 9, 'no two rows draw the same');
    features.close();
  });

  test('candidates, and rows that change places', async () => {
    const features = await inference.encode(melOf(1));
    const decoding = await inference.start([{ audio: features, initialTokens: prompt, sotIndex: 0, rows: 3 }], rules);
    let histories: number[][] = [[], [], []];
    const moves = [
      { tokens: [110, 112, 111], source: [0, 0, 0] },
      { tokens: [20, 21, 22], source: [2, 0, 1] },
      { tokens: [30, 31, 32], source: [1, 1, 0] },
      { tokens: [40, 41, 42], source: [2, 1, 0] },
      { tokens: [113, 114, 115], source: [0, 0, 1] },
    ];
    for (const { tokens, source } of moves) {
      decoding.advance(tokens, source);
      histories = source.map((from, row) => [...histories[from]!, tokens[row]!]);
      const { tokens: ids, logprobs } = await decoding.candidates(4);
      for (const [row, history] of histories.entries()) {
        const raw = Float32Array.from(decode(weights, dims, audio, [...prompt, ...history]).at(-1)!);
        const logSum = applyRules(raw, ruleState(history, rules), rules);
        const order = Array.from(raw.keys()).sort((a, b) => raw[b]! - raw[a]! || a - b);
        assert.equal(Array.from(ids.subarray(row * 4, row * 4 + 4)), order.slice(0, 4), `row ${row} after ${history}`);
        const expected = order.slice(0, 4).map((id) => raw[id]! - logSum);
        near(logprobs.subarray(row * 4, row * 4 + 4), expected, tolerance, 'candidates');
      }
    }
    decoding.close();
    features.close();
  });

  test('two windows side by side', async () => {
    const other = encode(weights, dims, melOf(2));
    const first = await inference.encode(melOf(1));
    const second = await inference.encode(melOf(2));
    const groups = [
      { audio: first, initialTokens: prompt, sotIndex: 0, rows: 1 },
      { audio: second, initialTokens: [106, 9, ...prompt], sotIndex: 2, rows: 1 },
    ];
    const decoding = await inference.start(groups, rules);
    const logits = await decoding.logits();
    const expected = [decode(weights, dims, audio, prompt), decode(weights, dims, other, [106, 9, ...prompt])];
    near(logits, [...expected[0]!.at(-1)!, ...expected[1]!.at(-1)!], tolerance, 'logits');
    decoding.close();
    first.close();
    second.close();
  });

  /** The numbers that a group has alone: to the bit where a row's sums do not depend on the rows beside it. */
  const alike = (actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void => {
    if (device.kind === 'cpu') assert.equal([...Array.from(actual)], [...Array.from(expected)], what);
    else near(actual, expected, tolerance, what);
  };
  /** Without timestamps, and with other ids that are forbidden. */
  const otherRules: LogitRules = { eot: 100, suppress: [20, 30, 101], suppressAtStart: [8] };
  const guests = [
    { prompt, rules, seed: 1 },
    { prompt: [106, 9, 10, 11, ...prompt], rules, seed: 2 },
    { prompt: [102, 5], rules: otherRules, seed: 3 },
  ];
  const groupsOf = async (own: ModelInference, rows: number) => {
    const groups: DecodeGroup[] = [];
    for (const guest of guests) {
      const features = await own.encode(melOf(guest.seed));
      groups.push({ audio: features, initialTokens: guest.prompt, sotIndex: guest.prompt.length - 2, rows });
    }
    return groups;
  };

  test('groups that come and go take the most probable tokens as alone', async () => {
    const own = await createInference(device, dims, reader, { dtype, maxAudio: 3 });
    const groups = await groupsOf(own, 1);
    const alone: GreedyResult[] = [];
    for (const [i, group] of groups.entries()) alone.push(await own.greedy([group], guests[i]!.rules, 9));
    const found = guests.map(() => ({ tokens: [] as number[], logprobs: [] as number[] }));
    const shared = await own.shareRows!(2, 1);
    const join = async (i: number, place: number): Promise<void> => {
      const noSpeechProb = await shared.join([{ place, group: groups[i]!, rules: guests[i]!.rules }]);
      alike(noSpeechProb, alone[i]!.noSpeechProb, 'noSpeechProb');
      const { tokens, logprobs } = await shared.candidates(2);
      found[i]!.tokens.push(tokens[0]!);
      found[i]!.logprobs.push(logprobs[0]!);
    };
    /** Guests by their places. */
    const step = async (most: number, ...seated: (readonly [number, number])[]): Promise<void> => {
      const steps = seated.map(([place, i]) => ({ place, tokens: found[i]!.tokens.slice(-1) }));
      const more = await shared.greedy(steps, most);
      for (const [k, [, i]] of seated.entries()) {
        found[i]!.tokens.push(...more[k]!.tokens);
        found[i]!.logprobs.push(...more[k]!.logprobs);
      }
    };
    await join(0, 1);
    await step(1, [1, 0]);
    // The time of a step is known now: these are one submit, whose positions the host has not fed one by one.
    await step(3, [1, 0]);
    await join(1, 0);
    shared.advance([
      { place: 1, tokens: found[0]!.tokens.slice(-1) },
      { place: 0, tokens: found[1]!.tokens.slice(-1) },
    ]);
    const { tokens, logprobs } = await shared.candidates(1);
    for (const i of [0, 1]) {
      found[i]!.tokens.push(tokens[i]!);
      found[i]!.logprobs.push(logprobs[i]!);
    }
    await step(2, [0, 1], [1, 0]);
    shared.leave(1);
    await join(2, 1);
    await step(1, [0, 1], [1, 2]);
    await step(3, [1, 2], [0, 1]);
    shared.leave(0);
    await step(2, [1, 2]);
    for (const [i, { tokens, logprobs }] of found.entries()) {
      const [expected] = alone[i]!.sequences;
      const n = Math.min(tokens.length, expected!.tokens.length);
      assert.ok(n >= 4, `${n} tokens of ${i}`);
      assert.equal(tokens.slice(0, n), expected!.tokens.slice(0, n), `guest ${i}`);
      alike(logprobs.slice(0, n), expected!.logprobs.slice(0, n), `guest ${i}`);
    }
    shared.close();
    for (const { audio } of groups) audio.close();
  });

  test('groups that come and go have the candidates and the logits that they have alone', async () => {
    const own = await createInference(device, dims, reader, { dtype, maxAudio: 3 });
    const groups = await groupsOf(own, 3);
    const moves = [
      { tokens: [110, 112, 111], sourceRows: [0, 0, 0] },
      { tokens: [21, 22, 23], sourceRows: [2, 0, 1] },
      { tokens: [31, 32, 33], sourceRows: [1, 1, 0] },
      { tokens: [40, 41, 42], sourceRows: [0, 2, 1] },
    ];
    const shared = await own.shareRows!(3, 3);
    const places = [2, 0, 1];
    const decodings: Decoding[] = [];
    const compare = async (...seated: number[]): Promise<void> => {
      const { tokens, logprobs, errors } = await shared.candidates(4);
      assert.ok(errors.every((error) => error === undefined));
      for (const [at, i] of seated.entries()) {
        const expected = await decodings[i]!.candidates(4);
        const part = <T>(all: { subarray(from: number, to: number): T }): T => all.subarray(at * 12, at * 12 + 12);
        assert.equal(part(tokens), expected.tokens, `candidates of ${i}`);
        alike(part(logprobs), expected.logprobs, `candidates of ${i}`);
        alike(await shared.logits(at, 7, 50), await decodings[i]!.logits(7, 50), `logits of ${i}`);
      }
    };
    const move = async (m: number, ...seated: number[]): Promise<void> => {
      shared.advance(seated.map((i) => ({ place: places[i]!, ...moves[m + i]! })));
      await compare(...seated);
    };
    /** Alone, each in a batch slot of its own, one after the other. */
    const follow = async (i: number, upTo: number): Promise<void> => {
      decodings[i]?.close();
      const decoding = await own.start([groups[i]!], guests[i]!.rules);
      for (let m = 0; m < upTo; m++) decoding.advance(moves[i + m]!.tokens, moves[i + m]!.sourceRows);
      decodings[i] = decoding;
    };
    const join = (...joining: number[]) =>
      shared.join(joining.map((i) => ({ place: places[i]!, group: groups[i]!, rules: guests[i]!.rules })));
    await join(1);
    await follow(1, 0);
    await compare(1);
    await follow(1, 1);
    await move(0, 1);
    decodings[1]!.close();
    await join(0);
    await follow(0, 0);
    await compare(0);
    decodings[0]!.close();
    for (const [m, i] of [
      [1, 1],
      [0, 0],
    ] as const) {
      shared.advance([{ place: places[i]!, ...moves[m + i]! }]);
      await follow(i, m + 1);
      await compare(i);
      decodings[i]!.close();
    }
    shared.leave(places[1]!);
    await join(2);
    await follow(2, 0);
    await compare(2);
    decodings[2]!.close();
    shared.close();
    for (const { audio } of groups) audio.close();
  });

  test('room for one window: the next one is encoded where the keys and values of the last were', async () => {
    const alone = await createInference(device, dims, reader, { dtype });
    for (const [seed, before] of [
      [1, []],
      [2, [106, 9]],
      [1, [106, 9, 7, 8]],
      [2, []],
    ] as const) {
      const features = await alone.encode(melOf(seed));
      const tokens = [...before, ...prompt];
      const group = { audio: features, initialTokens: tokens, sotIndex: before.length, rows: 1 };
      const decoding = await alone.start([group], rules);
      const sound = encode(weights, dims, melOf(seed));
      near(await alone.encoderOutput(), sound.flat(), tolerance, 'encoder');
      near(await decoding.logits(), decode(weights, dims, sound, tokens).at(-1)!, tolerance, 'logits');
      decoding.close();
      features.close();
    }
  });

  test('a row that has ended stands still while others go on to the end of the context', async () => {
    const features = await inference.encode(melOf(1));
    const decoding = await inference.start([{ audio: features, initialTokens: prompt, sotIndex: 0, rows: 2 }], rules);
    const history = [110];
    decoding.advance([110, 100]);
    for (let token = 20; prompt.length + history.length < dims.nTextCtx; token++) {
      history.push(token);
      decoding.advance([token, 100]);
    }
    const logits = (await decoding.logits()).subarray(0, dims.nVocab);
    near(logits, decode(weights, dims, audio, [...prompt, ...history]).at(-1)!, tolerance, 'logits');
    decoding.close();
    features.close();
  });

  test('room for more windows, made while nothing is open', async () => {
    const growing = await createInference(device, dims, reader, { dtype });
    const first = await growing.encode(melOf(2));
    await throws(InternalError, 'internal', growing.reserveAudio(3), 'windows are decoding');
    first.close();
    const { allocate } = device;
    device.allocate = (name, dtype, shape, lifetime) => {
      if (name === 'cross.values1' && shape[0] === 4) throw new DeviceError('outOfMemory', 'there is no more');
      return allocate.call(device, name, dtype, shape, lifetime);
    };
    await throws(DeviceError, 'outOfMemory', growing.reserveAudio(4));
    device.allocate = allocate;
    const again = await growing.encode(melOf(2));
    again.close();
    await growing.reserveAudio(3);
    const features = [await growing.encode(melOf(2)), await growing.encode(melOf(2)), await growing.encode(melOf(1))];
    const group = { audio: features[2]!, initialTokens: prompt, sotIndex: 0, rows: 1 };
    const { sequences } = await growing.greedy([group], rules, 4);
    assert.equal(sequences[0]!.tokens, plainGreedy(weights, audio, 4).tokens);
    for (const each of features) each.close();
  });

  test('many numbers of rows: those not used of late are given back, and prepared again when asked for', async () => {
    const held = new Set<unknown>();
    const counting = new Proxy(device, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          const result: unknown = value.apply(target, args);
          if (property === 'allocate') held.add(result);
          if (property === 'free') held.delete(args[0]);
          return result;
        };
      },
    });
    const own = await createInference(counting, dims, reader, { dtype });
    const features = await own.encode(melOf(1));
    const expected = plainGreedy(weights, audio, 3).tokens;
    const sizes: number[] = [];
    for (const rows of [2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6]) {
      const group = { audio: features, initialTokens: prompt, sotIndex: 0, rows };
      const { sequences } = await own.greedy([group], rules, 3);
      for (const { tokens } of sequences) assert.equal(tokens, expected, `${rows} rows`);
      sizes.push(held.size);
    }
    assert.is(sizes.at(-1), sizes[2], 'tensors of four numbers of rows are held');
    features.close();
  });

  test('a number that is not finite is an error, not a token', async () => {
    const poisoned = new Map(weights);
    const norm = weights.get('model.decoder.layer_norm.weight')!.slice();
    norm[3] = Number.POSITIVE_INFINITY;
    poisoned.set('model.decoder.layer_norm.weight', norm);
    const spoilt = await createInference(device, dims, readerOf(poisoned), { dtype });
    const features = await spoilt.encode(melOf(1));
    const groups = [{ audio: features, initialTokens: prompt, sotIndex: 0, rows: 1 }];
    const stepwise = async (): Promise<unknown> => {
      const decoding = await spoilt.start(groups, rules);
      try {
        return await decoding.candidates(2);
      } finally {
        decoding.close();
      }
    };
    for (const attempt of [stepwise, () => spoilt.greedy(groups, rules, 5)]) {
      await throws(NumericError, 'nonFinite', attempt);
    }
    features.close();
  });

  test('alignment: scores of the chosen heads, probabilities of what follows', async () => {
    const tokens = [101, 5, 102, 105, 12, 13, 14, 99, 0, 30, 31, 32, 33, 34, 35, 36, 37, 38, 100];
    const heads = [
      [1, 2],
      [2, 0],
    ] as const;
    const aligning = await createInference(device, dims, reader, { dtype, alignmentHeads: heads });
    const features = await aligning.encode(melOf(1));
    const expected = new Map<string, number[]>();
    const rows = decode(weights, dims, audio, tokens, (layer, head, row, scores) => {
      expected.set(`${layer}.${head}`, [...(expected.get(`${layer}.${head}`) ?? []), ...scores.slice(0, 7)]);
      assert.ok(row >= 0);
    });
    const seen: Float32Array[] = [];
    const request = { audio: features, tokens, columns: 7, vocabEnd: 100 };
    const probabilities = await aligning.align!(request, (scores) => seen.push(scores.slice()));
    for (const [i, [layer, head]] of heads.entries())
      near(seen[i]!, expected.get(`${layer}.${head}`)!, tolerance, 'scores');
    const wanted = rows.slice(0, -1).map((row, i) => {
      const next = tokens[i + 1]!;
      const sum = row.slice(0, 100).reduce((s, v) => s + Math.exp(v), 0);
      return next < 100 ? Math.exp(row[next]!) / sum : 0;
    });
    near(probabilities, wanted, tolerance / 2, 'probabilities');
    features.close();
  });

  test('an abort stops a run, and the model can be used again', async () => {
    const features = await inference.encode(melOf(1));
    const abort = new AbortController();
    const groups = [{ audio: features, initialTokens: prompt, sotIndex: 0, rows: 1 }];
    const running = inference.greedy(groups, rules, 10, abort.signal);
    abort.abort(new Error('enough'));
    assert.match(String(await reasonOf(running)), /enough/);
    const { sequences } = await inference.greedy(groups, rules, 3);
    assert.equal(sequences[0]!.tokens, plainGreedy(weights, audio, 3).tokens);
    features.close();
  });

  test('the weights are as many bytes as the table of tensors says', async () => {
    // Panels are filled up with zeros, so the device holds more, by less than a panel a matrix.
    const expected = weightBytes(dims, dtype);
    assert.ok(inference.weightBytes >= expected, `${inference.weightBytes} of at least ${expected}`);
    const matrices = 2 + 4 * dims.nAudioLayer + 7 * dims.nTextLayer + 1;
    const slack = matrices * device.panelWidth * 4 * (dims.nTextState + 1) * 4;
    assert.ok(inference.weightBytes <= expected + slack, `${inference.weightBytes} is beyond ${expected + slack}`);
  });

  test('loading tells how far it is, to the last tensor', async () => {
    const seen: string[] = [];
    const onProgress = ({ stage, done, total }: Progress): void => {
      if (stage === 'load') seen.push(`${done}/${total}`);
    };
    await createInference(device, dims, reader, { dtype, onProgress });
    const { size } = tensorSpecs(dims);
    assert.is(size, 11 + 15 * dims.nAudioLayer + 24 * dims.nTextLayer);
    assert.equal(
      seen,
      Array.from({ length: size }, (_, i) => `${i + 1}/${size}`),
    );
  });

  test('keys and values in f16', async () => {
    const halves = await createInference(device, dims, reader, { dtype, cacheDtype: 'f16' });
    const tokens = [101, 5, 102, 110, 12, 13, 14, 99, 0, 150];
    const features = await halves.encode(melOf(1));
    const logits = await halves.teacherForced(features, tokens);
    const exact = decode(weights, dims, audio, tokens).flat();
    // Each key and value is off by 2^-11 of itself; the logits of this model are of order 1.
    near(logits, exact, 1e-2, 'logits');
    assert.ok(
      logits.some((logit, i) => Math.abs(logit - exact[i]!) > TOLERANCE),
      'nothing was rounded',
    );
    features.close();
  });

  test('an embedding in shards', async () => {
    const twoPanels = 2 * storageBytes(dtype, [1, dims.nTextState, device.panelWidth]);
    const sharded = await createInference(withLargestTensor(device, twoPanels), dims, reader, { dtype });
    const features = await sharded.encode(melOf(1));
    const logits = await sharded.teacherForced(features, [101, 149, 60]);
    near(logits, decode(weights, dims, audio, [101, 149, 60]).flat(), tolerance, 'logits');
    features.close();
  });

  return {
    async open() {
      device = await open();
      inference = await createInference(device, dims, reader, { dtype, maxAudio: 2 });
    },
    checks,
    close: () => device.close(),
  };
}
