/** The model's programs on one device against `plainWhisper`, an implementation of its own, on small random models. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DeviceError, InternalError, NumericError } from '../../src/base/errors.ts';
import type { Progress } from '../../src/base/progress.ts';
import { beamSearch, topUp } from '../../src/decode/search/beamSearch.ts';
import { samplingSearch } from '../../src/decode/search/sampling.ts';
import type { Device } from '../../src/engine/device.ts';
import { storageBytes, type WeightType } from '../../src/engine/dtype.ts';
import { createInference, type ModelInference } from '../../src/model/inference.ts';
import { tensorSpecs, weightBytes } from '../../src/model/tensorSpec.ts';
import { applyRules, type RuleState, ruleState } from '../../src/rules/logitRules.ts';
import { decode, encode, randomWeights } from '../support/plainWhisper.ts';
import { reasonOf, throws } from '../support/throws.ts';
import { sharedRowsChecks } from './sharedRowsChecks.ts';
import {
  dims,
  melOf,
  near,
  plainDecoding,
  plainGreedy,
  prompt,
  readerOf,
  rounded,
  rules,
  withLargestTensor,
} from './smallModel.ts';

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

  test('more rows than share a workgroup', async () => {
    const features = [await inference.encode(melOf(1)), await inference.encode(melOf(2))];
    const expected = [audio, encode(weights, dims, melOf(2))].map((each) => plainGreedy(weights, each, 5));
    for (const rows of [9, 12]) {
      const groups = Array.from({ length: rows }, (_, i) => {
        return { audio: features[i % 2]!, initialTokens: prompt, sotIndex: 0, rows: 1 };
      });
      const { sequences } = await inference.greedy(groups, rules, 5);
      for (const [i, { tokens, logprobs }] of sequences.entries()) {
        assert.equal(tokens, expected[i % 2]!.tokens, `row ${i} of ${rows}`);
        near(logprobs, expected[i % 2]!.logprobs, tolerance, `logprobs of row ${i} of ${rows}`);
      }
    }
    for (const each of features) each.close();
  });

  test('who waits is told of the encoder by parts, of greedy steps by what the rows have', async () => {
    const parts: number[] = [];
    const features = await inference.encode(melOf(1), undefined, (share) => parts.push(share));
    assert.ok(parts.length > 0 && parts.every((share, i) => share > (parts[i - 1] ?? 0)));
    assert.is(parts.at(-1), 1);
    const group = { audio: features, initialTokens: prompt, sotIndex: 0, rows: 1 };
    const states: RuleState[] = [];
    // No test before has had three rows: how many steps are worth a wait is not known for them, and it begins with one.
    const groups = [group, group, group];
    const { sequences } = await inference.greedy(groups, rules, 40, undefined, ([row]) => states.push(row!));
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

  test('beams on the device: the candidates of a search on the host, for every end', async () => {
    const features = [await inference.encode(melOf(1)), await inference.encode(melOf(2))];
    let ended = 0;
    for (const [count, beamSize, patience, limit] of [
      [1, 1, 1, 4],
      [1, 3, 1, 1],
      [1, 5, 1, 40],
      [2, 3, 2, 12],
      [2, 2, 1, 40],
      [2, 5, 1, 5],
    ] as const) {
      // Then with ends at what is said without one.
      const eots = [rules.eot];
      for (let run = 0; run < eots.length && run < 5; run++) {
        const eot = eots[run]!;
        const groups = features.slice(0, count).map((audio, i) => {
          const before = i === 0 ? [] : [106, 9];
          return { audio, initialTokens: [...before, ...prompt], sotIndex: before.length, rows: beamSize };
        });
        const own = { ...rules, eot, timestamps: { ...rules.timestamps!, eot } };
        const wanted = beamSize * patience;
        const room = dims.nTextCtx + 1 - Math.max(...groups.map(({ initialTokens }) => initialTokens.length));
        const end = { wanted, limit: Math.min(limit, room) };
        const found = await inference.beams!(groups, own, end);
        const decoding = await inference.start(groups, own);
        const search = beamSearch({ beamSize, wanted, eot });
        const searchGroups = groups.map(({ rows }) => ({ rows, limit: end.limit, stream: 0 }));
        const expected = await search(decoding, searchGroups);
        const what = `${count} x ${beamSize} beams, ${wanted} wanted, ${limit} at most, eot ${eot}`;
        assert.ok(found, what);
        assert.equal(found.noSpeechProb, decoding.noSpeechProb);
        const actual = found.groups.map((group) => topUp(group.ended, group.running, beamSize));
        if (device.wantsFusedSteps) {
          // The host's step is another program, whose sums are rounded elsewhere.
          const tokens = (all: typeof expected) => all.map((group) => group.map((sequence) => sequence.tokens));
          const sums = (all: typeof expected) =>
            all.flatMap((group) => group.flatMap(({ logprobs, sumLogprob }) => [...logprobs, sumLogprob / 10]));
          assert.equal(tokens(actual), tokens(expected), what);
          near(sums(actual), sums(expected), tolerance, what);
        } else {
          assert.equal(actual, expected, what);
        }
        ended += found.groups.reduce((sum, group) => sum + group.ended.length, 0);
        const said = found.groups.flatMap(({ running }) => running.flatMap(({ tokens }) => tokens));
        if (run === 0) eots.push(...new Set(said.filter((id) => id < 110)));
        decoding.close();
      }
    }
    assert.ok(ended > 10, `${ended} ended`);
    for (const each of features) each.close();
  });

  test('beams on the device: told while it goes on, and left to the host where tokens are few', async () => {
    const features = await inference.encode(melOf(1));
    const groups = [{ audio: features, initialTokens: prompt, sotIndex: 0, rows: 4 }];
    const sampled: number[] = [];
    await inference.beams!(groups, rules, { wanted: 4, limit: 12 }, undefined, (rows) => {
      assert.is(rows.length, 4);
      sampled.push(rows[3]!.sampled);
    });
    assert.ok(sampled.length > 0 && sampled.every((n, i) => n > (sampled[i - 1] ?? 0)), String(sampled));
    const suppress = Array.from({ length: dims.nVocab }, (_, id) => id).filter((id) => id > 2);
    const few = { eot: 2, suppress, suppressAtStart: [] };
    assert.is(await inference.beams!(groups, few, { wanted: 4, limit: 5 }), undefined);
    // Nothing of it is left.
    assert.ok(await inference.beams!(groups, rules, { wanted: 4, limit: 5 }));
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

  sharedRowsChecks(test, () => ({ device, reader, dtype, tolerance }));

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
    const beams = () => spoilt.beams!([{ ...groups[0]!, rows: 2 }], rules, { wanted: 2, limit: 5 });
    for (const attempt of [stepwise, () => spoilt.greedy(groups, rules, 5), beams]) {
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

  test('prompts that are too long together for the largest tensor are fed in parts', async () => {
    // The MLP's hidden layer of 20 tokens.
    const limit = 20 * 4 * 4 * dims.nTextState;
    const small = await createInference(withLargestTensor(device, limit), dims, reader, { dtype, maxAudio: 3 });
    assert.is(small.maxRows, 4, 'rows whose keys are one tensor');
    const before = [[106, 9, 7, 8, 20, 21, 22, 23, 24, 25], [], [106, 12, 13, 14, 15]];
    const features = [await small.encode(melOf(1)), await small.encode(melOf(2)), await small.encode(melOf(1))];
    const groups = before.map((said, i) => {
      return { audio: features[i]!, initialTokens: [...said, ...prompt], sotIndex: said.length, rows: 1 };
    });
    const decoding = await small.start(groups, rules);
    const logits = await decoding.logits();
    for (const [i, { initialTokens, sotIndex }] of groups.entries()) {
      const sound = encode(weights, dims, melOf(i === 1 ? 2 : 1));
      const rows = decode(weights, dims, sound, initialTokens);
      near(logits.subarray(i * dims.nVocab, (i + 1) * dims.nVocab), rows.at(-1)!, tolerance, `logits ${i}`);
      const start = rows[sotIndex]!;
      const sum = start.reduce((total, x) => total + Math.exp(x), 0);
      near([decoding.noSpeechProb[i]!], [Math.exp(start[rules.noSpeech!]!) / sum], tolerance, `no speech ${i}`);
    }
    decoding.close();
    for (const each of features) each.close();
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
