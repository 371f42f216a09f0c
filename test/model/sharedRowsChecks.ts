/** `SharedRows` on a device: groups that come and go between steps have the numbers that they have alone. */
import * as assert from 'uvu/assert';
import type { DecodeGroup, Decoding, GreedyResult } from '../../src/decode/inference.ts';
import type { Device } from '../../src/engine/device.ts';
import type { WeightType } from '../../src/engine/dtype.ts';
import { createInference, type ModelInference } from '../../src/model/inference.ts';
import type { TensorReader } from '../../src/model/tensorData.ts';
import type { LogitRules } from '../../src/rules/logitRules.ts';
import { dims, melOf, near, prompt, rules } from './smallModel.ts';

export interface StoredModel {
  readonly device: Device;
  readonly reader: TensorReader;
  readonly dtype: WeightType;
  readonly tolerance: number;
}

/** @param model asked when a check runs: the device is open then */
export function sharedRowsChecks(
  test: (name: string, run: () => Promise<void>) => void,
  model: () => StoredModel,
): void {
  /** The numbers that a group has alone: to the bit where a row's sums do not depend on the rows beside it. */
  const alike = (actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void => {
    const { device, tolerance } = model();
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
    const { device, reader, dtype } = model();
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
    const { device, reader, dtype } = model();
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
}
