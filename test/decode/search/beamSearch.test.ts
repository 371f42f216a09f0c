import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { randomBits } from '../../../src/base/random.ts';
import type { DecodingOptions } from '../../../src/decode/options.ts';
import { bestHypothesis } from '../../../src/decode/search/ranker.ts';
import { type DecodingResult, DecodingTask } from '../../../src/decode/task.ts';
import { applyRules, type LogitRules, MASKED, ruleState } from '../../../src/rules/logitRules.ts';
import { logitsOf, type Script, ScriptedInference } from '../../support/scriptedInference.ts';
import { smallTokenizer as tokenizer } from '../../support/tokenizer.ts';

const test = suite('beam search');

const { nVocab, eot, timestampBegin: tsb } = tokenizer;

async function decode(script: Script, options: DecodingOptions, windows = 1) {
  const inference = new ScriptedInference({ nVocab, script });
  const task = new DecodingTask(inference, tokenizer, options);
  await inference.reserveAudio(windows);
  const audio = await Promise.all(Array.from({ length: windows }, () => inference.encode(new Float32Array(1))));
  const results = await task.run(audio.map((a) => ({ audio: a })));
  return { results, rules: inference.starts[0]!.rules, initial: inference.starts[0]!.groups[0]!.initialTokens };
}

/** Logits that depend on the whole history and the seed: a few likely tokens, the end among them more and more. */
function randomScript(seed: number): Script {
  return ({ history, sampled, window }) => {
    const key = history.reduce((k, token) => randomBits(k, token), seed + 1000 * window);
    const row = new Float32Array(nVocab).map((_, id) => (randomBits(key, id) / 2 ** 32) * 4);
    for (let i = 0; i < 4; i++) row[97 + (randomBits(key, 5000 + i) % 6)]! += 3;
    row[eot]! += sampled.length * 0.7;
    row[tsb + Math.min(sampled.length * 7, 1500)]! += 3;
    return row;
  };
}

/** openai/whisper's BeamSearchDecoder with its dictionaries, as plainly as it can be said; gives the best candidate. */
function plainBeams(script: Script, initial: readonly number[], rules: LogitRules, options: DecodingOptions) {
  const beamSize = options.beamSize!;
  const limit = options.sampleLen ?? 224;
  const wanted = Math.round(beamSize * (options.patience ?? 1));
  const finished = new Map<string, { tokens: number[]; sum: number }>();
  let rows = Array.from({ length: beamSize }, () => ({ tokens: [] as number[], sum: 0 }));
  for (let step = 0; step < limit; step++) {
    const scores = new Map<string, { tokens: number[]; sum: number }>();
    for (const [row, { tokens, sum }] of rows.entries()) {
      const context = { mel: new Float32Array(1), window: 0, history: [...initial, ...tokens], sampled: tokens, row };
      const logits = script(context).slice();
      const logSum = applyRules(logits, ruleState(tokens, rules), rules);
      const logprobs = Array.from(logits, (x) => (x <= MASKED ? Number.NEGATIVE_INFINITY : Math.fround(x - logSum)));
      const order = logprobs
        .map((_, id) => id)
        .sort((a, b) => (logprobs[a] === logprobs[b] ? a - b : logprobs[b]! - logprobs[a]!));
      for (const id of order.slice(0, beamSize + 1)) {
        const sequence = [...tokens, id];
        scores.set(sequence.join(), { tokens: sequence, sum: Math.fround(sum + logprobs[id]!) });
      }
    }
    const sorted = [...scores.values()].sort((a, b) => (a.sum === b.sum ? 0 : b.sum - a.sum));
    const kept: typeof rows = [];
    for (const sequence of sorted) {
      if (sequence.tokens.at(-1) === eot) {
        if (finished.size < wanted) finished.set(sequence.tokens.join(), sequence);
      } else if (kept.push(sequence) === beamSize) break;
    }
    rows = kept;
    if (finished.size >= wanted) break;
  }
  const running = rows.map((row, i) => ({ ...row, i })).sort((a, b) => b.sum - a.sum || b.i - a.i);
  for (const { tokens, sum } of running) {
    if (finished.size >= beamSize) break;
    finished.set([...tokens, eot].join(), { tokens: [...tokens, eot], sum });
  }
  let best: { tokens: number[]; sum: number; score: number } | undefined;
  for (const { tokens, sum } of finished.values()) {
    const n = tokens.length - 1;
    const score = sum / (options.lengthPenalty === undefined ? n || 1 : ((5 + n) / 6) ** options.lengthPenalty);
    if (!best || score > best.score) best = { tokens: tokens.slice(0, -1), sum, score };
  }
  return best!;
}

const variants: DecodingOptions[] = [
  { beamSize: 1 },
  { beamSize: 2 },
  { beamSize: 5 },
  { beamSize: 5, patience: 2 },
  { beamSize: 5, patience: 0.4 },
  { beamSize: 3, lengthPenalty: 0 },
  { beamSize: 3, lengthPenalty: 0.6, sampleLen: 6 },
  { beamSize: 4, withoutTimestamps: true, suppressTokens: '', suppressBlank: false },
];
for (const options of variants) {
  test(`as openai/whisper's decoder: ${JSON.stringify(options)}`, async () => {
    for (let seed = 0; seed < 4; seed++) {
      const { results, rules, initial } = await decode(randomScript(seed), options);
      const expected = plainBeams(randomScript(seed), initial, rules, options);
      const result = results[0]!;
      assert.equal([...result.tokens], expected.tokens, `seed ${seed}`);
      assert.is(result.avgLogprob, expected.sum / (expected.tokens.length + 1), `seed ${seed}`);
      assert.is(result.tokenLogprobs.length, result.tokens.length);
    }
  });
}

test('a detour that greedy decoding does not take', async () => {
  // a: 0.6 then every continuation 0.1; b: 0.4 then c: 0.9.
  const ln = Math.log;
  const script: Script = ({ sampled }) => {
    if (sampled.length === 0) return logitsOf(nVocab, { 97: ln(0.6), 98: ln(0.4) }, -100);
    if (sampled.length === 2) return logitsOf(nVocab, { [eot]: 0 }, -100);
    if (sampled[0] === 98) return logitsOf(nVocab, { 99: ln(0.9), 100: ln(0.1) }, -100);
    return logitsOf(nVocab, Object.fromEntries(Array.from({ length: 10 }, (_, i) => [100 + i, ln(0.1)])), -100);
  };
  const text = async (options: DecodingOptions) =>
    (await decode(script, { withoutTimestamps: true, ...options })).results[0]!.text;
  assert.is(await text({}), 'ad', 'greedy, of equals the lowest');
  assert.is(await text({ beamSize: 2 }), 'bc');
});

test('an end below the last beam that is kept is not recorded', async () => {
  // Two beams: a and b are better than the end, so the end is not taken although it is among the best three.
  const script: Script = ({ sampled }) => {
    if (sampled.length === 0) return logitsOf(nVocab, { 97: 3, 98: 2, [eot]: 1 }, -100);
    return logitsOf(nVocab, { [eot]: 20 }, -100);
  };
  const options = { beamSize: 2, withoutTimestamps: true, suppressBlank: false, lengthPenalty: 0 };
  assert.is((await decode(script, options)).results[0]!.text, 'a');
});

test('no more ends are recorded than are wanted; running beams fill up', async () => {
  const ln = Math.log;
  const script: Script = ({ sampled }) => {
    if (sampled.length === 0) return logitsOf(nVocab, { 97: ln(0.5), 98: ln(0.4), 120: ln(0.1) });
    return logitsOf(nVocab, sampled[0] === 97 ? { [eot]: ln(0.6), 99: ln(0.4) } : { [eot]: ln(0.55), 100: ln(0.45) });
  };
  // Both ends rank before the beams ac and bd; one is wanted, so ac is the second candidate, and the best for its length.
  const options = { beamSize: 2, patience: 0.5, withoutTimestamps: true };
  assert.is((await decode(script, options)).results[0]!.text, 'ac');
});

test('of equal running beams the last counts first', async () => {
  const script: Script = () => logitsOf(nVocab, { 97: 1, 98: 1 });
  const options = { beamSize: 2, sampleLen: 1, withoutTimestamps: true };
  assert.is((await decode(script, options)).results[0]!.text, 'b');
});

test('of equal candidates the first is kept, of an empty one the sum counts', () => {
  const candidate = (n: number, sumLogprob: number) => ({ tokens: Array(n).fill(97), logprobs: [], sumLogprob });
  assert.is(bestHypothesis([candidate(2, -2), candidate(1, -1), candidate(4, -4)]), 0);
  assert.is(bestHypothesis([candidate(2, -2), candidate(1, -1)], 1), 1, '-2 / (7 / 6), -1 / 1');
  assert.is(bestHypothesis([candidate(0, -3), candidate(2, -4)]), 1);
  assert.is(bestHypothesis([candidate(0, -1), candidate(2, -4)]), 0);
});

test('several windows search side by side, one ending before the other', async () => {
  const options = { beamSize: 3 };
  const alone: DecodingResult[] = [];
  for (let window = 0; window < 3; window++) {
    const script: Script = (context) => randomScript(40)({ ...context, window });
    alone.push((await decode(script, options)).results[0]!);
  }
  assert.ok(new Set(alone.map(({ tokens }) => tokens.length)).size > 1, 'of different lengths');
  const { results } = await decode(randomScript(40), options, 3);
  assert.equal(results, alone);
});

test.run();
